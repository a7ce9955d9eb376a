"""Celery shells around the use cases."""

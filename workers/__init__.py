"""Celery shells around the use cases, named after the use case they call."""

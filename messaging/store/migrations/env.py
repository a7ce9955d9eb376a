"""Alembic's entry: runs the migrations on the connection `messaging.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from messaging.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

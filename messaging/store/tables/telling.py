"""Where tenants want to be told what happens, and what they are being told."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from messaging.store.tables.base import created, metadata, time, uuid

endpoints = sa.Table(
    "endpoints",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret_sealed", BYTEA, nullable=False),
    # While a secret is being replaced, both sign.
    sa.Column("previous_sealed", BYTEA),
    sa.Column("previous_until", time),
    # The kinds of notices it wants, such as message.delivered.
    sa.Column("events", ARRAY(sa.Text), nullable=False),
    # The first and the last failure since it last took something.
    sa.Column("failing_since", time),
    sa.Column("failed_at", time),
    # It asked for a pause (Retry-After).
    sa.Column("paused_until", time),
    sa.Column("disabled_at", time),
    # gone, failing or asked.
    sa.Column("disabled_reason", sa.Text),
    created(),
    sa.UniqueConstraint("tenant_id", "url"),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("endpoint_id", uuid, nullable=False),
    sa.Column("tenant_id", uuid, nullable=False),
    # What it is about, inbound or not; notices of one message are delivered in their order.
    sa.Column("message_id", uuid),
    sa.Column("kind", sa.Text, nullable=False),
    # What the step says: ids, status, reason. What the message says is read from it when it is told.
    sa.Column("data", JSONB, nullable=False),
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    # waiting, delivered or dead.
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    # While somebody is telling it, the end of that lease.
    sa.Column("due_at", time, nullable=False, server_default=sa.func.now()),
    sa.Column(
        "gives_up_at", time, nullable=False, server_default=sa.text("now() + interval '1 day'")
    ),
    sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("last_status", sa.SmallInteger),
    sa.Column("last_error", sa.Text),
    sa.Column("delivered_at", time),
    sa.Index(
        "notices_turn",
        "endpoint_id",
        "due_at",
        "id",
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index("notices_order", "endpoint_id", "message_id", "id"),
    sa.Index("notices_listed", "endpoint_id", "at", "id"),
    sa.Index("notices_at", "at", postgresql_using="brin"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)
"""What tenants are told: written with the step it tells of, delivered afterwards."""

"""What is known of recipients, each under a keyed hash of their address."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from messaging.store.tables.base import category_type, channel_type, created, metadata, time, uuid

suppression_events = sa.Table(
    "suppression_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False, server_default="all"),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text),
    sa.Column("at", time, nullable=False),
    sa.Column("recorded_at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Index("suppression_events_person", "tenant_id", "channel", "recipient_key", "id"),
)
"""The ledger: every opt-out and every lift, never changed and never deleted."""

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("channel", channel_type, primary_key=True),
    sa.Column("recipient_key", BYTEA, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    # A category, or "all".
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("since", time, nullable=False),
)
"""What the ledger comes to now; written in the same statement."""

consent_events = sa.Table(
    "consent_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("category", category_type, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    # How it was given: express, express_written, implied_purchase, implied_inquiry; NULL for a revocation.
    sa.Column("basis", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("text_version", sa.Text),
    sa.Column("evidence", JSONB),
    sa.Column("at", time, nullable=False),
    sa.Column("recorded_at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Index(
        "consent_events_latest", "tenant_id", "channel", "recipient_key", "category", "at", "id"
    ),
)

dnc_scrubs = sa.Table(
    "dnc_scrubs",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("registry", sa.Text, primary_key=True),
    sa.Column("scrubbed_at", time, nullable=False),
)

dnc_numbers = sa.Table(
    "dnc_numbers",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("recipient_key", BYTEA, primary_key=True),
    sa.Column("registry", sa.Text, primary_key=True),
)

number_facts = sa.Table(
    "number_facts",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("recipient_key", BYTEA, primary_key=True),
    sa.Column("line_type", sa.Text, nullable=False),
    # provider (an error said so), lookup or import.
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("checked_at", time, nullable=False),
)

pending_lookups = sa.Table(
    "pending_lookups",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("recipient_key", BYTEA, primary_key=True),
    # A message to the number; only it holds the address.
    sa.Column("message_id", uuid, nullable=False),
    sa.Column("due_at", time, nullable=False, server_default=sa.func.now()),
    sa.Column("failures", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index("pending_lookups_next", "due_at"),
)

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    # When it was last asked for: what came after that is no part of it.
    created(),
    sa.Column("due_at", time, nullable=False, server_default=sa.func.now()),
    sa.Column("finished_at", time),
    sa.Column("messages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("receipts", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("tenant_id", "channel", "recipient_key"),
    sa.Index("erasures_next", "due_at", postgresql_where=sa.text("finished_at IS NULL")),
)

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("sender_id", uuid),
    created(),
    sa.UniqueConstraint("tenant_id", "channel", "recipient_key"),
)

"""What came in from outside, kept as it came, and signs of life."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from messaging.store.tables.base import channel_type, metadata, time, uuid

raw_receipts = sa.Table(
    "raw_receipts",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("account_id", uuid, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
    sa.Column("received_at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("message_id", uuid),
    sa.Column("epoch", sa.Integer),
    sa.Column("result", sa.Text),
    # What the provider calls this very event, and how often it was posted again.
    sa.Column("event_key", sa.Text),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    # What it was read as, once it was; the detail is in our words.
    sa.Column("event", sa.Text),
    sa.Column("provider_status", sa.Text),
    sa.Column("provider_code", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("occurred_at", time),
    sa.Index(
        "raw_receipts_event",
        "account_id",
        "event_key",
        unique=True,
        postgresql_where=sa.text("event_key IS NOT NULL"),
    ),
    sa.Index(
        "raw_receipts_message", "message_id", postgresql_where=sa.text("message_id IS NOT NULL")
    ),
    # Each tenant decides how long its accounts' webhooks are kept.
    sa.Index("raw_receipts_age", "account_id", "received_at"),
    # Every row is written once more, when it is applied: in its own page, so that no index is touched.
    postgresql_with={"fillfactor": "50"},
)

pending_receipts = sa.Table(
    "pending_receipts",
    metadata,
    sa.Column("receipt_id", sa.BigInteger, nullable=False),
    sa.Column("due_at", time, nullable=False, server_default=sa.func.now()),
    # Set while parked: the id it waits for, because no send of ours is known by it yet.
    sa.Column("provider_message_id", sa.Text),
    sa.Index("pending_receipts_next", "due_at"),
    sa.Index(
        "pending_receipts_parked",
        "provider_message_id",
        postgresql_where=sa.text("provider_message_id IS NOT NULL"),
    ),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)

polls = sa.Table(
    "polls",
    metadata,
    sa.Column("message_id", uuid, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("account_id", uuid, nullable=False),
    sa.Column("provider_message_id", sa.Text, nullable=False),
    sa.Column("accepted_at", time, nullable=False),
    sa.Column("due_at", time, nullable=False),
    sa.Column("asked", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index("polls_due", "due_at"),
)
"""Messages that should have had their receipt by now: their provider is asked at `due_at`."""

cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", time, nullable=False),
)
"""How far a task that goes through a table by time has come."""

inbound_messages = sa.Table(
    "inbound_messages",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("account_id", uuid, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("provider_message_id", sa.Text, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("from_address", sa.Text, nullable=False),
    sa.Column("to_address", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    # What we read in it, what the provider read in it, and what we answered, if we did.
    sa.Column("keyword", sa.Text, nullable=False),
    # Whether that is our conclusion alone, for a person to look at again.
    sa.Column("inferred", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("language", sa.Text),
    sa.Column("provider_keyword", sa.Text),
    sa.Column("reply_id", uuid),
    sa.Column("at", time, nullable=False),
    sa.Column("received_at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("conversation_id", uuid),
    sa.Column("media", ARRAY(sa.Text)),
    sa.UniqueConstraint("account_id", "provider_message_id"),
    sa.Index("inbound_messages_tenant", "tenant_id", "id"),
    sa.Index("inbound_messages_person", "recipient_key", "tenant_id"),
)

inbound_fragments = sa.Table(
    "inbound_fragments",
    metadata,
    sa.Column("account_id", uuid, primary_key=True),
    sa.Column("provider_message_id", sa.Text, primary_key=True),
    sa.Column("number", sa.SmallInteger, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("recipient_key", BYTEA, nullable=False),
    # Of the whole text: sender, recipient, pieces and what the provider numbers it by, under our key.
    sa.Column("reference", BYTEA, nullable=False),
    sa.Column("total", sa.SmallInteger, nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("from_address", sa.Text, nullable=False),
    sa.Column("to_address", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("provider_keyword", sa.Text),
    sa.Column("at", time),
    sa.Column("received_at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    # A piece that is part of a message by now; it is empty, and known again if it comes twice.
    sa.Column("joined", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("inbound_fragments_open", "reference", postgresql_where=sa.text("NOT joined")),
    sa.Index("inbound_fragments_age", "received_at"),
)
"""Pieces of longer inbound texts, until all of one are there."""

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", time, nullable=False),
    sa.Column("detail", JSONB),
)

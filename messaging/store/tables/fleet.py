"""How senders fare: their states, what became of what they sent, and the rates they used."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from messaging.store.tables.base import metadata, time, uuid

sender_events = sa.Table(
    "sender_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("sender_id", uuid, nullable=False),
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Index("sender_events_sender", "sender_id", "id"),
)
"""Every state a sender entered, never changed."""

sender_tallies = sa.Table(
    "sender_tallies",
    metadata,
    sa.Column("sender_id", uuid, nullable=False),
    sa.Column("template", sa.Text),
    # sent, delivered, undelivered, filtered, landline, opted_out or replies.
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)
"""What just happened to messages, appended without a shared row; folded into `sender_stats`."""

sender_stats = sa.Table(
    "sender_stats",
    metadata,
    sa.Column("sender_id", uuid, primary_key=True),
    # Empty for messages of none.
    sa.Column("template", sa.Text, primary_key=True),
    # The minute; the hour, once it is long ago.
    sa.Column("bucket", time, primary_key=True),
    *(
        sa.Column(name, sa.Integer, nullable=False, server_default="0")
        for name in (
            "sent",
            "delivered",
            "undelivered",
            "filtered",
            "landline",
            "opted_out",
            "replies",
        )
    ),
    sa.Index("sender_stats_bucket", "bucket"),
)

sender_recipients = sa.Table(
    "sender_recipients",
    metadata,
    sa.Column("sender_id", uuid, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("recipient_key", BYTEA, primary_key=True),
)
"""Whom a sender with a daily limit wrote to; a day is the carriers', midnight in California."""

rate_log = sa.Table(
    "rate_log",
    metadata,
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    # What one batch reserved, by limit.
    sa.Column("used", JSONB, nullable=False),
    sa.Index("rate_log_at", "at"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)
"""What was reserved lately: what Redis is told again when it has forgotten."""

rate_totals = sa.Table(
    "rate_totals",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("used", sa.Double, nullable=False),
)
"""`rate_log` by day, of what has left it."""

paused_templates = sa.Table(
    "paused_templates",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("template", sa.Text, primary_key=True),
    sa.Column("since", time, nullable=False, server_default=sa.func.now()),
    sa.Column("reason", sa.Text, nullable=False),
)
"""Texts that failed on many numbers: they wait, and the numbers go on."""

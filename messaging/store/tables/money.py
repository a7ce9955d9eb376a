"""What messages cost, and who has how much to spend."""

from __future__ import annotations

import sqlalchemy as sa

from messaging.store.tables.base import created, metadata, time, uuid

money = sa.Numeric(20, 6)

prices = sa.Table(
    "prices",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    # NULL is everybody.
    sa.Column("tenant_id", uuid),
    # * stands for any.
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("per_segment", money, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("since", time, nullable=False),
    created(),
    sa.Index("prices_tenant", "tenant_id", "provider", "channel", "country", "since"),
)
"""What a segment costs since when; a price that changes is a new row."""

balances = sa.Table(
    "balances",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    # What may still be reserved and what is, but for what `returns` holds.
    sa.Column("balance", money, nullable=False, server_default="0"),
    sa.Column("reserved", money, nullable=False, server_default="0"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("day_cap", money),
    # The last day (UTC) something was reserved on, and how much on it.
    sa.Column("day", sa.Date),
    sa.Column("day_spent", money, nullable=False, server_default="0"),
    # Since when what is blocked may be affordable; NULL when all that was has been set free.
    sa.Column("eased_at", time),
    sa.Column("enabled_at", time, nullable=False, server_default=sa.func.now()),
    postgresql_with={"fillfactor": "50"},
)
"""A tenant that is billed, and what it may still spend."""

campaign_spend = sa.Table(
    "campaign_spend",
    metadata,
    sa.Column("tenant_id", uuid, primary_key=True),
    sa.Column("campaign", sa.Text, primary_key=True),
    # NULL is no cap.
    sa.Column("cap", money),
    sa.Column("spent", money, nullable=False, server_default="0"),
    postgresql_with={"fillfactor": "50"},
)
"""What a campaign has cost, and may cost; locked by its tenant's row of `balances`."""

charges = sa.Table(
    "charges",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("message_id", uuid),
    sa.Column("campaign", sa.Text),
    # Of the caps it counts against (UTC).
    sa.Column("day", sa.Date, nullable=False),
    # reserve, settle, refund or top_up.
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount", money, nullable=False),
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Index("charges_message", "message_id", postgresql_where=sa.text("message_id IS NOT NULL")),
    sa.Index("charges_tenant", "tenant_id", "day"),
)
"""The ledger: appended to, never changed."""

returns = sa.Table(
    "returns",
    metadata,
    sa.Column("tenant_id", uuid, nullable=False),
    sa.Column("campaign", sa.Text),
    sa.Column("day", sa.Date, nullable=False),
    # What goes back to the balance; below 0 it is owed after all.
    sa.Column("amount", money, nullable=False),
    # What is reserved no longer.
    sa.Column("unreserved", money, nullable=False),
    sa.Index("returns_tenant", "tenant_id"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0.01"},
)
"""What became of reservations: appended with the steps of messages, added up under their balance's lock."""

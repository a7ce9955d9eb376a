"""People as a tenant knows them, and the campaigns that write to many of them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSON, JSONB

from messaging.store.tables.base import channel_type, created, metadata, time, uuid

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    # The tenant's own name for the contact: what messages carry as `lead`.
    sa.Column("ref", sa.Text),
    sa.Column("first_name", sa.Text),
    sa.Column("last_name", sa.Text),
    sa.Column("company", sa.Text),
    # Whose contact it is, as the tenant names its people.
    sa.Column("assignee", sa.Text),
    # What its messages belong to when they do not say; a campaign's bindings decide the sender.
    sa.Column("campaign", sa.Text),
    sa.Column("agent", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("time_zone", sa.Text),
    sa.Column("postal_code", sa.Text),
    sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("attributes", JSONB, nullable=False, server_default="{}"),
    # Names, company and addresses in small letters: what a keyword is looked for in.
    sa.Column("search", sa.Text, nullable=False, server_default=""),
    created(),
    sa.Column("modified_at", time),
    sa.Index(
        "contacts_ref",
        "tenant_id",
        "ref",
        unique=True,
        postgresql_where=sa.text("ref IS NOT NULL"),
    ),
    sa.Index("contacts_tenant", "tenant_id", "id"),
)

contact_addresses = sa.Table(
    "contact_addresses",
    metadata,
    sa.Column(
        "contact_id", uuid, sa.ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("channel", channel_type, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("recipient_key", BYTEA, nullable=False),
    sa.Column("tenant_id", uuid, nullable=False),
    # The first of a channel is the one that is written to.
    sa.Column("position", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index("contact_addresses_key", "tenant_id", "recipient_key"),
)

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    # What its messages carry as `campaign`.
    sa.Column("name", sa.Text, nullable=False),
    # One of `domain.campaign_states`, and what led there.
    sa.Column("state", sa.Text, nullable=False, server_default="draft"),
    sa.Column("state_reason", sa.Text),
    sa.Column("request", JSONB, nullable=False),
    # What a dry run said, to be compared with what came.
    sa.Column("plan", JSONB),
    sa.Column("per_minute", sa.Integer),
    # How many go first; NULL once they have shown how it goes.
    sa.Column("canary", sa.Integer),
    sa.Column("pause_on_error_share", sa.Double),
    sa.Column("targets", sa.Integer, nullable=False, server_default="0"),
    # Up to which recipient there are messages, and up to when these were paid for by `per_minute`.
    sa.Column("expanded_to", sa.Integer, nullable=False, server_default="0"),
    sa.Column("paced_at", time),
    # When the clock looks at it next, and since when it is in its state.
    sa.Column("next_at", time, nullable=False, server_default=sa.func.now()),
    sa.Column("state_since", time, nullable=False, server_default=sa.func.now()),
    created(),
    sa.Column("scheduled_for", time),
    # The last contact that was looked at, while the snapshot is taken; and when that was done.
    sa.Column("snapshot_to", uuid),
    sa.Column("snapshot_at", time),
    sa.Column("started_at", time),
    sa.Column("finished_at", time),
    sa.UniqueConstraint("tenant_id", "name"),
    sa.Index(
        "campaigns_working",
        "next_at",
        postgresql_where=sa.text("state IN ('scheduled', 'snapshot', 'running', 'canceling')"),
    ),
)

campaign_recipients = sa.Table(
    "campaign_recipients",
    metadata,
    sa.Column("campaign_id", uuid, primary_key=True),
    sa.Column("recipient_key", BYTEA, primary_key=True),
    # Their place in the order of sending.
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("contact_id", uuid),
    sa.Column("address", sa.Text, nullable=False),
    # What is put into the text, as it was when the snapshot was taken.
    sa.Column("fields", JSON),
    # What its message gets of the contact: lead, agent, source, time_zone, postal_code.
    sa.Column("about", JSON),
    sa.Column("message_id", uuid),
    # waiting, expanded or skipped, and why.
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("reason", sa.Text),
    sa.Index("campaign_recipients_order", "campaign_id", "n", unique=True),
    # Each row is written twice, and no index of it says what has become of it.
    postgresql_with={"fillfactor": "50"},
)
"""Whom a campaign writes to: each once, and what became of them."""

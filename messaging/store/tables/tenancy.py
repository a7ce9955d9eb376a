"""Tenants, their keys and policy, and what they may send from."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from messaging.store.tables.base import channel_type, created, metadata, time, uuid


def _refreshed() -> tuple[sa.Column[Any], ...]:
    """When a provider last said where a registration stands, and when it is asked next."""
    return (
        sa.Column("refreshed_at", time),
        sa.Column("refresh_due_at", time, nullable=False, server_default=sa.func.now()),
        sa.Column("refresh_failures", sa.SmallInteger, nullable=False, server_default="0"),
    )


tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("default_region", sa.Text, nullable=False, server_default="US"),
    # What the tenant decided about compliance; `messaging.domain.compliance.policy.Policy`.
    sa.Column("policy", JSONB, nullable=False, server_default="{}"),
    # When something was last registered that may set held messages free.
    sa.Column("cleared_at", time),
    # Messages in both directions up to this id are emptied already, or in `lingering`.
    sa.Column("pruned_through", uuid),
    created(),
    # Its part of a lane in which others wait too: `messaging.domain.fairness`.
    sa.Column("weight", sa.Double, nullable=False, server_default="1"),
    sa.CheckConstraint("weight BETWEEN 0.01 AND 100", name="tenants_weight_check"),
)

policy_events = sa.Table(
    "policy_events",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("decisions", JSONB, nullable=False),
    sa.Index("policy_events_tenant", "tenant_id", "id"),
)
"""Every policy a tenant ever had, never changed and never deleted."""

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("secret_hash", BYTEA, nullable=False),
    created(),
    sa.Column("expires_at", time),
    sa.Column("revoked_at", time),
    # live or test; `messaging.domain.scopes.KeyKind`.
    sa.Column("kind", sa.Text, nullable=False, server_default="live"),
    # What it may do; NULL is everything.
    sa.Column("scopes", ARRAY(sa.Text)),
    # NULL is what POSTHORN_REQUESTS_PER_MINUTE says, 0 is no limit.
    sa.Column("requests_per_minute", sa.Integer),
    # To the minute.
    sa.Column("last_used_at", time),
    sa.Index("api_keys_tenant", "tenant_id"),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("at", time, nullable=False, server_default=sa.func.clock_timestamp()),
    # The public id of the API key it was asked with; NULL is the command line.
    sa.Column("key_id", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("action", sa.Text, nullable=False),
    # Of what: an id or the tenant's own name for it, never a person's address.
    sa.Column("target", sa.Text),
    # Names of what was changed, never values.
    sa.Column("fields", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Index("audit_log_tenant", "tenant_id", "id"),
)
"""Who changed what of a tenant's settings, and when: only ever appended to."""

provider_accounts = sa.Table(
    "provider_accounts",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("secret_sealed", BYTEA, nullable=False),
    sa.Column("max_in_flight", sa.Integer, nullable=False, server_default="100"),
    # NULL is what its provider's listing usually takes.
    sa.Column("absence_proof_seconds", sa.Integer),
    # What the provider lets the whole account send; NULL is no limit of its own.
    sa.Column("segments_per_second", sa.Double),
    created(),
    # What else the provider needs, by name; what of it is secret is in `more_sealed`, a JSON object
    # {"options": {...}, "webhook_secrets": [...]}.
    sa.Column("options", JSONB, nullable=False, server_default="{}"),
    sa.Column("more_sealed", BYTEA),
    # What webhooks were signed with before (a sealed JSON list), and until when that still counts.
    sa.Column("previous_sealed", BYTEA),
    sa.Column("previous_until", time),
    sa.Column("rotated_at", time),
    sa.UniqueConstraint("tenant_id", "name"),
)

sender_pools = sa.Table(
    "sender_pools",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    # ISO 3166 codes this pool may write to; NULL means what the tenant's policy allows.
    sa.Column("regions", ARRAY(sa.Text)),
    # Whether a conversation keeps its sender, and whether one near the recipient is looked for.
    sa.Column("sticky", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("local", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("local_km", sa.Integer, nullable=False, server_default="400"),
    sa.Column("segments_per_second", sa.Double),
    created(),
    sa.UniqueConstraint("tenant_id", "name"),
)

brands = sa.Table(
    "brands",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("provider_brand_id", sa.Text),
    # Where the brand and its campaigns are registered; NULL is the tenant's only account that can be asked.
    sa.Column("account_id", uuid, sa.ForeignKey("provider_accounts.id")),
    sa.Column("status", sa.Text, nullable=False, server_default="pending"),
    # What one carrier lets the brand send a day, over all its campaigns; as the registry says it.
    sa.Column("segments_per_day", sa.Integer),
    created(),
    # When its state was last said by anybody.
    sa.Column("modified_at", time),
    *_refreshed(),
    sa.UniqueConstraint("tenant_id", "name"),
)

tendlc_campaigns = sa.Table(
    "tendlc_campaigns",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("brand_id", uuid, sa.ForeignKey("brands.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("provider_campaign_id", sa.Text),
    # What the provider keeps the campaign under: Twilio's messaging service.
    sa.Column("provider_service_id", sa.Text),
    sa.Column("status", sa.Text, nullable=False, server_default="pending"),
    sa.Column("use_case", sa.Text),
    # What the campaign declared its messages may hold.
    sa.Column("has_links", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("has_phone_numbers", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("age_gated", sa.Boolean, nullable=False, server_default=sa.false()),
    # What carriers let the campaign send a minute; as the registry says it, never computed.
    sa.Column("segments_per_minute", sa.Integer),
    created(),
    # As a brand's.
    sa.Column("modified_at", time),
    *_refreshed(),
    sa.UniqueConstraint("tenant_id", "name"),
)

senders = sa.Table(
    "senders",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("account_id", uuid, sa.ForeignKey("provider_accounts.id"), nullable=False),
    sa.Column("channel", channel_type, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("mps", sa.Double, nullable=False, server_default="1"),
    sa.Column("capabilities", ARRAY(sa.Text), nullable=False, server_default="{sms}"),
    sa.Column("country", sa.Text),
    # The agent or user it belongs to, as the tenant names them.
    sa.Column("owner", sa.Text),
    # `messaging.domain.sender_health.SenderState`, and what led there.
    sa.Column("state", sa.Text, nullable=False, server_default="fresh"),
    sa.Column("state_reason", sa.Text),
    sa.Column("state_since", time, nullable=False, server_default=sa.func.now()),
    sa.Column("cordoned_until", time),
    # What happened before then says nothing of its health any more.
    sa.Column("measured_since", time),
    # How many different people it may write to a day; NULL is no limit.
    sa.Column("daily_recipients", sa.Integer),
    # The same while it warms up: a limit per level, and the level it is at since a day.
    sa.Column("ramp", ARRAY(sa.Integer)),
    sa.Column("ramp_level", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("ramp_since", sa.Date),
    # The carriers' day on which it last sent anything, as of the latest health tick.
    sa.Column("last_used_on", sa.Date),
    sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("kind", sa.Text, nullable=False, server_default="long_code"),
    sa.Column("tendlc_campaign_id", uuid, sa.ForeignKey("tendlc_campaigns.id")),
    # The number's own state: a toll-free verification, or a long code taken off its campaign.
    sa.Column("verification", sa.Text, nullable=False, server_default="unregistered"),
    # When that was last said by anybody.
    sa.Column("verification_at", time),
    sa.Column("provider_verification_id", sa.Text),
    *_refreshed(),
    # Who answers STOP, START and HELP: provider, self or network.
    sa.Column("reply_owner", sa.Text, nullable=False, server_default="provider"),
    created(),
    sa.Column("retired_at", time),
    sa.UniqueConstraint("tenant_id", "channel", "address"),
)

sender_pool_members = sa.Table(
    "sender_pool_members",
    metadata,
    sa.Column("pool_id", uuid, sa.ForeignKey("sender_pools.id"), primary_key=True),
    sa.Column("sender_id", uuid, sa.ForeignKey("senders.id"), primary_key=True),
    sa.Index("sender_pool_members_sender", "sender_id"),
)

bindings = sa.Table(
    "bindings",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, nullable=False),
    # campaign, source, use_case, lead or tenant; and which one, as the tenant names it.
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("ref", sa.Text, nullable=False),
    # Exactly one of the three.
    sa.Column("sender_id", uuid, sa.ForeignKey("senders.id")),
    sa.Column("pool_id", uuid, sa.ForeignKey("sender_pools.id")),
    sa.Column("account_id", uuid, sa.ForeignKey("provider_accounts.id")),
    created(),
    sa.Index("bindings_ref", "tenant_id", "kind", "ref"),
)
"""What messages of a campaign, source, use case, lead or tenant leave from."""

use_cases = sa.Table(
    "use_cases",
    metadata,
    sa.Column("id", uuid, primary_key=True),
    sa.Column("tenant_id", uuid, sa.ForeignKey("tenants.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    # NULL once it was removed: then its pool is free.
    sa.Column("pool_id", uuid, sa.ForeignKey("sender_pools.id")),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    created(),
    sa.Column("deleted_at", time),
    sa.Index(
        "use_cases_name",
        "tenant_id",
        "name",
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    ),
)
"""What is sent for one purpose from one pool; messages carry the id as `use_case`."""

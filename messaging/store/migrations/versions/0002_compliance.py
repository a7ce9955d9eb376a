"""Compliance: policies, registrations, the suppression ledger, consent, verdicts, inbound messages."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = """
CREATE TEMPORARY TABLE suppressions_before AS SELECT * FROM suppressions;

DROP TABLE suppressions;

CREATE TABLE policy_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    decisions JSONB NOT NULL,
    CONSTRAINT policy_events_pkey PRIMARY KEY (id),
    CONSTRAINT policy_events_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id)
);

CREATE INDEX policy_events_tenant ON policy_events (tenant_id, id);

CREATE TABLE brands (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    provider_brand_id TEXT,
    account_id UUID,
    status TEXT DEFAULT 'pending' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    modified_at TIMESTAMP WITH TIME ZONE,
    refreshed_at TIMESTAMP WITH TIME ZONE,
    refresh_due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    refresh_failures SMALLINT DEFAULT '0' NOT NULL,
    CONSTRAINT brands_pkey PRIMARY KEY (id),
    CONSTRAINT brands_tenant_id_name_key UNIQUE (tenant_id, name),
    CONSTRAINT brands_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT brands_account_id_fkey FOREIGN KEY(account_id) REFERENCES provider_accounts (id)
);

CREATE TABLE tendlc_campaigns (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    brand_id UUID NOT NULL,
    name TEXT NOT NULL,
    provider_campaign_id TEXT,
    provider_service_id TEXT,
    status TEXT DEFAULT 'pending' NOT NULL,
    use_case TEXT,
    has_links BOOLEAN DEFAULT true NOT NULL,
    has_phone_numbers BOOLEAN DEFAULT true NOT NULL,
    age_gated BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    modified_at TIMESTAMP WITH TIME ZONE,
    refreshed_at TIMESTAMP WITH TIME ZONE,
    refresh_due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    refresh_failures SMALLINT DEFAULT '0' NOT NULL,
    CONSTRAINT tendlc_campaigns_pkey PRIMARY KEY (id),
    CONSTRAINT tendlc_campaigns_tenant_id_name_key UNIQUE (tenant_id, name),
    CONSTRAINT tendlc_campaigns_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT tendlc_campaigns_brand_id_fkey FOREIGN KEY(brand_id) REFERENCES brands (id)
);

CREATE TABLE suppression_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID NOT NULL,
    channel channel NOT NULL,
    recipient_key BYTEA NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT DEFAULT 'all' NOT NULL,
    source TEXT NOT NULL,
    evidence TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT suppression_events_pkey PRIMARY KEY (id)
);

CREATE INDEX suppression_events_person ON suppression_events (tenant_id, channel, recipient_key, id);

CREATE TABLE suppressions (
    tenant_id UUID NOT NULL,
    channel channel NOT NULL,
    recipient_key BYTEA NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    source TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT suppressions_pkey PRIMARY KEY (tenant_id, channel, recipient_key, kind, scope)
);

CREATE TABLE consent_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID NOT NULL,
    channel channel NOT NULL,
    recipient_key BYTEA NOT NULL,
    category category NOT NULL,
    action TEXT NOT NULL,
    basis TEXT,
    source TEXT NOT NULL,
    text_version TEXT,
    evidence JSONB,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT consent_events_pkey PRIMARY KEY (id)
);

CREATE INDEX consent_events_latest ON consent_events (tenant_id, channel, recipient_key, category, at, id);

CREATE TABLE dnc_scrubs (
    tenant_id UUID NOT NULL,
    registry TEXT NOT NULL,
    scrubbed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT dnc_scrubs_pkey PRIMARY KEY (tenant_id, registry)
);

CREATE TABLE dnc_numbers (
    tenant_id UUID NOT NULL,
    recipient_key BYTEA NOT NULL,
    registry TEXT NOT NULL,
    CONSTRAINT dnc_numbers_pkey PRIMARY KEY (tenant_id, recipient_key, registry)
);

CREATE TABLE number_facts (
    tenant_id UUID NOT NULL,
    recipient_key BYTEA NOT NULL,
    line_type TEXT NOT NULL,
    source TEXT NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT number_facts_pkey PRIMARY KEY (tenant_id, recipient_key)
);

CREATE TABLE pending_lookups (
    tenant_id UUID NOT NULL,
    recipient_key BYTEA NOT NULL,
    message_id UUID NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    failures SMALLINT DEFAULT '0' NOT NULL,
    CONSTRAINT pending_lookups_pkey PRIMARY KEY (tenant_id, recipient_key)
);

CREATE INDEX pending_lookups_next ON pending_lookups (due_at);

CREATE TABLE erasures (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    channel channel NOT NULL,
    recipient_key BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    messages INTEGER DEFAULT '0' NOT NULL,
    receipts INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT erasures_pkey PRIMARY KEY (id),
    CONSTRAINT erasures_tenant_id_channel_recipient_key_key UNIQUE (tenant_id, channel, recipient_key)
);

CREATE INDEX erasures_next ON erasures (due_at) WHERE finished_at IS NULL;

CREATE TABLE verdicts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    message_id UUID,
    recipient_key BYTEA,
    stage TEXT NOT NULL,
    outcome TEXT NOT NULL,
    rule TEXT,
    version TEXT NOT NULL,
    reason TEXT,
    detail TEXT,
    until TIMESTAMP WITH TIME ZONE,
    inputs JSONB
);

CREATE INDEX verdicts_message ON verdicts (message_id);

CREATE TABLE held (
    message_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    status message_status NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT held_pkey PRIMARY KEY (message_id)
);

INSERT INTO held (message_id, tenant_id, status)
SELECT id, tenant_id, status FROM messages
WHERE status IN ('blocked_missing_campaign', 'blocked_billing');

CREATE INDEX held_tenant ON held (tenant_id, status, at);

CREATE TABLE lingering (
    tenant_id UUID NOT NULL,
    message_id UUID NOT NULL,
    CONSTRAINT lingering_pkey PRIMARY KEY (tenant_id, message_id)
);

CREATE TABLE inbound_messages (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    account_id UUID NOT NULL,
    channel channel NOT NULL,
    provider_message_id TEXT NOT NULL,
    recipient_key BYTEA NOT NULL,
    from_address TEXT NOT NULL,
    to_address TEXT NOT NULL,
    body TEXT NOT NULL,
    keyword TEXT NOT NULL,
    inferred BOOLEAN DEFAULT false NOT NULL,
    language TEXT,
    provider_keyword TEXT,
    reply_id UUID,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT inbound_messages_pkey PRIMARY KEY (id),
    CONSTRAINT inbound_messages_account_id_provider_message_id_key UNIQUE (account_id, provider_message_id)
);

CREATE INDEX inbound_messages_person ON inbound_messages (recipient_key, tenant_id);

CREATE INDEX inbound_messages_tenant ON inbound_messages (tenant_id, id);

INSERT INTO suppression_events
  (tenant_id, channel, recipient_key, action, kind, source, evidence, at, recorded_at)
SELECT tenant_id, channel, recipient_key, 'suppress', 'opt_out', source, evidence, created_at, created_at
FROM suppressions_before ORDER BY id;

INSERT INTO suppression_events
  (tenant_id, channel, recipient_key, action, kind, source, at, recorded_at)
SELECT tenant_id, channel, recipient_key, 'lift', 'opt_out', 'api', lifted_at, lifted_at
FROM suppressions_before WHERE lifted_at IS NOT NULL ORDER BY id;

INSERT INTO suppressions (tenant_id, channel, recipient_key, kind, scope, source, since)
SELECT tenant_id, channel, recipient_key, 'opt_out', 'all', min(source), min(created_at)
FROM suppressions_before WHERE lifted_at IS NULL GROUP BY 1, 2, 3;

DROP TABLE suppressions_before;

ALTER TABLE tenants
  ADD COLUMN policy JSONB DEFAULT '{}' NOT NULL,
  ADD COLUMN cleared_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN pruned_through UUID;

-- Tenants from before this version sent marketing on the word of their callers; it stays said aloud.
UPDATE tenants SET policy = '{"marketing_consent": "attested_elsewhere"}';

ALTER TABLE sender_pools ADD COLUMN regions TEXT[];

ALTER TABLE senders
  ADD COLUMN kind TEXT DEFAULT 'long_code' NOT NULL,
  ADD COLUMN tendlc_campaign_id UUID,
  ADD COLUMN verification TEXT DEFAULT 'unregistered' NOT NULL,
  ADD COLUMN verification_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN provider_verification_id TEXT,
  ADD COLUMN refreshed_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN refresh_due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  ADD COLUMN refresh_failures SMALLINT DEFAULT '0' NOT NULL,
  ADD COLUMN reply_owner TEXT DEFAULT 'provider' NOT NULL,
  ADD CONSTRAINT senders_tendlc_campaign_id_fkey
    FOREIGN KEY (tendlc_campaign_id) REFERENCES tendlc_campaigns (id);

UPDATE senders SET kind = 'toll_free', reply_owner = 'network'
WHERE address ~ '^\\+18(00|33|44|55|66|77|88)';

UPDATE senders SET kind = CASE WHEN address ~ '^\\+' THEN 'international'
                               WHEN address ~ '^[0-9]+$' THEN 'short_code'
                               ELSE 'alphanumeric' END
WHERE address !~ '^\\+1';

ALTER TABLE messages
  ADD COLUMN encoding TEXT,
  ADD COLUMN flash BOOLEAN DEFAULT false NOT NULL,
  ADD COLUMN content TEXT,
  ADD COLUMN time_zone TEXT,
  ADD COLUMN postal_code TEXT,
  ADD COLUMN purpose TEXT,
  ADD COLUMN erased_at TIMESTAMP WITH TIME ZONE;

CREATE INDEX raw_receipts_message ON raw_receipts (message_id) WHERE message_id IS NOT NULL;

CREATE INDEX raw_receipts_age ON raw_receipts (account_id, received_at);
"""

_DOWN = """
DROP INDEX raw_receipts_age;

DROP INDEX raw_receipts_message;

ALTER TABLE messages DROP COLUMN encoding, DROP COLUMN flash, DROP COLUMN content,
  DROP COLUMN time_zone, DROP COLUMN postal_code, DROP COLUMN purpose, DROP COLUMN erased_at;

ALTER TABLE senders DROP COLUMN kind, DROP COLUMN tendlc_campaign_id, DROP COLUMN verification,
  DROP COLUMN verification_at, DROP COLUMN provider_verification_id, DROP COLUMN refreshed_at,
  DROP COLUMN refresh_due_at, DROP COLUMN refresh_failures, DROP COLUMN reply_owner;

ALTER TABLE sender_pools DROP COLUMN regions;

ALTER TABLE tenants DROP COLUMN policy, DROP COLUMN cleared_at, DROP COLUMN pruned_through;

CREATE TEMPORARY TABLE suppressions_after AS SELECT * FROM suppressions;

DROP TABLE suppressions;

CREATE TABLE suppressions (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID NOT NULL,
    channel channel NOT NULL,
    recipient_key BYTEA NOT NULL,
    source TEXT NOT NULL,
    evidence TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    lifted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT suppressions_pkey PRIMARY KEY (id)
);

CREATE INDEX suppressions_active ON suppressions (tenant_id, channel, recipient_key)
WHERE lifted_at IS NULL;

INSERT INTO suppressions (tenant_id, channel, recipient_key, source, created_at)
SELECT tenant_id, channel, recipient_key, source, since FROM suppressions_after;

DROP TABLE suppressions_after;

DROP TABLE inbound_messages;

DROP TABLE lingering;

DROP TABLE held;

DROP TABLE verdicts;

DROP TABLE erasures;

DROP TABLE pending_lookups;

DROP TABLE number_facts;

DROP TABLE dnc_numbers;

DROP TABLE dnc_scrubs;

DROP TABLE consent_events;

DROP TABLE suppression_events;

DROP TABLE tendlc_campaigns;

DROP TABLE brands;

DROP TABLE policy_events;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

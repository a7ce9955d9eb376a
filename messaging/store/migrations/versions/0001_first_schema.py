"""The first schema."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_UP = """
CREATE TYPE message_status AS ENUM ('draft', 'scheduled', 'queued', 'sending', 'sent', 'received', 'delivered', 'failed', 'undeliverable', 'opted_out', 'blocked_compliance', 'blocked_billing', 'blocked_missing_campaign', 'canceled');

CREATE TYPE message_event AS ENUM ('submitted', 'scheduled', 'promoted', 'attempted', 'deferred', 'canceled', 'expired', 'refused', 'quarantined', 'blocked_compliance', 'blocked_billing', 'blocked_missing_campaign', 'unblocked', 'retried', 'proven_unsent', 'gave_up', 'opted_out', 'accepted', 'delivered', 'undelivered', 'failed');

CREATE TYPE channel AS ENUM ('sms', 'mms', 'email', 'instagram_dm');

CREATE TYPE category AS ENUM ('TRANSACTIONAL', 'MARKETING', 'NOTIFICATION');

CREATE TYPE priority AS ENUM ('HIGH', 'NORMAL', 'LOW');

CREATE TYPE selection_reason AS ENUM ('ManualOverride', 'StickyConversation', 'LeadAssigned', 'CampaignOrSource', 'Preferred', 'LocalArea', 'HealthyPool', 'FallbackDefault');

CREATE TYPE ready_queue AS ENUM ('high', 'normal', 'low', 'suspect');

CREATE TABLE attempts (
    message_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    account_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    selection_reason selection_reason NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    outcome TEXT NOT NULL,
    settled_by TEXT NOT NULL,
    provider_message_id TEXT,
    provider_code TEXT,
    detail TEXT
);

CREATE INDEX attempts_message ON attempts (message_id);

CREATE INDEX attempts_provider_message ON attempts (provider_message_id) WHERE provider_message_id IS NOT NULL;

CREATE TABLE claims (
    id UUID NOT NULL,
    queue ready_queue NOT NULL,
    message_ids UUID[] NOT NULL,
    epochs INTEGER[] NOT NULL,
    claims SMALLINT[] NOT NULL,
    lease_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT claims_pkey PRIMARY KEY (id)
);

CREATE TABLE conversations (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    channel channel NOT NULL,
    recipient_key BYTEA NOT NULL,
    sender_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT conversations_pkey PRIMARY KEY (id),
    CONSTRAINT conversations_tenant_id_channel_recipient_key_key UNIQUE (tenant_id, channel, recipient_key)
);

CREATE TABLE heartbeats (
    name TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    detail JSONB,
    CONSTRAINT heartbeats_pkey PRIMARY KEY (name)
);

CREATE TABLE idempotency_keys (
    tenant_id UUID NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    results JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key)
);

CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

CREATE TABLE message_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    message_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    event message_event,
    status message_status NOT NULL,
    reason TEXT,
    epoch INTEGER
);

CREATE INDEX message_events_message ON message_events (message_id);

CREATE TABLE messages (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    channel channel NOT NULL,
    category category NOT NULL,
    priority priority NOT NULL,
    status message_status NOT NULL,
    epoch INTEGER DEFAULT '0' NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    segments SMALLINT NOT NULL,
    recipient_key BYTEA NOT NULL,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    metadata JSONB,
    requested_sender_id UUID,
    pool_id UUID,
    conversation_id UUID,
    sender_id UUID,
    selection_reason selection_reason,
    tried_sender_ids UUID[],
    provider_message_id TEXT,
    provider_code TEXT,
    status_reason TEXT,
    scheduled_reason TEXT,
    scheduled_for TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    modified_at TIMESTAMP WITH TIME ZONE,
    queued_at TIMESTAMP WITH TIME ZONE,
    sending_started_at TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    received_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    failed_at TIMESTAMP WITH TIME ZONE,
    undeliverable_at TIMESTAMP WITH TIME ZONE,
    blocked_at TIMESTAMP WITH TIME ZONE,
    canceled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT messages_pkey PRIMARY KEY (id)
)
 WITH (fillfactor = 50);

CREATE INDEX messages_recipient ON messages (recipient_key, tenant_id);

CREATE INDEX messages_tenant ON messages (tenant_id, id);

CREATE TABLE open_attempts (
    message_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    account_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    selection_reason selection_reason NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    check_at TIMESTAMP WITH TIME ZONE NOT NULL,
    doubt_since TIMESTAMP WITH TIME ZONE,
    doubt_code TEXT,
    absent_since TIMESTAMP WITH TIME ZONE,
    absences SMALLINT DEFAULT '0' NOT NULL,
    CONSTRAINT open_attempts_pkey PRIMARY KEY (message_id)
)
 WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);

CREATE INDEX open_attempts_check ON open_attempts (check_at);

CREATE TABLE pending_receipts (
    receipt_id BIGINT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    provider_message_id TEXT
)
 WITH (autovacuum_vacuum_scale_factor = 0.01);

CREATE INDEX pending_receipts_next ON pending_receipts (due_at);

CREATE INDEX pending_receipts_parked ON pending_receipts (provider_message_id) WHERE provider_message_id IS NOT NULL;

CREATE TABLE raw_receipts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account_id UUID NOT NULL,
    url TEXT NOT NULL,
    body BYTEA NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    message_id UUID,
    epoch INTEGER,
    result TEXT,
    CONSTRAINT raw_receipts_pkey PRIMARY KEY (id)
)
 WITH (fillfactor = 80);

CREATE TABLE ready (
    queue ready_queue NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    message_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    claims SMALLINT DEFAULT '0' NOT NULL
)
 WITH (autovacuum_vacuum_scale_factor = 0.01);

CREATE INDEX ready_next ON ready (queue, due_at);

CREATE TABLE scheduled (
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    message_id UUID NOT NULL
)
 WITH (autovacuum_vacuum_scale_factor = 0.01);

CREATE INDEX scheduled_next ON scheduled (due_at);

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

CREATE INDEX suppressions_active ON suppressions (tenant_id, channel, recipient_key) WHERE lifted_at IS NULL;

CREATE TABLE tenants (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    default_region TEXT DEFAULT 'US' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_name_key UNIQUE (name)
);

CREATE TABLE api_keys (
    id TEXT NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id)
);

CREATE TABLE provider_accounts (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    base_url TEXT NOT NULL,
    username TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    max_in_flight INTEGER DEFAULT '100' NOT NULL,
    absence_proof_seconds INTEGER DEFAULT '600' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT provider_accounts_pkey PRIMARY KEY (id),
    CONSTRAINT provider_accounts_tenant_id_name_key UNIQUE (tenant_id, name),
    CONSTRAINT provider_accounts_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id)
);

CREATE TABLE sender_pools (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT sender_pools_pkey PRIMARY KEY (id),
    CONSTRAINT sender_pools_tenant_id_name_key UNIQUE (tenant_id, name),
    CONSTRAINT sender_pools_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id)
);

CREATE TABLE senders (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    account_id UUID NOT NULL,
    channel channel NOT NULL,
    address TEXT NOT NULL,
    mps DOUBLE PRECISION DEFAULT '1' NOT NULL,
    healthy BOOLEAN DEFAULT true NOT NULL,
    is_default BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT senders_pkey PRIMARY KEY (id),
    CONSTRAINT senders_tenant_id_channel_address_key UNIQUE (tenant_id, channel, address),
    CONSTRAINT senders_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT senders_account_id_fkey FOREIGN KEY(account_id) REFERENCES provider_accounts (id)
);

CREATE TABLE sender_pool_members (
    pool_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    CONSTRAINT sender_pool_members_pkey PRIMARY KEY (pool_id, sender_id),
    CONSTRAINT sender_pool_members_pool_id_fkey FOREIGN KEY(pool_id) REFERENCES sender_pools (id),
    CONSTRAINT sender_pool_members_sender_id_fkey FOREIGN KEY(sender_id) REFERENCES senders (id)
);
"""

_DOWN = """
DROP TABLE sender_pool_members;
DROP TABLE senders;
DROP TABLE sender_pools;
DROP TABLE provider_accounts;
DROP TABLE api_keys;
DROP TABLE tenants;
DROP TABLE suppressions;
DROP TABLE scheduled;
DROP TABLE ready;
DROP TABLE raw_receipts;
DROP TABLE pending_receipts;
DROP TABLE open_attempts;
DROP TABLE messages;
DROP TABLE message_events;
DROP TABLE idempotency_keys;
DROP TABLE heartbeats;
DROP TABLE conversations;
DROP TABLE claims;
DROP TABLE attempts;
DROP TYPE message_status;
DROP TYPE message_event;
DROP TYPE channel;
DROP TYPE category;
DROP TYPE priority;
DROP TYPE selection_reason;
DROP TYPE ready_queue;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

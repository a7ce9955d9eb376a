"""Every provider: parts of a message, failover, events kept once, polls, and what tenants are told."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE provider_accounts
  ADD COLUMN options JSONB DEFAULT '{}' NOT NULL,
  ADD COLUMN more_sealed BYTEA,
  ADD COLUMN previous_sealed BYTEA,
  ADD COLUMN previous_until TIMESTAMP WITH TIME ZONE,
  ADD COLUMN rotated_at TIMESTAMP WITH TIME ZONE,
  ALTER COLUMN absence_proof_seconds DROP NOT NULL,
  ALTER COLUMN absence_proof_seconds DROP DEFAULT;

ALTER TABLE messages
  ADD COLUMN parts JSONB,
  ADD COLUMN failed_account_ids UUID[],
  ADD COLUMN stands_in_for UUID;

ALTER TABLE inbound_messages
  ADD COLUMN conversation_id UUID,
  ADD COLUMN media TEXT[];

CREATE TABLE inbound_fragments (
    account_id UUID NOT NULL,
    provider_message_id TEXT NOT NULL,
    tenant_id UUID NOT NULL,
    recipient_key BYTEA NOT NULL,
    reference BYTEA NOT NULL,
    number SMALLINT NOT NULL,
    total SMALLINT NOT NULL,
    channel channel NOT NULL,
    from_address TEXT NOT NULL,
    to_address TEXT NOT NULL,
    body TEXT NOT NULL,
    provider_keyword TEXT,
    at TIMESTAMP WITH TIME ZONE,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    joined BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT inbound_fragments_pkey PRIMARY KEY (account_id, provider_message_id, number)
);
CREATE INDEX inbound_fragments_open ON inbound_fragments (reference) WHERE NOT joined;
CREATE INDEX inbound_fragments_age ON inbound_fragments (received_at);

ALTER TABLE raw_receipts
  ADD COLUMN event_key TEXT,
  ADD COLUMN repeats INTEGER DEFAULT '0' NOT NULL,
  ADD COLUMN event TEXT,
  ADD COLUMN provider_status TEXT,
  ADD COLUMN provider_code TEXT,
  ADD COLUMN detail TEXT,
  ADD COLUMN occurred_at TIMESTAMP WITH TIME ZONE;
CREATE UNIQUE INDEX raw_receipts_event ON raw_receipts (account_id, event_key)
  WHERE event_key IS NOT NULL;

CREATE INDEX attempts_finished ON attempts USING brin (finished_at);

CREATE TABLE cursors (
    name TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT cursors_pkey PRIMARY KEY (name)
);

CREATE TABLE polls (
    message_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    account_id UUID NOT NULL,
    provider_message_id TEXT NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    asked SMALLINT DEFAULT '0' NOT NULL,
    CONSTRAINT polls_pkey PRIMARY KEY (message_id)
);
CREATE INDEX polls_due ON polls (due_at);

CREATE TABLE fallbacks (
    message_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    channel channel NOT NULL,
    recipient_key BYTEA NOT NULL,
    request JSONB NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT fallbacks_pkey PRIMARY KEY (message_id)
);
CREATE INDEX fallbacks_due ON fallbacks (due_at);
CREATE INDEX fallbacks_person ON fallbacks (recipient_key, tenant_id);

CREATE TABLE endpoints (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    url TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    previous_sealed BYTEA,
    previous_until TIMESTAMP WITH TIME ZONE,
    events TEXT[] NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    failed_at TIMESTAMP WITH TIME ZONE,
    paused_until TIMESTAMP WITH TIME ZONE,
    disabled_at TIMESTAMP WITH TIME ZONE,
    disabled_reason TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT endpoints_pkey PRIMARY KEY (id),
    CONSTRAINT endpoints_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT endpoints_tenant_id_url_key UNIQUE (tenant_id, url)
);

CREATE TABLE notices (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    endpoint_id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    message_id UUID,
    kind TEXT NOT NULL,
    data JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    state TEXT DEFAULT 'waiting' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    gives_up_at TIMESTAMP WITH TIME ZONE DEFAULT now() + interval '1 day' NOT NULL,
    tries SMALLINT DEFAULT '0' NOT NULL,
    last_status SMALLINT,
    last_error TEXT,
    delivered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT notices_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX notices_turn ON notices (endpoint_id, due_at, id) WHERE state = 'waiting';
CREATE INDEX notices_order ON notices (endpoint_id, message_id, id);
CREATE INDEX notices_listed ON notices (endpoint_id, at, id);
CREATE INDEX notices_at ON notices USING brin (at);
"""

_DOWN = """
DROP TABLE notices;
DROP TABLE endpoints;
DROP TABLE fallbacks;
DROP TABLE polls;
DROP TABLE cursors;
DROP INDEX attempts_finished;
DROP INDEX raw_receipts_event;
ALTER TABLE raw_receipts DROP COLUMN event_key, DROP COLUMN repeats, DROP COLUMN event,
  DROP COLUMN provider_status, DROP COLUMN provider_code, DROP COLUMN detail,
  DROP COLUMN occurred_at;
DROP TABLE inbound_fragments;
ALTER TABLE inbound_messages DROP COLUMN conversation_id, DROP COLUMN media;
ALTER TABLE messages DROP COLUMN parts, DROP COLUMN failed_account_ids, DROP COLUMN stands_in_for;
UPDATE provider_accounts SET absence_proof_seconds = 600 WHERE absence_proof_seconds IS NULL;
ALTER TABLE provider_accounts DROP COLUMN options, DROP COLUMN more_sealed,
  DROP COLUMN previous_sealed, DROP COLUMN previous_until, DROP COLUMN rotated_at,
  ALTER COLUMN absence_proof_seconds SET DEFAULT '600',
  ALTER COLUMN absence_proof_seconds SET NOT NULL;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

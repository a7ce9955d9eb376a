"""Senders and pools: capabilities, bindings, health, warm-up, rates, and why each was chosen."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE provider_accounts ADD COLUMN segments_per_second DOUBLE PRECISION;

ALTER TABLE sender_pools
  ADD COLUMN sticky BOOLEAN DEFAULT true NOT NULL,
  ADD COLUMN local BOOLEAN DEFAULT true NOT NULL,
  ADD COLUMN local_km INTEGER DEFAULT 400 NOT NULL,
  ADD COLUMN segments_per_second DOUBLE PRECISION;

ALTER TABLE brands ADD COLUMN segments_per_day INTEGER;

ALTER TABLE tendlc_campaigns ADD COLUMN segments_per_minute INTEGER;

ALTER TABLE senders
  ADD COLUMN capabilities TEXT[] DEFAULT '{sms}' NOT NULL,
  ADD COLUMN country TEXT,
  ADD COLUMN owner TEXT,
  ADD COLUMN state TEXT DEFAULT 'fresh' NOT NULL,
  ADD COLUMN state_reason TEXT,
  ADD COLUMN state_since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  ADD COLUMN cordoned_until TIMESTAMP WITH TIME ZONE,
  ADD COLUMN measured_since TIMESTAMP WITH TIME ZONE,
  ADD COLUMN daily_recipients INTEGER,
  ADD COLUMN ramp INTEGER[],
  ADD COLUMN ramp_level SMALLINT DEFAULT '0' NOT NULL,
  ADD COLUMN ramp_since DATE,
  ADD COLUMN last_used_on DATE;

UPDATE senders SET state = CASE WHEN retired_at IS NOT NULL THEN 'retired'
                                WHEN healthy THEN 'active' ELSE 'cordoned' END,
                   state_reason = CASE WHEN NOT healthy THEN 'operator' END;

ALTER TABLE senders DROP COLUMN healthy;

CREATE TABLE bindings (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL,
    sender_id UUID,
    pool_id UUID,
    account_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT bindings_pkey PRIMARY KEY (id),
    CONSTRAINT bindings_sender_id_fkey FOREIGN KEY(sender_id) REFERENCES senders (id),
    CONSTRAINT bindings_pool_id_fkey FOREIGN KEY(pool_id) REFERENCES sender_pools (id),
    CONSTRAINT bindings_account_id_fkey FOREIGN KEY(account_id) REFERENCES provider_accounts (id)
);

CREATE INDEX bindings_ref ON bindings (tenant_id, kind, ref);

CREATE TABLE sender_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    sender_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    CONSTRAINT sender_events_pkey PRIMARY KEY (id)
);

CREATE INDEX sender_events_sender ON sender_events (sender_id, id);

CREATE TABLE sender_tallies (
    sender_id UUID NOT NULL,
    template TEXT,
    what TEXT NOT NULL,
    n INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01);

CREATE TABLE sender_stats (
    sender_id UUID NOT NULL,
    template TEXT NOT NULL,
    bucket TIMESTAMP WITH TIME ZONE NOT NULL,
    sent INTEGER DEFAULT '0' NOT NULL,
    delivered INTEGER DEFAULT '0' NOT NULL,
    undelivered INTEGER DEFAULT '0' NOT NULL,
    filtered INTEGER DEFAULT '0' NOT NULL,
    landline INTEGER DEFAULT '0' NOT NULL,
    opted_out INTEGER DEFAULT '0' NOT NULL,
    replies INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT sender_stats_pkey PRIMARY KEY (sender_id, template, bucket)
);

CREATE INDEX sender_stats_bucket ON sender_stats (bucket);

CREATE TABLE sender_recipients (
    sender_id UUID NOT NULL,
    day DATE NOT NULL,
    recipient_key BYTEA NOT NULL,
    CONSTRAINT sender_recipients_pkey PRIMARY KEY (sender_id, day, recipient_key)
);

CREATE TABLE rate_log (
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    used JSONB NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01);

CREATE INDEX rate_log_at ON rate_log (at);

CREATE TABLE rate_totals (
    key TEXT NOT NULL,
    day DATE NOT NULL,
    used DOUBLE PRECISION NOT NULL,
    CONSTRAINT rate_totals_pkey PRIMARY KEY (day, key)
);

CREATE TABLE paused_templates (
    tenant_id UUID NOT NULL,
    template TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT paused_templates_pkey PRIMARY KEY (tenant_id, template)
);

ALTER TABLE messages
  ADD COLUMN lead TEXT,
  ADD COLUMN campaign TEXT,
  ADD COLUMN source TEXT,
  ADD COLUMN use_case TEXT,
  ADD COLUMN agent TEXT,
  ADD COLUMN template TEXT,
  ADD COLUMN traffic TEXT DEFAULT 'RealLead' NOT NULL,
  ADD COLUMN is_warmup BOOLEAN DEFAULT false NOT NULL;

CREATE INDEX messages_campaign ON messages (tenant_id, campaign) WHERE campaign IS NOT NULL;

ALTER TABLE verdicts ADD COLUMN trace JSONB;

ALTER TABLE ready ADD COLUMN placed BOOLEAN DEFAULT false NOT NULL;

ALTER TABLE claims ADD COLUMN placed UUID[] DEFAULT '{}' NOT NULL;
"""

_DOWN = """
ALTER TABLE claims DROP COLUMN placed;

ALTER TABLE ready DROP COLUMN placed;

ALTER TABLE verdicts DROP COLUMN trace;

ALTER TABLE messages DROP COLUMN lead, DROP COLUMN campaign, DROP COLUMN source,
  DROP COLUMN use_case, DROP COLUMN agent, DROP COLUMN template, DROP COLUMN traffic,
  DROP COLUMN is_warmup;

DROP TABLE paused_templates;

DROP TABLE rate_totals;

DROP TABLE rate_log;

DROP TABLE sender_recipients;

DROP TABLE sender_stats;

DROP TABLE sender_tallies;

DROP TABLE sender_events;

DROP TABLE bindings;

ALTER TABLE senders ADD COLUMN healthy BOOLEAN DEFAULT true NOT NULL;

UPDATE senders SET healthy = state <> 'cordoned';

ALTER TABLE senders DROP COLUMN capabilities, DROP COLUMN country, DROP COLUMN owner,
  DROP COLUMN state, DROP COLUMN state_reason, DROP COLUMN state_since,
  DROP COLUMN cordoned_until, DROP COLUMN measured_since, DROP COLUMN daily_recipients,
  DROP COLUMN ramp, DROP COLUMN ramp_level, DROP COLUMN ramp_since,
  DROP COLUMN last_used_on;

ALTER TABLE tendlc_campaigns DROP COLUMN segments_per_minute;

ALTER TABLE brands DROP COLUMN segments_per_day;

ALTER TABLE sender_pools DROP COLUMN sticky, DROP COLUMN local, DROP COLUMN local_km,
  DROP COLUMN segments_per_second;

ALTER TABLE provider_accounts DROP COLUMN segments_per_second;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

"""Billing: prices, balances, what campaigns may cost, and the ledger of every charge."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE messages ADD COLUMN billable_amount NUMERIC(20, 6), ADD COLUMN billing_status TEXT;

CREATE TABLE prices (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID,
    provider TEXT NOT NULL,
    channel TEXT NOT NULL,
    country TEXT NOT NULL,
    per_segment NUMERIC(20, 6) NOT NULL,
    currency TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT prices_pkey PRIMARY KEY (id)
);
CREATE INDEX prices_tenant ON prices (tenant_id, provider, channel, country, since);

CREATE TABLE balances (
    tenant_id UUID NOT NULL,
    balance NUMERIC(20, 6) DEFAULT '0' NOT NULL,
    reserved NUMERIC(20, 6) DEFAULT '0' NOT NULL,
    currency TEXT NOT NULL,
    day_cap NUMERIC(20, 6),
    day DATE,
    day_spent NUMERIC(20, 6) DEFAULT '0' NOT NULL,
    eased_at TIMESTAMP WITH TIME ZONE,
    enabled_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT balances_pkey PRIMARY KEY (tenant_id)
) WITH (fillfactor = 50);

CREATE TABLE campaign_spend (
    tenant_id UUID NOT NULL,
    campaign TEXT NOT NULL,
    cap NUMERIC(20, 6),
    spent NUMERIC(20, 6) DEFAULT '0' NOT NULL,
    CONSTRAINT campaign_spend_pkey PRIMARY KEY (tenant_id, campaign)
) WITH (fillfactor = 50);

CREATE TABLE charges (
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID NOT NULL,
    message_id UUID,
    campaign TEXT,
    day DATE NOT NULL,
    kind TEXT NOT NULL,
    amount NUMERIC(20, 6) NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT charges_pkey PRIMARY KEY (id)
);
CREATE INDEX charges_message ON charges (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX charges_tenant ON charges (tenant_id, day);

CREATE TABLE returns (
    tenant_id UUID NOT NULL,
    campaign TEXT,
    day DATE NOT NULL,
    amount NUMERIC(20, 6) NOT NULL,
    unreserved NUMERIC(20, 6) NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX returns_tenant ON returns (tenant_id);
"""

_DOWN = """
DROP TABLE returns;
DROP TABLE charges;
DROP TABLE campaign_spend;
DROP TABLE balances;
DROP TABLE prices;
ALTER TABLE messages DROP COLUMN billable_amount, DROP COLUMN billing_status;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

"""Campaigns: one text to many people, each of them accounted for."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE campaigns (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    state TEXT DEFAULT 'draft' NOT NULL,
    state_reason TEXT,
    request JSONB NOT NULL,
    plan JSONB,
    per_minute INTEGER,
    canary INTEGER,
    pause_on_error_share DOUBLE PRECISION,
    targets INTEGER DEFAULT '0' NOT NULL,
    expanded_to INTEGER DEFAULT '0' NOT NULL,
    paced_at TIMESTAMP WITH TIME ZONE,
    next_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    state_since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    scheduled_for TIMESTAMP WITH TIME ZONE,
    snapshot_at TIMESTAMP WITH TIME ZONE,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT campaigns_pkey PRIMARY KEY (id),
    CONSTRAINT campaigns_tenant_id_name_key UNIQUE (tenant_id, name)
);
CREATE INDEX campaigns_working ON campaigns (next_at)
    WHERE state IN ('scheduled', 'snapshot', 'running', 'canceling');

CREATE TABLE campaign_recipients (
    campaign_id UUID NOT NULL,
    recipient_key BYTEA NOT NULL,
    n INTEGER NOT NULL,
    contact_id UUID,
    address TEXT NOT NULL,
    fields JSONB,
    about JSONB,
    message_id UUID,
    state TEXT DEFAULT 'waiting' NOT NULL,
    reason TEXT,
    CONSTRAINT campaign_recipients_pkey PRIMARY KEY (campaign_id, recipient_key)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX campaign_recipients_order ON campaign_recipients (campaign_id, n);
"""

_DOWN = """
DROP TABLE campaign_recipients;
DROP TABLE campaigns;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

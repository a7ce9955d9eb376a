"""Use cases."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE use_cases (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    pool_id UUID,
    active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT use_cases_pkey PRIMARY KEY (id),
    CONSTRAINT use_cases_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT use_cases_pool_id_fkey FOREIGN KEY(pool_id) REFERENCES sender_pools (id)
);
CREATE UNIQUE INDEX use_cases_name ON use_cases (tenant_id, name) WHERE deleted_at IS NULL;
"""

_DOWN = """
DROP TABLE use_cases;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

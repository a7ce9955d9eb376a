"""Fairness: whose each waiting message is, and how much of a lane is a tenant's."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE tenants ADD COLUMN weight DOUBLE PRECISION DEFAULT '1' NOT NULL,
  ADD CONSTRAINT tenants_weight_check CHECK (weight BETWEEN 0.01 AND 100);

ALTER TABLE ready ADD COLUMN tenant_id UUID;
UPDATE ready r SET tenant_id = m.tenant_id FROM messages m WHERE m.id = r.message_id;
-- Work without a message is none.
DELETE FROM ready WHERE tenant_id IS NULL;
ALTER TABLE ready ALTER COLUMN tenant_id SET NOT NULL;
CREATE INDEX ready_tenant ON ready (queue, tenant_id, due_at);
"""

_DOWN = """
DROP INDEX ready_tenant;
ALTER TABLE ready DROP COLUMN tenant_id;
ALTER TABLE tenants DROP COLUMN weight;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

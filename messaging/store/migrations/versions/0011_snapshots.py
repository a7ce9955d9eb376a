"""Snapshots of campaigns: taken in steps, and read as they were written."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE campaigns ADD COLUMN snapshot_to UUID;
ALTER TABLE campaign_recipients ALTER COLUMN fields TYPE JSON, ALTER COLUMN about TYPE JSON;
"""

_DOWN = """
ALTER TABLE campaign_recipients ALTER COLUMN fields TYPE JSONB, ALTER COLUMN about TYPE JSONB;
ALTER TABLE campaigns DROP COLUMN snapshot_to;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

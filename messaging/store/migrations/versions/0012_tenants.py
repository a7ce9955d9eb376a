"""Tenants apart: the pools of one tenant's senders are found without reading every tenant's."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_UP = """
CREATE INDEX sender_pool_members_sender ON sender_pool_members (sender_id);
"""

_DOWN = """
DROP INDEX sender_pool_members_sender;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)

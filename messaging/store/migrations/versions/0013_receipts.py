"""Receipts: room beside each for what becomes of it, so that noting it touches no index."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE raw_receipts SET (fillfactor = 50)")


def downgrade() -> None:
    op.execute("ALTER TABLE raw_receipts SET (fillfactor = 80)")

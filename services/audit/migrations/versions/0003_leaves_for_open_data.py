"""Leaves for open data"""

from __future__ import annotations

from alembic import op

from services.audit.tables import OPEN_LEAF

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(OPEN_LEAF)

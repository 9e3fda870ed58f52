"""terms of decisions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, comment in (
        ("term", "what somebody has to do by `term_until`"),
        ("missed", "the term that nobody kept"),
    ):
        op.add_column("provider", sa.Column(name, sa.Text(), server_default="", nullable=False, comment=comment))
    op.add_column("provider", sa.Column("term_until", sa.DateTime(timezone=True), nullable=True))

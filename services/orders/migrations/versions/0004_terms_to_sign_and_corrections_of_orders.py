"""Terms to sign, corrections of orders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "order_correction",
        sa.Column("order_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("corrected_at", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "version"),
    )
    op.add_column("agreements", sa.Column("sign_by", sa.Text(), nullable=True))
    op.add_column("agreements", sa.Column("sign_explained", postgresql.JSONB(astext_type=Text()), nullable=True))

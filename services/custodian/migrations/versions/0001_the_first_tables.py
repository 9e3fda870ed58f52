"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from kernel.migrations import kernel_tables_1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    kernel_tables_1()
    op.create_table(
        "bid",
        sa.Column("bid_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_version", sa.Integer(), nullable=False),
        sa.Column("wrap_12", sa.Text(), nullable=False),
        sa.Column("wrap_13", sa.Text(), nullable=False),
        sa.Column("wrap_23", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("standing_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("bid_id"),
    )
    op.create_index("bid_competition", "bid", ["competition_id"], unique=False)
    op.create_table(
        "competition",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_event", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("closed_event", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("standing", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("competition_id"),
    )
    op.create_index(
        "competition_closed",
        "competition",
        ["competition_id"],
        unique=False,
        postgresql_where=sa.text("closed_event IS NOT NULL"),
    )
    op.create_table(
        "competition_key",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "layer",
        sa.Column("bid_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("custodian", sa.Text(), nullable=False),
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("inner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bid_id", "custodian"),
    )
    op.create_index("layer_competition", "layer", ["competition_id"], unique=False)
    op.create_table(
        "private_key",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("encrypted", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id"),
    )
    op.create_table(
        "seen_checkpoint",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("one", name="seen_checkpoint_one_row"),
        sa.PrimaryKeyConstraint("one"),
    )

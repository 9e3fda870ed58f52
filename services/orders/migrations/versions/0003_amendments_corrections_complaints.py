"""Amendments, moved deadlines, corrections, low prices, second looks, complaints"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "amendment",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amended_at", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("confirm_until", sa.Text(), nullable=False),
        sa.Column("confirm_explained", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "number"),
    )
    op.create_table(
        "complaint",
        sa.Column("complaint_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=True),
        sa.Column("term", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("complaint_id"),
    )
    op.create_index("complaint_body", "complaint", ["body_id", "status", "complaint_id"], unique=False)
    op.create_index("complaint_competition", "complaint", ["competition_id", "number"], unique=False)
    op.create_table(
        "deadline_move",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("explained", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "version"),
    )
    op.create_table(
        "second_look",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("criterion", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("looked", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "bid_id", "criterion"),
    )
    op.add_column("compared_bid", sa.Column("correct_until", sa.Text(), nullable=True))
    op.add_column("compared_bid", sa.Column("correction", sa.Text(), nullable=True))
    op.add_column("compared_bid", sa.Column("low_price", sa.Text(), server_default="", nullable=False))
    op.add_column("compared_bid", sa.Column("justify_until", sa.Text(), nullable=True))
    op.add_column("compared_bid", sa.Column("justification", sa.Text(), nullable=True))
    op.add_column("compared_bid", sa.Column("low_price_reason", sa.Text(), nullable=True))
    op.add_column("competitions", sa.Column("amendments", sa.Integer(), server_default="0", nullable=False))
    op.add_column("competitions", sa.Column("confirm_until", sa.Text(), nullable=True))
    op.add_column("competitions", sa.Column("stopped_days", sa.Integer(), nullable=True))
    op.add_column("competitions", sa.Column("second_looks", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("own_bid", sa.Column("amendment", sa.Integer(), server_default="0", nullable=False))

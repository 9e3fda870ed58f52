"""what a card says besides"""

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
        "attached",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "hash"),
    )
    op.create_table(
        "dossier",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("volunteers", sa.Integer(), nullable=True),
        sa.Column("staff_as_of", sa.Date(), nullable=True),
        sa.Column("experience", postgresql.JSONB(astext_type=Text()), server_default="[]", nullable=False),
        sa.Column("flags", postgresql.ARRAY(Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("provider_id"),
    )
    op.create_table(
        "inspection",
        sa.Column("inspection_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("inspection_id"),
    )
    op.create_index("inspection_provider", "inspection", ["provider_id", "held_on"], unique=False)
    op.create_table(
        "licence",
        sa.Column("licence_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("said", sa.Text(), server_default="", nullable=False, comment="'', expiring or expired"),
        sa.PrimaryKeyConstraint("licence_id"),
    )
    op.create_index("licence_ending", "licence", ["said", "valid_to", "licence_id"], unique=False)
    op.create_index("licence_provider", "licence", ["provider_id", "number"], unique=False)

"""consortia"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consortium",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "consortium_view",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("members", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column(
            "proposed",
            postgresql.JSONB(astext_type=Text()),
            nullable=True,
            comment="a replacement that waits for consent",
        ),
        sa.Column("waiting", postgresql.JSONB(astext_type=Text()), nullable=False, comment="whose consent is asked"),
        sa.Column("dissolved_because", sa.Text(), server_default="", nullable=False),
        sa.Column("formed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("consortium_view_members", "consortium_view", ["members"], unique=False, postgresql_using="gin")
    op.create_index("consortium_view_order", "consortium_view", ["formed_at", "id"], unique=False)

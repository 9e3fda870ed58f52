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
        "competition",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_id", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="drafted, bidding, closed, opened or over"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "denial",
        sa.Column("reading_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reading_id"),
    )
    op.create_index("denial_actor", "denial", ["actor", "at"], unique=False)
    op.create_table(
        "draft",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "draft_secret",
        sa.Column("draft_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("organisation", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("draft_id"),
        sa.UniqueConstraint("organisation", "lot_id", name="draft_secret_one_per_lot"),
    )
    op.create_index("draft_secret_competition", "draft_secret", ["competition_id"], unique=False)
    op.create_table(
        "head",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("head_ref", sa.Text(), nullable=False),
        sa.Column(
            "shown", sa.Boolean(), nullable=False, comment="in the register now: the law publishes the head's name"
        ),
        sa.PrimaryKeyConstraint("provider_id"),
    )
    op.create_index("head_ref", "head", ["head_ref"], unique=False)
    op.create_table(
        "organisation_key",
        sa.Column("organisation", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="wrapped"),
        sa.PrimaryKeyConstraint("organisation"),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "person_secret",
        sa.Column("person_ref", sa.UUID(as_uuid=False), nullable=False),
        sa.Column(
            "keys", sa.LargeBinary(), nullable=False, comment="the record's key and its commitment's key, wrapped"
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person_ref"),
    )
    op.create_table(
        "reading",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )

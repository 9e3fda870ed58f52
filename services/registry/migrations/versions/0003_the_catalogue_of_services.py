"""the catalogue of services"""

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
        "calculation",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "calculation_made",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "said", postgresql.JSONB(astext_type=Text()), nullable=False, comment="the event's data: inputs and result"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("calculation_made_order", "calculation_made", ["made_at", "id"], unique=False)
    op.create_table(
        "cost_version",
        sa.Column("service_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("norm", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("prepared_by", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("service_id", "number"),
    )
    op.create_index("cost_version_in_force", "cost_version", ["service_id", "valid_from"], unique=False)
    op.create_table(
        "listed",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("units_per_place", sa.Integer(), nullable=True),
        sa.Column("has_standard", sa.Integer(), server_default="0", nullable=False, comment="approved versions"),
        sa.Column("has_cost", sa.Integer(), server_default="0", nullable=False, comment="approved versions"),
        sa.Column("proposal_id", sa.Text(), server_default="", nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("close_reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("listed_code", "listed", ["code"], unique=False)
    op.create_index("listed_kind", "listed", ["kind", "code"], unique=False)
    op.create_table(
        "listed_service",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "proposal",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("proposed", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("cost_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("experts", postgresql.JSONB(astext_type=Text()), server_default="[]", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False, comment="what it became"),
        sa.Column("term", sa.Text(), server_default="", nullable=False),
        sa.Column("term_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("proposal_order", "proposal", ["proposed_at", "id"], unique=False)
    op.create_index("proposal_provider", "proposal", ["provider_id"], unique=False)
    op.create_table(
        "proposal_step",
        sa.Column("proposal_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", "version"),
    )
    op.create_table(
        "service_code",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "taken_by", sa.UUID(as_uuid=False), nullable=False, comment="the service's stream, or the proposal's"
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "service_proposal",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "standard_version",
        sa.Column("service_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("standard", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("prepared_by", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("service_id", "number"),
    )
    op.create_index("standard_version_in_force", "standard_version", ["service_id", "valid_from"], unique=False)

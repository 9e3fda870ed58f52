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
        "batch",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("delimiter", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("unknown_columns", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("batch_started", "batch", ["started_at", "id"], unique=False)
    op.create_table(
        "decision",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "version"),
    )
    op.create_table(
        "draft",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("batch_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("raw", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("withheld", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("taken", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("missing", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("problems", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("duplicates", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("head_ref", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("inn", sa.Text(), nullable=False),
        sa.Column("words", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("dropped_because", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("draft_batch", "draft", ["batch_id", "number"], unique=False)
    op.create_index("draft_inn", "draft", ["inn"], unique=False)
    op.create_index("draft_words", "draft", ["words"], unique=False, postgresql_using="gin")
    op.create_table(
        "import_batch",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "import_row",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "provider",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("legal_form", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("inn", sa.Text(), nullable=False),
        sa.Column("ogrn", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Text(), nullable=True),
        sa.Column("longitude", sa.Text(), nullable=True),
        sa.Column("forms", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("service_kinds", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("head_ref", sa.Text(), nullable=False),
        sa.Column("contacts", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column("checked", sa.Text(), server_default="", nullable=False, comment="'', met or unmet"),
        sa.Column("included_on", sa.Date(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False, comment="normalised short name, the order of lists"),
        sa.Column("search", sa.Text(), nullable=False, comment="normalised full and short name"),
        sa.Column("grams", postgresql.ARRAY(Text()), nullable=False, comment="pieces of `search`, see domain/names.py"),
        sa.Column("words", postgresql.ARRAY(Text()), nullable=False, comment="words that tell the name from others"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("provider_figures", "provider", ["kind", "territory", "status"], unique=False)
    op.create_index("provider_forms", "provider", ["forms"], unique=False, postgresql_using="gin")
    op.create_index("provider_grams", "provider", ["grams"], unique=False, postgresql_using="gin")
    op.create_index("provider_inn", "provider", ["inn"], unique=False)
    op.create_index("provider_kind", "provider", ["kind", "name_key", "id"], unique=False)
    op.create_index(
        "provider_living_inn",
        "provider",
        ["inn"],
        unique=True,
        postgresql_where=sa.text("status IN ('applied', 'returned', 'active', 'suspended')"),
    )
    op.create_index("provider_order", "provider", ["name_key", "id"], unique=False)
    op.create_index("provider_queue", "provider", ["status", "applied_at", "id"], unique=False)
    op.create_index("provider_territory", "provider", ["territory", "name_key", "id"], unique=False)
    op.create_index("provider_words", "provider", ["words"], unique=False, postgresql_using="gin")
    op.create_table(
        "register_entry",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )

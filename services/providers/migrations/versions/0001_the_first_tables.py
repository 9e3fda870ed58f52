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
    # An exclusion constraint needs an equality of uuids inside GiST; a range type gives it without any extension.
    op.execute("CREATE TYPE uuidrange AS RANGE (subtype = uuid)")
    op.create_table(
        "act",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "act_card",
        sa.Column("act_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_kind", sa.Text(), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("quantity", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("amount_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("living", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reversal_side", sa.Text(), nullable=True),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0 AND amount_kopecks >= 0", name="act_amounts"),
        sa.PrimaryKeyConstraint("act_id"),
    )
    op.create_index("act_card_agreement", "act_card", ["agreement_id", "act_id"], unique=False)
    op.create_index("act_card_body", "act_card", ["body_id", "act_id"], unique=False)
    op.create_index("act_card_month", "act_card", ["month", "act_id"], unique=False)
    op.create_index("act_card_provider", "act_card", ["provider_id", "act_id"], unique=False)
    op.create_index("act_card_status", "act_card", ["status", "act_id"], unique=False)
    op.create_index(
        "act_one_living", "act_card", ["agreement_id", "month"], unique=True, postgresql_where=sa.text("living")
    )
    op.create_table(
        "delivery",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("amount_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "month", "agreement_id", "service_code"),
    )
    op.create_index("delivery_agreement", "delivery", ["agreement_id", "month"], unique=False)
    op.create_index("delivery_month", "delivery", ["month", "provider_id", "agreement_id"], unique=False)
    op.create_table(
        "known_agreement",
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("provider_kind", sa.Text(), nullable=True),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("service_code", sa.Text(), nullable=True),
        sa.Column("form", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=True),
        sa.Column("unit_price_kopecks", sa.BigInteger(), nullable=True),
        sa.Column("starts", sa.Text(), nullable=True),
        sa.Column("ends", sa.Text(), nullable=True),
        sa.Column("over", sa.Text(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("confirmed", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("volume IS NULL OR claimed BETWEEN 0 AND volume", name="agreement_volume"),
        sa.CheckConstraint("volume IS NULL OR confirmed BETWEEN 0 AND claimed", name="agreement_confirmed"),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_index("known_agreement_provider", "known_agreement", ["provider_id", "agreement_id"], unique=False)
    op.create_table(
        "known_provider",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("short_name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("territory", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("provider_id"),
    )
    op.create_index("known_provider_territory", "known_provider", ["territory", "provider_id"], unique=False)
    op.create_table(
        "loan",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "loan_card",
        sa.Column("loan_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("premises_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("owner_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("living", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("uuidrange(premises_id, premises_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts, ends)"), "&&"),
            where=sa.text("living"),
            using="gist",
            name="loan_no_overlap",
        ),
        sa.CheckConstraint("starts < ends", name="loan_period"),
        sa.PrimaryKeyConstraint("loan_id"),
    )
    op.create_index(
        "loan_card_living", "loan_card", ["premises_id", "ends"], unique=False, postgresql_where=sa.text("living")
    )
    op.create_index("loan_card_premises", "loan_card", ["premises_id", "loan_id"], unique=False)
    op.create_index("loan_card_provider", "loan_card", ["provider_id", "loan_id"], unique=False)
    op.create_index(
        "loan_card_quota",
        "loan_card",
        ["owner_id", "ends"],
        unique=False,
        postgresql_where=sa.text("kind = 'ad_surface'"),
    )
    op.create_index("loan_card_status", "loan_card", ["status", "loan_id"], unique=False)
    op.create_table(
        "places",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("maximum", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("funded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("free", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "0 <= reserved AND reserved <= funded AND funded <= maximum AND free = funded - reserved",
            name="places_bounds",
        ),
        sa.PrimaryKeyConstraint("provider_id", "form"),
    )
    op.create_index("places_form", "places", ["form", "provider_id"], unique=False)
    op.create_table(
        "premises",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "premises_card",
        sa.Column("premises_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("owner_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("area_m2", sa.Integer(), nullable=False),
        sa.Column("latitude", sa.Text(), nullable=False),
        sa.Column("longitude", sa.Text(), nullable=False),
        sa.Column("permitted_use", sa.Text(), nullable=False),
        sa.Column("accessibility", sa.Text(), nullable=False),
        sa.Column("available_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("available_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("premises_id"),
    )
    op.create_index("premises_card_kind", "premises_card", ["kind", "premises_id"], unique=False)
    op.create_index("premises_card_owner", "premises_card", ["owner_id", "premises_id"], unique=False)
    op.create_index("premises_card_territory", "premises_card", ["territory", "premises_id"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("places", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_index("reservation_provider", "reservation", ["provider_id", "agreement_id"], unique=False)
    op.create_table(
        "workspace",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "workspace_card",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provider_id"),
    )

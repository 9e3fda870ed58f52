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
        "agreement",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "agreements",
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("award_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("order_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_kind", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("service_kind", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("amount_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("waiting_for", sa.Text(), server_default="", nullable=False),
        sa.Column("deadline", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("activated_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("agreement_id"),
        sa.UniqueConstraint("award_id", name="agreement_once_per_award"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("agreements_body", "agreements", ["body_id", "agreement_id"], unique=False)
    op.create_index("agreements_competition", "agreements", ["competition_id", "agreement_id"], unique=False)
    op.create_index("agreements_lot", "agreements", ["lot_id", "agreement_id"], unique=False)
    op.create_index("agreements_order", "agreements", ["order_id", "agreement_id"], unique=False)
    op.create_index("agreements_provider", "agreements", ["provider_id", "agreement_id"], unique=False)
    op.create_index("agreements_status", "agreements", ["status", "agreement_id"], unique=False)
    op.create_table(
        "award",
        sa.Column("award_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_id", sa.Text(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("awarded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("award_id"),
    )
    op.create_index("award_competition", "award", ["competition_id"], unique=False)
    op.create_index("award_provider", "award", ["provider_id"], unique=False)
    op.create_table(
        "bid",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "compared_bid",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_version", sa.Integer(), nullable=False),
        sa.Column("arrival", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("price_kopecks", sa.BigInteger(), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=True),
        sa.Column("values", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("checks", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("competition_id", "bid_id"),
    )
    op.create_index("compared_bid_order", "compared_bid", ["competition_id", "arrival"], unique=False)
    op.create_table(
        "competition",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "competition_lot",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("limit_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("unallocated", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("competition_id", "lot_id"),
    )
    op.create_table(
        "competitions",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("service_name", sa.Text(), nullable=False),
        sa.Column("service_kind", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("requirements", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("criteria", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("evaluators", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("drafted_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("published_at", sa.Text(), nullable=True),
        sa.Column("deadline", sa.Text(), nullable=True),
        sa.Column("deadline_explanation", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("explained", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("calendar_version", sa.Text(), nullable=True),
        sa.Column("questions_until", sa.Text(), nullable=True),
        sa.Column("formulas_hash", sa.Text(), nullable=True),
        sa.Column("limits", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("region_version", sa.Text(), nullable=True),
        sa.Column("keys", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.Text(), nullable=True),
        sa.Column("standstill_until", sa.Text(), nullable=True),
        sa.Column("standstill_explained", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("competition_id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("competitions_body", "competitions", ["body_id", "competition_id"], unique=False)
    op.create_index("competitions_order", "competitions", ["order_id", "competition_id"], unique=False)
    op.create_index("competitions_service", "competitions", ["service_code", "competition_id"], unique=False)
    op.create_index("competitions_status", "competitions", ["status", "competition_id"], unique=False)
    op.create_index("competitions_territory", "competitions", ["territory", "competition_id"], unique=False)
    op.create_table(
        "conflict",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("evaluator_id", sa.Text(), nullable=False),
        sa.Column("conflicted", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "evaluator_id"),
    )
    op.create_index("conflict_evaluator", "conflict", ["evaluator_id", "competition_id"], unique=False)
    op.create_table(
        "custodian_act",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("custodian", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "custodian"),
    )
    op.create_table(
        "custodian_key",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("custodian", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "custodian"),
    )
    op.create_table(
        "late_attempt",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "provider_id"),
    )
    op.create_table(
        "late_bid",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "provider_id"),
    )
    op.create_table(
        "lot",
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("order_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("limit_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("claims", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("agreed_volume", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("agreed_volume BETWEEN 0 AND volume", name="lot_volume_once"),
        sa.CheckConstraint("claims BETWEEN 0 AND 1", name="lot_claimed_once"),
        sa.PrimaryKeyConstraint("lot_id"),
    )
    op.create_index("lot_competition", "lot", ["competition_id"], unique=False)
    op.create_index("lot_order", "lot", ["order_id", "number"], unique=False)
    op.create_table(
        "lot_claim",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_ids", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("competition_id"),
    )
    op.create_table(
        "lot_result",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("sole", sa.Boolean(), nullable=False),
        sa.Column("by_hash", sa.Boolean(), nullable=False),
        sa.Column("judges", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("ranking", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("computed_hash", sa.Text(), nullable=False),
        sa.Column("order", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("alarms", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("protocol_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "lot_id"),
    )
    op.create_table(
        "opened_key",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "bid_id", "key"),
    )
    op.create_table(
        "own_bid",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("lot_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("bid_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sealed_by", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "bid_id"),
    )
    op.create_index("own_bid_provider", "own_bid", ["provider_id", "competition_id", "bid_id"], unique=False)
    op.create_table(
        "provider",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("short_name", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("territory", sa.Text(), server_default="", nullable=False),
        sa.Column("forms", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("service_kinds", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.PrimaryKeyConstraint("provider_id"),
    )
    op.create_table(
        "question",
        sa.Column("question_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("question_id"),
    )
    op.create_index("question_competition", "question", ["competition_id", "question_id"], unique=False)
    op.create_table(
        "score",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("evaluator_id", sa.Text(), nullable=False),
        sa.Column("bid_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("criterion", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "evaluator_id", "bid_id", "criterion"),
    )
    op.create_table(
        "social_order",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "social_orders",
        sa.Column("order_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_name", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("service_name", sa.Text(), nullable=False),
        sa.Column("service_kind", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("cost_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("by_assignment", sa.BigInteger(), nullable=False),
        sa.Column("by_competition", sa.BigInteger(), nullable=False),
        sa.Column("by_certificate", sa.BigInteger(), nullable=False),
        sa.Column("lot_ids", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("prepared_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("formed_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("volume = by_assignment + by_competition + by_certificate", name="social_order_split"),
        sa.PrimaryKeyConstraint("order_id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("social_orders_body", "social_orders", ["body_id", "order_id"], unique=False)
    op.create_index("social_orders_status", "social_orders", ["status", "order_id"], unique=False)
    op.create_index("social_orders_year", "social_orders", ["year", "order_id"], unique=False)
    op.create_table(
        "trail",
        sa.Column("competition_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("competition_id", "version"),
    )

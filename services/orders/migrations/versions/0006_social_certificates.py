"""Social certificates"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "certificate_choice",
        sa.Column("certificate_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("unit_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("budget_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("own_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", "version"),
    )
    op.create_index(
        "certificate_choice_provider", "certificate_choice", ["provider_id", "certificate_id"], unique=False
    )
    op.create_table(
        "certificate_offer",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "certificate_offers",
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("unit_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "service_code"),
    )
    op.create_index(
        "certificate_offers_service",
        "certificate_offers",
        ["service_code", "unit_price_kopecks", "provider_id"],
        unique=False,
    )
    op.create_table(
        "certificate_share",
        sa.Column("order_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("volume", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("issued_volume", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("issued_volume BETWEEN 0 AND volume", name="certificate_share_once"),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_table(
        "certificates",
        sa.Column("certificate_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("beneficiary_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("programme_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("service_code", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("limit_price_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("amount_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("unit_price_kopecks", sa.BigInteger(), nullable=True),
        sa.Column("own_price_kopecks", sa.BigInteger(), nullable=True),
        sa.Column("redeemed_volume", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("own_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned_volume", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("closes_at", sa.Text(), nullable=True),
        sa.Column("closes_explained", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("closed", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("paid_kopecks + returned_kopecks <= amount_kopecks", name="certificate_money_once"),
        sa.CheckConstraint("redeemed_volume + returned_volume <= volume", name="certificate_volume_once"),
        sa.PrimaryKeyConstraint("certificate_id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("certificates_beneficiary", "certificates", ["beneficiary_id", "certificate_id"], unique=False)
    op.create_index("certificates_body", "certificates", ["body_id", "certificate_id"], unique=False)
    op.create_index("certificates_order", "certificates", ["order_id", "certificate_id"], unique=False)
    op.create_index("certificates_provider", "certificates", ["provider_id", "certificate_id"], unique=False)
    op.create_table(
        "redemption",
        sa.Column("certificate_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("redemption_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("act_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_kopecks", sa.BigInteger(), nullable=True),
        sa.Column("amount_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("own_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("came_at", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", "provider_id", "redemption_id"),
    )
    # Orders that were formed before have their shares too.
    op.execute("INSERT INTO certificate_share (order_id, volume) SELECT order_id, by_certificate FROM social_orders")

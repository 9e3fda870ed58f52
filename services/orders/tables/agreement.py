"""Read tables of social orders, their lots, awards and agreements.

`lot` is the row that everybody locks who spends its volume: what a competition claims and what agreements take is held
against it by constraints too, so that no volume is spent twice whatever runs at once (189-FZ art. 19).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, SmallInteger, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.orders.tables import metadata


def _id() -> UUID[str]:
    return UUID(as_uuid=False)


social_orders = Table(
    "social_orders",
    metadata,
    Column("order_id", _id(), primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("body_id", _id(), nullable=False),
    Column("body_name", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("territory", Text, nullable=False),
    Column("service_code", Text, nullable=False),
    Column("service_name", Text, nullable=False),
    Column("service_kind", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("cost_kopecks", BigInteger, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("by_assignment", BigInteger, nullable=False),
    Column("by_competition", BigInteger, nullable=False),
    Column("by_certificate", BigInteger, nullable=False),
    Column("lot_ids", JSONB, nullable=False),
    Column("prepared_by", Text, nullable=False),
    Column("approved_by", Text),
    Column("reason", Text),
    Column("formed_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    CheckConstraint("volume = by_assignment + by_competition + by_certificate", name="social_order_split"),
    Index("social_orders_body", "body_id", "order_id"),
    Index("social_orders_year", "year", "order_id"),
    Index("social_orders_status", "status", "order_id"),
)

# How an order's figures were corrected: what they were, what they are, and why.
order_correction = Table(
    "order_correction",
    metadata,
    Column("order_id", _id(), primary_key=True),
    # The order's event that corrected it.
    Column("version", Integer, primary_key=True),
    Column("corrected_at", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
)

lot = Table(
    "lot",
    metadata,
    Column("lot_id", _id(), primary_key=True),
    Column("order_id", _id(), nullable=False),
    Column("body_id", _id(), nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("limit_price_kopecks", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("competition_id", _id()),
    # Competitions that live on the lot: 0 or 1.
    Column("claims", SmallInteger, nullable=False, server_default="0"),
    Column("agreed_volume", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("agreed_volume BETWEEN 0 AND volume", name="lot_volume_once"),
    CheckConstraint("claims BETWEEN 0 AND 1", name="lot_claimed_once"),
    Index("lot_order", "order_id", "number"),
    Index("lot_competition", "competition_id"),
)

lot_claim = Table(
    "lot_claim",
    metadata,
    # Which lots a competition still claims: its later events name the competition only.
    Column("competition_id", _id(), primary_key=True),
    Column("lot_ids", JSONB, nullable=False),
)

award = Table(
    "award",
    metadata,
    Column("award_id", _id(), primary_key=True),
    Column("competition_id", _id(), nullable=False),
    Column("lot_id", _id(), nullable=False),
    Column("provider_id", _id(), nullable=False),
    Column("bid_id", Text, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("unit_price_kopecks", BigInteger, nullable=False),
    Column("awarded_at", Text, nullable=False),
    Index("award_competition", "competition_id"),
    Index("award_provider", "provider_id"),
)

agreements = Table(
    "agreements",
    metadata,
    Column("agreement_id", _id(), primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("competition_id", _id(), nullable=False),
    Column("award_id", _id(), nullable=False),
    Column("order_id", _id(), nullable=False),
    Column("lot_id", _id(), nullable=False),
    Column("body_id", _id(), nullable=False),
    Column("provider_id", _id(), nullable=False),
    Column("provider_kind", Text, nullable=False),
    Column("territory", Text, nullable=False),
    Column("service_code", Text, nullable=False),
    Column("service_kind", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("unit_price_kopecks", BigInteger, nullable=False),
    Column("amount_kopecks", BigInteger, nullable=False),
    Column("year", Integer, nullable=False),
    Column("starts", Text, nullable=False),
    Column("ends", Text, nullable=False),
    Column("places", Integer, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("drafted_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    # What a reserving agreement waits for and until when, and why the last attempt or the agreement itself ended.
    Column("waiting_for", Text, nullable=False, server_default=""),
    Column("deadline", Text),
    Column("reason", Text),
    Column("activated_at", Text),
    # Until when the provider may sign, and how that was counted.
    Column("sign_by", Text),
    Column("sign_explained", JSONB),
    UniqueConstraint("award_id", name="agreement_once_per_award"),
    Index("agreements_body", "body_id", "agreement_id"),
    Index("agreements_provider", "provider_id", "agreement_id"),
    Index("agreements_competition", "competition_id", "agreement_id"),
    Index("agreements_order", "order_id", "agreement_id"),
    Index("agreements_lot", "lot_id", "agreement_id"),
    Index("agreements_status", "status", "agreement_id"),
)

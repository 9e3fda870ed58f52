"""Read tables of certificates: the share of an order that they are issued from, they themselves, what was redeemed.

`certificate_share` is the row that everybody locks who issues out of an order or gives back to it; its constraint holds
the sum of what is issued against the share, also when the order is corrected at the same time (189-FZ art. 19).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.orders.tables import metadata


def _id() -> UUID[str]:
    return UUID(as_uuid=False)


certificate_share = Table(
    "certificate_share",
    metadata,
    Column("order_id", _id(), primary_key=True),
    Column("volume", BigInteger, nullable=False, server_default="0"),
    Column("issued_volume", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("issued_volume BETWEEN 0 AND volume", name="certificate_share_once"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("certificate_id", _id(), primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("order_id", _id(), nullable=False),
    Column("body_id", _id(), nullable=False),
    Column("year", Integer, nullable=False),
    # Pseudonyms: who it is, the vault knows.
    Column("beneficiary_id", _id(), nullable=False),
    Column("programme_id", _id(), nullable=False),
    Column("service_code", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("limit_price_kopecks", BigInteger, nullable=False),
    Column("amount_kopecks", BigInteger, nullable=False),
    Column("valid_until", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Text, nullable=False),
    Column("issued_at", Text),
    Column("changed_at", Text, nullable=False),
    # Until when billing is waited for; why there is no money, or why it was annulled.
    Column("deadline", Text),
    Column("reason", Text),
    Column("provider_id", _id()),
    Column("unit_price_kopecks", BigInteger),
    Column("own_price_kopecks", BigInteger),
    Column("redeemed_volume", BigInteger, nullable=False, server_default="0"),
    Column("paid_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("own_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("returned_volume", BigInteger, nullable=False, server_default="0"),
    Column("returned_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("closes_at", Text),
    Column("closes_explained", JSONB),
    Column("closed", Boolean, nullable=False, server_default="false"),
    CheckConstraint("redeemed_volume + returned_volume <= volume", name="certificate_volume_once"),
    CheckConstraint("paid_kopecks + returned_kopecks <= amount_kopecks", name="certificate_money_once"),
    Index("certificates_order", "order_id", "certificate_id"),
    Index("certificates_body", "body_id", "certificate_id"),
    Index("certificates_provider", "provider_id", "certificate_id"),
    Index("certificates_beneficiary", "beneficiary_id", "certificate_id"),
)

# A certificate's providers one after another.
certificate_choice = Table(
    "certificate_choice",
    metadata,
    Column("certificate_id", _id(), primary_key=True),
    # The certificate's event that chose it.
    Column("version", Integer, primary_key=True),
    Column("provider_id", _id(), nullable=False),
    Column("unit_price_kopecks", BigInteger, nullable=False),
    Column("budget_price_kopecks", BigInteger, nullable=False),
    Column("own_price_kopecks", BigInteger, nullable=False),
    Column("since", Text, nullable=False),
    Index("certificate_choice_provider", "provider_id", "certificate_id"),
)

redemption = Table(
    "redemption",
    metadata,
    # One row per record of a provider, taken or refused: the second of one number can't be written.
    Column("certificate_id", _id(), primary_key=True),
    Column("provider_id", _id(), primary_key=True),
    Column("redemption_id", _id(), primary_key=True),
    Column("act_id", _id()),
    Column("volume", BigInteger, nullable=False),
    Column("unit_price_kopecks", BigInteger),
    Column("amount_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("own_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("made_at", Text, nullable=False),
    Column("came_at", Text, nullable=False),
    # Why it was refused; empty where it was taken.
    Column("code", Text, nullable=False, server_default=""),
)

certificate_offer_row = Table(
    "certificate_offers",
    metadata,
    Column("provider_id", _id(), primary_key=True),
    Column("service_code", Text, primary_key=True),
    Column("unit_price_kopecks", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Index("certificate_offers_service", "service_code", "unit_price_kopecks", "provider_id"),
)

"""The service's read tables and what may never be in them, whoever writes: the last word is the database's.

    places_bounds          0 ≤ reserved ≤ funded ≤ maximum, free = funded − reserved
    agreement_volume       acts that are submitted or confirmed never exceed the agreement's volume
    act_one_living         one living act per agreement and month
    loan_no_overlap        two living loans of one object never overlap in time

The exclusion constraint needs an equality of uuids inside a GiST index. The extension btree_gist would give it;
without any extension, on every PostgreSQL from 15 on, a range type over uuid does: an object is the range from itself
to itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID, ExcludeConstraint

SCHEMA = "providers"
metadata = MetaData(schema=SCHEMA)


def _id(name: str, **options: Any) -> Column[str]:
    return Column(name, UUID(as_uuid=False), **options)


def _instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **options)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


CREATE_UUIDRANGE = f"""
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typname = 'uuidrange' AND n.nspname = '{SCHEMA}'
    ) THEN CREATE TYPE "{SCHEMA}".uuidrange AS RANGE (subtype = uuid);
    END IF;
END $$
"""


@event.listens_for(metadata, "before_create")
def _create_types(target: MetaData, connection: Connection, **options: Any) -> None:
    """The type must be there before the table whose constraint uses it."""
    connection.exec_driver_sql(CREATE_UUIDRANGE)


# What this service knows of providers and agreements from the logs of registry and orders.

known_provider = Table(
    "known_provider",
    metadata,
    _id("provider_id", primary_key=True),
    Column("number", Text),
    Column("short_name", Text),
    Column("kind", Text),
    Column("territory", Text),
    Column("status", Text),
    Index("known_provider_territory", "territory", "provider_id"),
)

# `claimed` and `confirmed` are filled by the acts, all else by orders. An act's numbers may come first in a rebuild, so
# nothing of the agreement is NOT NULL, and the bounds hold from when the volume is known. (PostgreSQL also checks the
# row that an INSERT … ON CONFLICT proposes, in which a returned act is a negative number.)
known_agreement = Table(
    "known_agreement",
    metadata,
    _id("agreement_id", primary_key=True),
    _id("provider_id"),
    Column("provider_kind", Text),
    _id("body_id"),
    Column("year", Integer),
    Column("service_code", Text),
    Column("form", Text),
    Column("unit", Text),
    Column("volume", BigInteger),
    Column("unit_price_kopecks", BigInteger),
    Column("starts", Text),
    Column("ends", Text),
    Column("over", Text),
    _instant("stopped_at"),
    _number("claimed"),
    _number("confirmed"),
    CheckConstraint("volume IS NULL OR claimed BETWEEN 0 AND volume", name="agreement_volume"),
    CheckConstraint("volume IS NULL OR confirmed BETWEEN 0 AND claimed", name="agreement_confirmed"),
    Index("known_agreement_provider", "provider_id", "agreement_id"),
)

workspace_card = Table(
    "workspace_card",
    metadata,
    _id("provider_id", primary_key=True),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

places = Table(
    "places",
    metadata,
    _id("provider_id", primary_key=True),
    Column("form", Text, primary_key=True),
    _number("maximum"),
    _number("funded"),
    _number("reserved"),
    _number("free"),
    CheckConstraint(
        "0 <= reserved AND reserved <= funded AND funded <= maximum AND free = funded - reserved", name="places_bounds"
    ),
    Index("places_form", "form", "provider_id"),
)

# The last word on an agreement's request for places: status held, refused or given_back.
reservation = Table(
    "reservation",
    metadata,
    _id("agreement_id", primary_key=True),
    _id("provider_id", nullable=False),
    Column("form", Text, nullable=False),
    _number("places"),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _instant("at", nullable=False),
    Index("reservation_provider", "provider_id", "agreement_id"),
)

act_card = Table(
    "act_card",
    metadata,
    _id("act_id", primary_key=True),
    _id("agreement_id", nullable=False),
    _id("provider_id", nullable=False),
    Column("provider_kind", Text, nullable=False),
    _id("body_id", nullable=False),
    Column("year", Integer, nullable=False),
    Column("month", Text, nullable=False),
    Column("service_code", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("lines", JSONB, nullable=False),
    _number("quantity"),
    _number("amount_kopecks"),
    Column("status", Text, nullable=False),
    Column("living", Boolean, nullable=False),
    Column("reason", Text),
    Column("reversal_side", Text),
    _instant("drafted_at", nullable=False),
    _instant("submitted_at"),
    _instant("confirmed_at"),
    _instant("reversed_at"),
    CheckConstraint("quantity > 0 AND amount_kopecks >= 0", name="act_amounts"),
    Index("act_one_living", "agreement_id", "month", unique=True, postgresql_where=text("living")),
    Index("act_card_agreement", "agreement_id", "act_id"),
    Index("act_card_provider", "provider_id", "act_id"),
    Index("act_card_body", "body_id", "act_id"),
    Index("act_card_month", "month", "act_id"),
    Index("act_card_status", "status", "act_id"),
)

# The journal of delivery: what was confirmed, less what was reversed.
delivery = Table(
    "delivery",
    metadata,
    _id("provider_id", primary_key=True),
    Column("month", Text, primary_key=True),
    _id("agreement_id", primary_key=True),
    Column("service_code", Text, primary_key=True),
    _number("quantity"),
    _number("amount_kopecks"),
    Index("delivery_agreement", "agreement_id", "month"),
    Index("delivery_month", "month", "provider_id", "agreement_id"),
)

premises_card = Table(
    "premises_card",
    metadata,
    _id("premises_id", primary_key=True),
    _id("owner_id", nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("territory", Text, nullable=False),
    Column("area_m2", Integer, nullable=False),
    Column("latitude", Text, nullable=False),
    Column("longitude", Text, nullable=False),
    Column("permitted_use", Text, nullable=False),
    Column("accessibility", Text, nullable=False),
    _instant("available_from"),
    _instant("available_until"),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Index("premises_card_territory", "territory", "premises_id"),
    Index("premises_card_owner", "owner_id", "premises_id"),
    Index("premises_card_kind", "kind", "premises_id"),
)

# `living`: granted or signed, and not yet over.
loan_card = Table(
    "loan_card",
    metadata,
    _id("loan_id", primary_key=True),
    _id("premises_id", nullable=False),
    _id("provider_id", nullable=False),
    _id("owner_id", nullable=False),
    Column("kind", Text, nullable=False),
    _instant("starts", nullable=False),
    _instant("ends", nullable=False),
    Column("purpose", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("living", Boolean, nullable=False),
    Column("reason", Text),
    Column("condition", Text),
    _instant("requested_at", nullable=False),
    _instant("granted_at"),
    _instant("signed_at"),
    _instant("ended_at"),
    _instant("returned_at"),
    CheckConstraint("starts < ends", name="loan_period"),
    ExcludeConstraint(
        (text(f"\"{SCHEMA}\".uuidrange(premises_id, premises_id, '[]')"), "&&"),
        (text("tstzrange(starts, ends)"), "&&"),
        where=text("living"),
        using="gist",
        name="loan_no_overlap",
    ),
    Index("loan_card_premises", "premises_id", "loan_id"),
    Index("loan_card_provider", "provider_id", "loan_id"),
    Index("loan_card_status", "status", "loan_id"),
    Index("loan_card_living", "premises_id", "ends", postgresql_where=text("living")),
    Index("loan_card_quota", "owner_id", "ends", postgresql_where=text("kind = 'ad_surface'")),
)

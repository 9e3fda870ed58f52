"""Read tables of competitions and bids.

What may be seen before the closing and what may not stands in different tables: `own_bid` is asked for by a bidder's
own id alone, `compared_bid` is filled by the closing. `late_attempt` counts what is refused and not logged again, so no
log can rebuild it: it is declared secret to the replay.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.orders.tables import metadata


def _id() -> UUID[str]:
    return UUID(as_uuid=False)


# What the register says of providers, as far as bids and agreements need it.
provider = Table(
    "provider",
    metadata,
    Column("provider_id", _id(), primary_key=True),
    Column("status", Text, nullable=False),
    Column("number", Text, nullable=False, server_default=""),
    Column("short_name", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False, server_default=""),
    Column("territory", Text, nullable=False, server_default=""),
    Column("forms", JSONB),
    Column("service_kinds", JSONB),
)

# What providers say of their places, by form, and how many of them agreements hold.
provider_places = Table(
    "provider_places",
    metadata,
    Column("provider_id", _id(), primary_key=True),
    Column("form", Text, primary_key=True),
    Column("maximum", Integer, nullable=False, server_default="0"),
    Column("reserved", Integer, nullable=False, server_default="0"),
)

competitions = Table(
    "competitions",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("order_id", _id(), nullable=False),
    Column("body_id", _id(), nullable=False),
    Column("body_name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("territory", Text, nullable=False),
    Column("service_code", Text, nullable=False),
    Column("service_name", Text, nullable=False),
    Column("service_kind", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("requirements", JSONB, nullable=False),
    Column("criteria", JSONB, nullable=False),
    Column("evaluators", JSONB, nullable=False),
    Column("drafted_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("published_at", Text),
    Column("deadline", Text),
    Column("deadline_explanation", JSONB),
    Column("explained", JSONB),
    Column("calendar_version", Text),
    Column("questions_until", Text),
    Column("amendments", Integer, nullable=False, server_default="0"),
    Column("confirm_until", Text),
    Column("formulas_hash", Text),
    Column("limits", JSONB),
    Column("region_version", Text),
    Column("keys", JSONB),
    Column("closed_at", Text),
    Column("opened_at", Text),
    Column("decided_at", Text),
    Column("standstill_until", Text),
    Column("standstill_explained", JSONB),
    # Working days of the standstill that are left while complaints stop its clock.
    Column("stopped_days", Integer),
    # Whether a second look at scores was ever asked for.
    Column("second_looks", Boolean, nullable=False, server_default="false"),
    Column("reason", Text),
    Index("competitions_status", "status", "competition_id"),
    Index("competitions_territory", "territory", "competition_id"),
    Index("competitions_service", "service_code", "competition_id"),
    Index("competitions_body", "body_id", "competition_id"),
    Index("competitions_order", "order_id", "competition_id"),
)

competition_lot = Table(
    "competition_lot",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("lot_id", _id(), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("limit_price_kopecks", BigInteger, nullable=False),
    # Why the lot came to nothing, where it did; how much of it nobody could take.
    Column("failure", Text, nullable=False, server_default=""),
    Column("unallocated", BigInteger),
)

lot_result = Table(
    "lot_result",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("lot_id", _id(), primary_key=True),
    Column("sole", Boolean, nullable=False),
    Column("by_hash", Boolean, nullable=False),
    Column("judges", JSONB, nullable=False),
    Column("inputs", JSONB, nullable=False),
    Column("ranking", JSONB, nullable=False),
    Column("computed_hash", Text, nullable=False),
    Column("order", JSONB, nullable=False),
    Column("alarms", JSONB, nullable=False),
    Column("protocol_hash", Text, nullable=False),
)

question = Table(
    "question",
    metadata,
    Column("question_id", _id(), primary_key=True),
    Column("competition_id", _id(), nullable=False),
    Column("text", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("answer", Text),
    Column("answered_at", Text),
    Index("question_competition", "competition_id", "question_id"),
)

own_bid = Table(
    "own_bid",
    metadata,
    # A lot that is announced again finds the same bid ids, so the competition is part of the key.
    Column("competition_id", _id(), primary_key=True),
    Column("bid_id", _id(), primary_key=True),
    Column("lot_id", _id(), nullable=False),
    Column("provider_id", _id(), nullable=False),
    Column("bid_version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("sealed_by", Text, nullable=False),
    # The last amendment that it was made after or confirmed for; it stands where that is the competition's last.
    Column("amendment", Integer, nullable=False, server_default="0"),
    Column("received_at", Text, nullable=False),
    # The event of the standing version: its place in the log is the bid's place.
    Column("event_id", _id(), nullable=False),
    Index("own_bid_provider", "provider_id", "competition_id", "bid_id"),
)

# How many bids stand, in shards: each new bid adds to one of them, so that bidders don't wait for each other.
bids_taken = Table(
    "bids_taken",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("standing", Integer, nullable=False),
)

late_bid = Table(
    "late_bid",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("provider_id", _id(), primary_key=True),
    Column("lot_id", _id(), nullable=False),
    Column("received_at", Text, nullable=False),
)

late_attempt = Table(
    "late_attempt",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("provider_id", _id(), primary_key=True),
    Column("attempts", Integer, nullable=False),
)

compared_bid = Table(
    "compared_bid",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("bid_id", _id(), primary_key=True),
    Column("lot_id", _id(), nullable=False),
    Column("provider_id", _id(), nullable=False),
    Column("bid_version", Integer, nullable=False),
    Column("arrival", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("failure", Text, nullable=False, server_default=""),
    Column("price_kopecks", BigInteger),
    Column("volume", BigInteger),
    Column("values", JSONB),
    Column("checks", JSONB),
    # Until when a listed deficiency may be corrected, and what the bidder said of it.
    Column("correct_until", Text),
    Column("correction", Text),
    # A price that stood out: asked, justified, accepted or rejected; until when and how it was justified, why decided so.
    Column("low_price", Text, nullable=False, server_default=""),
    Column("justify_until", Text),
    Column("justification", Text),
    Column("low_price_reason", Text),
    Column("place", Integer),
    Index("compared_bid_order", "competition_id", "arrival"),
)

conflict = Table(
    "conflict",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("evaluator_id", Text, primary_key=True),
    Column("conflicted", JSONB, nullable=False),
    Column("text", Text, nullable=False),
    Column("declared_at", Text, nullable=False),
    Index("conflict_evaluator", "evaluator_id", "competition_id"),
)

score = Table(
    "score",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("evaluator_id", Text, primary_key=True),
    Column("bid_id", _id(), primary_key=True),
    Column("criterion", Text, primary_key=True),
    Column("score", Integer, nullable=False),
    Column("comment", Text, nullable=False),
)

custodian_key = Table(
    "custodian_key",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("custodian", Text, primary_key=True),
    Column("public_key", Text, nullable=False),
)

# Custodians that have released layers or opened keys of a competition.
custodian_act = Table(
    "custodian_act",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("custodian", Text, primary_key=True),
)

opened_key = Table(
    "opened_key",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("bid_id", _id(), primary_key=True),
    Column("key", Text, primary_key=True),
)

trail = Table(
    "trail",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("event", Text, nullable=False),
    Column("event_id", _id(), nullable=False),
    Column("at", Text, nullable=False),
)

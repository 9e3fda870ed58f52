"""Read tables of what may happen on the way of a competition: amendments, moved deadlines, second looks at scores,
complaints.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.orders.tables import metadata


def _id() -> UUID[str]:
    return UUID(as_uuid=False)


amendment = Table(
    "amendment",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("amended_at", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # What of the announcement took another form: title, lots, requirements, criteria.
    Column("parts", JSONB, nullable=False),
    Column("confirm_until", Text, nullable=False),
    Column("confirm_explained", JSONB, nullable=False),
)

deadline_move = Table(
    "deadline_move",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    # The competition's event that moved it.
    Column("version", Integer, primary_key=True),
    Column("moved_at", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("deadline", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("explained", JSONB, nullable=False),
)

second_look = Table(
    "second_look",
    metadata,
    Column("competition_id", _id(), primary_key=True),
    Column("bid_id", _id(), primary_key=True),
    Column("criterion", Text, primary_key=True),
    Column("asked_at", Text, nullable=False),
    # The members who have given this score again.
    Column("looked", JSONB, nullable=False),
)

complaint_row = Table(
    "complaint",
    metadata,
    Column("complaint_id", _id(), primary_key=True),
    Column("competition_id", _id(), nullable=False),
    Column("number", Integer, nullable=False),
    Column("lot_id", _id(), nullable=False),
    Column("provider_id", _id(), nullable=False),
    # Who decides it.
    Column("body_id", _id(), nullable=False),
    Column("text", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("filed_at", Text, nullable=False),
    Column("changed_at", Text),
    # Until when the body says whether it takes it, then until when it decides.
    Column("term", Text),
    Column("decision", Text),
    Column("remedy", Text),
    Index("complaint_competition", "competition_id", "number"),
    Index("complaint_body", "body_id", "status", "complaint_id"),
)

"""The vault's tables: what is secret (ciphertexts and wrapped keys only), and what it has learnt from events."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData(schema="vault")

# -- secret: not in the log, so that no replay makes them again -------------------------------------------------------

person_secret = Table(
    "person_secret",
    metadata,
    Column("person_ref", UUID(as_uuid=False), primary_key=True),
    Column("keys", LargeBinary, nullable=False, comment="the record's key and its commitment's key, wrapped"),
    Column("sealed", LargeBinary, nullable=False),
)
organisation_key = Table(
    "organisation_key",
    metadata,
    Column("organisation", UUID(as_uuid=False), primary_key=True),
    Column("key", LargeBinary, nullable=False, comment="wrapped"),
)
draft_secret = Table(
    "draft_secret",
    metadata,
    Column("draft_id", UUID(as_uuid=False), primary_key=True),
    Column("organisation", UUID(as_uuid=False), nullable=False),
    Column("competition_id", UUID(as_uuid=False), nullable=False),
    Column("lot_id", UUID(as_uuid=False), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("organisation", "lot_id", name="draft_secret_one_per_lot"),
    Index("draft_secret_competition", "competition_id"),
)

# -- read tables ------------------------------------------------------------------------------------------------------

competition = Table(
    "competition",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("body_id", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False, comment="drafted, bidding, closed, opened or over"),
)
head = Table(
    "head",
    metadata,
    Column("provider_id", UUID(as_uuid=False), primary_key=True),
    Column("head_ref", Text, nullable=False),
    Column("shown", Boolean, nullable=False, comment="in the register now: the law publishes the head's name"),
    Index("head_ref", "head_ref"),
)
denial = Table(
    "denial",
    metadata,
    Column("reading_id", UUID(as_uuid=False), primary_key=True),
    Column("actor", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("denial_actor", "actor", "at"),
)

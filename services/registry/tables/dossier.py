"""What a card says besides its fields, as it is read."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.registry.tables.schema import metadata

licence = Table(
    "licence",
    metadata,
    Column("licence_id", UUID(as_uuid=False), primary_key=True),
    Column("provider_id", UUID(as_uuid=False), nullable=False),
    Column("number", Text, nullable=False),
    Column("activity", Text, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("said", Text, nullable=False, server_default="", comment="'', expiring or expired"),
    Index("licence_provider", "provider_id", "number"),
    Index("licence_ending", "said", "valid_to", "licence_id"),
)

inspection = Table(
    "inspection",
    metadata,
    Column("inspection_id", UUID(as_uuid=False), primary_key=True),
    Column("provider_id", UUID(as_uuid=False), nullable=False),
    Column("held_on", Date, nullable=False),
    Column("body", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Index("inspection_provider", "provider_id", "held_on"),
)

attached = Table(
    "attached",
    metadata,
    Column("provider_id", UUID(as_uuid=False), primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("attached_at", DateTime(timezone=True), nullable=False),
)

dossier = Table(
    "dossier",
    metadata,
    Column("provider_id", UUID(as_uuid=False), primary_key=True),
    Column("staff", Integer),
    Column("volunteers", Integer),
    Column("staff_as_of", Date),
    Column("experience", JSONB, nullable=False, server_default="[]"),
    Column("flags", ARRAY(Text), nullable=False, server_default="{}"),
)

"""Consortia as they are read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.registry.tables.schema import metadata

consortium_view = Table(
    "consortium_view",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("members", JSONB, nullable=False),
    Column("proposed", JSONB, comment="a replacement that waits for consent"),
    Column("waiting", JSONB, nullable=False, comment="whose consent is asked"),
    Column("dissolved_because", Text, nullable=False, server_default=""),
    Column("formed_at", DateTime(timezone=True), nullable=False),
    Index("consortium_view_order", "formed_at", "id"),
    Index("consortium_view_members", "members", postgresql_using="gin"),
)

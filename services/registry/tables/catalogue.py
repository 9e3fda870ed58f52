"""The catalogue of services as it is read: services, versions, calculations, proposals. A code is used once."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, DateTime, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.registry.tables.schema import metadata

service_code = Table(
    "service_code",
    metadata,
    Column("code", Text, primary_key=True),
    Column("taken_by", UUID(as_uuid=False), nullable=False, comment="the service's stream, or the proposal's"),
)

listed = Table(
    "listed",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("units_per_place", Integer),
    Column("has_standard", Integer, nullable=False, server_default="0", comment="approved versions"),
    Column("has_cost", Integer, nullable=False, server_default="0", comment="approved versions"),
    Column("proposal_id", Text, nullable=False, server_default=""),
    Column("closes_on", Date),
    Column("close_reason", Text, nullable=False, server_default=""),
    Index("listed_code", "code"),
    Index("listed_kind", "kind", "code"),
)


def _version_table(name: str, content: str) -> Table:
    """Versions of a service's standard, or of its cost; `approved_on` is null while one waits for approval."""
    return Table(
        name,
        metadata,
        Column("service_id", UUID(as_uuid=False), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column(content, JSONB, nullable=False),
        Column("valid_from", Date, nullable=False),
        Column("valid_to", Date),
        Column("prepared_by", Text, nullable=False, server_default=""),
        Column("approved_on", Date),
        Index(f"{name}_in_force", "service_id", "valid_from"),
    )


standard_version = _version_table("standard_version", "standard")
cost_version = _version_table("cost_version", "norm")

calculation_made = Table(
    "calculation_made",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("number", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("said", JSONB, nullable=False, comment="the event's data: inputs and result"),
    Index("calculation_made_order", "made_at", "id"),
)

proposal = Table(
    "proposal",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("provider_id", UUID(as_uuid=False), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("proposed", JSONB, nullable=False),
    Column("cost_kopecks", BigInteger, nullable=False),
    Column("experts", JSONB, nullable=False, server_default="[]"),
    Column("code", Text, nullable=False, server_default="", comment="what it became"),
    Column("term", Text, nullable=False, server_default=""),
    Column("term_until", DateTime(timezone=True)),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Index("proposal_order", "proposed_at", "id"),
    Index("proposal_provider", "provider_id"),
)

proposal_step = Table(
    "proposal_step",
    metadata,
    Column("proposal_id", UUID(as_uuid=False), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("details", JSONB, nullable=False),
)

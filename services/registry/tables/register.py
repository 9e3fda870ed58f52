"""Entries and imports as they are read. An INN is that of one living entry only: the database keeps it, under any
concurrency."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.registry.domain.register_entry.state import LIVING
from services.registry.tables.schema import metadata

_LIVING = ", ".join(f"'{status}'" for status in LIVING)

provider = Table(
    "provider",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("number", Text, nullable=False, server_default=""),
    Column("full_name", Text, nullable=False),
    Column("short_name", Text, nullable=False),
    Column("legal_form", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("inn", Text, nullable=False),
    Column("ogrn", Text, nullable=False),
    Column("territory", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("latitude", Text),
    Column("longitude", Text),
    Column("forms", ARRAY(Text), nullable=False),
    Column("service_kinds", ARRAY(Text), nullable=False),
    Column("head_ref", Text, nullable=False),
    Column("contacts", JSONB, nullable=False),
    Column("origin", Text, nullable=False),
    Column("applied_at", DateTime(timezone=True), nullable=False),
    Column("applied_by", Text, nullable=False),
    Column("checked", Text, nullable=False, server_default="", comment="'', met or unmet"),
    Column("included_on", Date),
    Column("term", Text, nullable=False, server_default="", comment="what somebody has to do by `term_until`"),
    Column("term_until", DateTime(timezone=True)),
    Column("missed", Text, nullable=False, server_default="", comment="the term that nobody kept"),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("name_key", Text, nullable=False, comment="normalised short name, the order of lists"),
    Column("search", Text, nullable=False, comment="normalised full and short name"),
    Column("grams", ARRAY(Text), nullable=False, comment="pieces of `search`, see domain/names.py"),
    Column("words", ARRAY(Text), nullable=False, comment="words that tell the name from others"),
    Index("provider_living_inn", "inn", unique=True, postgresql_where=text(f"status IN ({_LIVING})")),
    Index("provider_inn", "inn"),
    Index("provider_order", "name_key", "id"),
    Index("provider_territory", "territory", "name_key", "id"),
    Index("provider_kind", "kind", "name_key", "id"),
    Index("provider_queue", "status", "applied_at", "id"),
    Index("provider_figures", "kind", "territory", "status"),
    Index("provider_grams", "grams", postgresql_using="gin"),
    Index("provider_words", "words", postgresql_using="gin"),
    Index("provider_forms", "forms", postgresql_using="gin"),
)

decision = Table(
    "decision",
    metadata,
    Column("provider_id", UUID(as_uuid=False), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("details", JSONB, nullable=False),
)

batch = Table(
    "batch",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("encoding", Text, nullable=False),
    Column("delimiter", Text, nullable=False),
    Column("columns", JSONB, nullable=False),
    Column("unknown_columns", JSONB, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("started_by", Text, nullable=False),
    Index("batch_started", "started_at", "id"),
)

draft = Table(
    "draft",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("batch_id", UUID(as_uuid=False), nullable=False),
    Column("number", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("raw", JSONB, nullable=False),
    Column("withheld", JSONB, nullable=False),
    Column("taken", JSONB, nullable=False),
    Column("missing", JSONB, nullable=False),
    Column("problems", JSONB, nullable=False),
    Column("duplicates", JSONB, nullable=False),
    Column("head_ref", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("inn", Text, nullable=False),
    Column("words", ARRAY(Text), nullable=False),
    Column("provider_id", UUID(as_uuid=False)),
    Column("dropped_because", Text, nullable=False, server_default=""),
    Index("draft_batch", "batch_id", "number"),
    Index("draft_words", "words", postgresql_using="gin"),
    Index("draft_inn", "inn"),
)

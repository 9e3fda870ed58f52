"""The kernel's own tables, made in every service's schema.

    outbox ──sealer──▶ log ──publisher──▶ bus          reply: answers under their idempotency keys
    subscription, parked: how far this service has read the others      due: commands for later
    document: bytes by hash      counter: numbers for people

`log` is insert-only for every role (no UPDATE, DELETE or TRUNCATE is granted, and a trigger refuses them).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from kernel.aggregate import Aggregate

EVENT_LIMIT = 59_700  # an entry adds about 200 bytes and may have 60,000

KERNEL_TABLES = (
    "outbox",
    "log",
    "log_head",
    "publication",
    "reply",
    "subscription",
    "parked",
    "due",
    "document",
    "counter",
)


def kernel_tables(metadata: MetaData) -> None:
    """Add the kernel's tables to a service's `metadata` (whose `schema` is the service's), once."""
    if f"{metadata.schema}.outbox" in metadata.tables:
        return
    _log_tables(metadata)
    _inbox_tables(metadata)
    Table(
        "reply",
        metadata,
        Column("actor", Text, primary_key=True),
        Column("command", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("input_hash", LargeBinary, nullable=False),
        Column("reply", JSONB, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        Index("reply_at", "at"),
    )
    Table(
        "due",
        metadata,
        Column("id", BigInteger, Identity(always=True, cache=1), primary_key=True),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("command", Text, nullable=False),
        Column("data", JSONB, nullable=False),
        Column("correlation_id", Text, nullable=False),
        Column("causation_id", Text),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("error", Text),
        Column("next_try", DateTime(timezone=True)),
        Index("due_order", "due_at", "id"),
    )
    Table(
        "document",
        metadata,
        Column("hash", Text, primary_key=True),
        Column("media_type", Text, nullable=False),
        Column("content", LargeBinary, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    )
    Table(
        "counter",
        metadata,
        Column("name", Text, primary_key=True),
        Column("value", BigInteger, nullable=False),
    )


def _log_tables(metadata: MetaData) -> None:
    # CACHE 1 keeps the ids in the order of drawing, which together with "outbox last" makes them causal (D2).
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True, cache=1), primary_key=True),
        Column("event_id", UUID(as_uuid=False), nullable=False),
        Column("subject", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("event", LargeBinary, nullable=False),
        CheckConstraint(f"octet_length(event) <= {EVENT_LIMIT}", name="outbox_event_size"),
    )
    Table(
        "log",
        metadata,
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        Column("event_id", UUID(as_uuid=False), nullable=False, unique=True),
        Column("subject", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("entry", LargeBinary, nullable=False),
        CheckConstraint("octet_length(entry) <= 60000", name="log_entry_size"),
        Index("log_subject", "subject", "sequence"),
        Index("log_type", "type", "sequence"),
    )
    Table(
        "log_head",
        metadata,
        Column("one", Boolean, primary_key=True, server_default=text("true")),
        Column("sequence", BigInteger, nullable=False),
        Column("hash", Text, nullable=False),
        Column("sealed_at", Text, nullable=False),
        CheckConstraint("one", name="log_head_one_row"),
    )
    Table(
        "publication",
        metadata,
        Column("one", Boolean, primary_key=True, server_default=text("true")),
        Column("sequence", BigInteger, nullable=False),
        CheckConstraint("one", name="publication_one_row"),
    )


def _inbox_tables(metadata: MetaData) -> None:
    Table(
        "subscription",
        metadata,
        Column("source", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
    )
    Table(
        "parked",
        metadata,
        Column("source", Text, primary_key=True),
        Column("sequence", BigInteger, primary_key=True, autoincrement=False),
        Column("subject", Text, nullable=False),
        Column("entry", LargeBinary, nullable=False),
        Column("error", Text, nullable=False),
        Column("attempts", SmallInteger, nullable=False),
        Column("next_try", DateTime(timezone=True)),
        Index("parked_subject", "source", "subject", "sequence"),
    )


def state_table(aggregate: Aggregate, metadata: MetaData) -> Table:
    """The table of an aggregate's states: one row a stream, the fold of its events."""
    existing = metadata.tables.get(f"{metadata.schema}.{aggregate.table}")
    if existing is not None:
        return existing
    return Table(
        aggregate.table,
        metadata,
        Column("id", UUID(as_uuid=False), primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("state", JSONB, nullable=False),
    )

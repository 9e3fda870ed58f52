"""What the audit service keeps: its own copy of every entry, the tree over them, and the checkpoints it signed."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

metadata = MetaData(schema="audit")

leaf = Table(
    "leaf",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("event_id", UUID(as_uuid=False), nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sealed_at", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    # Who may read it, worked out once from the contract: readable by all when `gate` (if any) has been opened.
    Column("public", Boolean, nullable=False),
    Column("gate", Text),
    Column("parties", ARRAY(Text), nullable=False, server_default="{}"),
    UniqueConstraint("source", "sequence", name="leaf_once"),
    Index("leaf_subject", "subject", "index"),
    Index("leaf_type", "type", "index"),
    Index("leaf_gate", "gate", postgresql_where=text("gate IS NOT NULL")),
)

#: The tree's order with the entries that everybody may read from the moment they are logged: what the open data is made
#: of, by a role that can read nothing else.
OPEN_LEAF = """
CREATE VIEW audit.open_leaf AS
SELECT "index", source, CASE WHEN public AND gate IS NULL THEN entry END AS entry FROM audit.leaf;
ALTER VIEW audit.open_leaf OWNER TO market_owner;
"""
event.listen(leaf, "after_create", DDL(OPEN_LEAF))

gate = Table(
    "gate",
    metadata,
    Column("name", Text, primary_key=True),
    Column("opened_by", BigInteger, nullable=False),
)

node = Table(
    "node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

tree = Table(
    "tree",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("frontier", LargeBinary, nullable=False),
    CheckConstraint("one", name="tree_one_row"),
)

chain = Table(
    "chain",
    metadata,
    Column("source", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("sealed_at", Text, nullable=False),
)

handover = Table(
    "handover",
    metadata,
    Column(
        "number", SmallInteger, primary_key=True, autoincrement=False, comment="1 is the first change of the log's key"
    ),
    Column("note", Text, nullable=False, comment="kernel/log_keys.py: signed by the old key and the new one"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
)

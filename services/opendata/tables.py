"""What is kept of the open data: releases that never change, each process' place among them, the mapping's memory."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="opendata")

#: The feed: positions from 1 without a gap, given in the transaction that makes the rows, one such at a time. `body` is
#: the release as it was made; a tombstone (`body` null) withdraws all earlier releases of its ocid.
release = Table(
    "release",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("ocid", Text, nullable=False),
    Column("release_id", Text, nullable=False, unique=True),
    Column("date", Text, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    Column("body", Text),
    Index("release_process", "ocid", "position"),
)

#: What is published is never changed: not by a mistake of the program either.
IS_FINAL = """
CREATE FUNCTION opendata.refuse_release_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'releases are only added to'; END $$;
CREATE TRIGGER release_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON opendata.release
    FOR EACH STATEMENT EXECUTE FUNCTION opendata.refuse_release_change();
"""
event.listen(release, "after_create", DDL(IS_FINAL))

#: A process that is published: its releases are those from `first` on, made by this version of the mapping.
process = Table(
    "process",
    metadata,
    Column("ocid", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("first", BigInteger, nullable=False),
    Index("process_first", "first", unique=True),
)

#: The mapping's book (mapping/book.py).
memory = Table(
    "memory",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
)

#: How far: the next leaf of the tree, the last position. `version` is the mapping's that made the book; `again_until`
#: is the leaf up to which a new version publishes anew what an older one had published.
progress = Table(
    "progress",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("leaf", BigInteger, nullable=False, server_default=text("0")),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("version", SmallInteger, nullable=False),
    Column("again_until", BigInteger),
    CheckConstraint("one", name="progress_one_row"),
)

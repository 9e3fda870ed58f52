"""What a custodian keeps: its private keys (encrypted, never in the log), and what it has learnt of competitions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID


class Tables:
    """The tables of one custodian: the package runs three times, each time in a schema of its own."""

    def __init__(self, name: str) -> None:
        self.metadata = MetaData(schema=name)
        self.private_key = Table(
            "private_key",
            self.metadata,
            Column("competition_id", UUID(as_uuid=False), primary_key=True),
            Column("encrypted", LargeBinary, nullable=False),
        )
        self.seen_checkpoint = Table(
            "seen_checkpoint",
            self.metadata,
            Column("one", Boolean, primary_key=True, server_default=text("true")),
            Column("size", BigInteger, nullable=False),
            Column("root", LargeBinary, nullable=False),
            CheckConstraint("one", name="seen_checkpoint_one_row"),
        )
        self.competition = Table(
            "competition",
            self.metadata,
            Column("competition_id", UUID(as_uuid=False), primary_key=True),
            Column("deadline", DateTime(timezone=True), nullable=False),
            Column("deadline_event", UUID(as_uuid=False), nullable=False),
            Column("closed_event", UUID(as_uuid=False)),
            Column("standing", Integer),  # lines of the closing's list, which comes in `part`s
            Index("competition_closed", "competition_id", postgresql_where=text("closed_event IS NOT NULL")),
        )
        self.part = Table(
            "part",
            self.metadata,
            Column("competition_id", UUID(as_uuid=False), primary_key=True),
            Column("event_id", UUID(as_uuid=False), primary_key=True),
            Column("lines", Integer, nullable=False),
        )
        self.bid = Table(
            "bid",
            self.metadata,
            Column("bid_id", UUID(as_uuid=False), primary_key=True),
            Column("competition_id", UUID(as_uuid=False), nullable=False),
            Column("bid_version", Integer, nullable=False),
            Column("wrap_12", Text, nullable=False),
            Column("wrap_13", Text, nullable=False),
            Column("wrap_23", Text, nullable=False),
            Column("withdrawn", Boolean, nullable=False),
            Column("standing_version", Integer),
            Index("bid_competition", "competition_id", "bid_id"),
        )
        self.opened = Table(
            "opened",
            self.metadata,
            Column("competition_id", UUID(as_uuid=False), primary_key=True),
            Column("bid_id", UUID(as_uuid=False), primary_key=True),
        )
        self.layer = Table(
            "layer",
            self.metadata,
            Column("bid_id", UUID(as_uuid=False), primary_key=True),
            Column("custodian", Text, primary_key=True),
            Column("competition_id", UUID(as_uuid=False), nullable=False),
            Column("inner", Text, nullable=False),
            Index("layer_competition", "competition_id"),
        )

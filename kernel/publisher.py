"""The publisher (decision D3): hands sealed entries to the bus, in order, at least once.

The cursor row is its lease: whoever holds it publishes, and two publishers could only duplicate. The cursor moves after
the bus has confirmed, so a death in between publishes again and loses nothing. Subscribers skip duplicates and read
gaps from the log itself, so the bus is the fast path and never the truth (D4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Engine

from kernel.failpoints import failpoint

BATCH = 500


class Transport(Protocol):
    """Takes a service's entries to whoever subscribes; returns when they are confirmed, raises when they are not."""

    def publish(self, source: str, entries: Sequence[tuple[int, str, bytes]]) -> None:
        """`entries`: (sequence, type, bytes), ascending."""


class Publisher:
    """Publishes one service's log above its cursor."""

    def __init__(self, service: str, engine: Engine, transport: Transport, batch: int = BATCH) -> None:
        self._service = service
        self._engine = engine
        self._transport = transport
        self._batch = batch

    def publish(self) -> int:
        """Publish one batch; how many entries that was."""
        with self._engine.connect() as connection, connection.begin():
            row = connection.exec_driver_sql("SELECT sequence FROM publication FOR UPDATE SKIP LOCKED").one_or_none()
            if row is None:
                return 0
            entries = connection.exec_driver_sql(
                "SELECT sequence, type, entry FROM log WHERE sequence > %s ORDER BY sequence LIMIT %s",
                (row[0], self._batch),
            ).all()
            if not entries:
                return 0
            failpoint("publisher.before_publish")
            self._transport.publish(self._service, [(e[0], e[1], bytes(e[2])) for e in entries])
            failpoint("publisher.published")
            connection.exec_driver_sql("UPDATE publication SET sequence = %s", (entries[-1][0],))
        return len(entries)

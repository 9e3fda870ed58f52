"""The publisher (decision D3): hands sealed entries to the bus, in order, at least once.

The cursor row is its lease: whoever holds it publishes, and two publishers could only duplicate. The cursor moves after
the bus has confirmed, so a death in between publishes again and loses nothing. Subscribers skip duplicates and read
gaps from the log itself, so the bus is the fast path and never the truth (D4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from kernel.failpoints import failpoint
from kernel.metrics import PUBLISHED
from kernel.pipeline import COMMIT, run

BATCH = 500
# A bus may take its time to confirm; the lease isn't taken away meanwhile, as nothing but publishing waits for it.
LEASE_MS = 30_000


class Sealed(NamedTuple):
    """An entry on its way to the bus."""

    sequence: int
    type: str
    entry: bytes
    event_id: str


class Transport(Protocol):
    """Takes a service's entries to whoever subscribes; returns when they are confirmed, raises when they are not."""

    def publish(self, source: str, entries: Sequence[Sealed]) -> None:
        """`entries` are ascending. Ends within the lease."""


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
            _, lease = run(
                connection,
                [
                    (f"SET LOCAL idle_in_transaction_session_timeout = {LEASE_MS}", ()),
                    ("SELECT sequence FROM publication FOR UPDATE SKIP LOCKED", ()),
                ],
            )
            if not lease:
                return 0
            entries = connection.exec_driver_sql(
                "SELECT sequence, type, entry, event_id::text FROM log WHERE sequence > %s ORDER BY sequence LIMIT %s",
                (lease[0][0], self._batch),
            ).all()
            if not entries:
                return 0
            self._transport.publish(self._service, [Sealed(e[0], e[1], bytes(e[2]), e[3]) for e in entries])
            failpoint("publisher.published")
            run(connection, [("UPDATE publication SET sequence = %s", (entries[-1][0],)), COMMIT])
        PUBLISHED.labels(self._service).inc(len(entries))
        return len(entries)

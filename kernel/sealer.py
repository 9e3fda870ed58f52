"""The sealer (decision D3): gives the order, the numbers and the chain to what has been committed.

Per service, in one transaction: take the head row or leave (`SKIP LOCKED`: that row is election, fence and failover
in one), read the outbox in the order of ids, make entries with a gap-free `sequence` and `prevhash`, move them to
`log`. A sealer that dies leaves nothing half done; one that freezes loses the row to the idle limit after 2 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine

from kernel.chain import Link, next_entry
from kernel.clock import Clock
from kernel.failpoints import failpoint
from kernel.instants import to_text
from kernel.metrics import SEALED

BATCH = 500


class Sealer:
    """Seals one service's outbox. Any number may run beside each other."""

    def __init__(self, service: str, engine: Engine, clock: Clock, batch: int = BATCH) -> None:
        self._service = service
        self._engine = engine
        self._clock = clock
        self._batch = batch

    def seal(self) -> int:
        """Seal one batch; how many entries that was (0 also when another sealer holds the head)."""
        with self._engine.connect() as connection, connection.begin():
            sealed = self._seal(connection)
            if sealed:
                failpoint("sealer.before_commit")
        if sealed:
            failpoint("sealer.committed")
        if sealed:
            SEALED.labels(self._service).inc(sealed)
        return sealed

    def _seal(self, connection: Connection) -> int:
        head = connection.exec_driver_sql(
            "SELECT sequence, hash, sealed_at FROM log_head FOR UPDATE SKIP LOCKED"
        ).one_or_none()
        if head is None:
            return 0
        failpoint("sealer.locked")
        # A new statement, so that its snapshot is younger than the lock.
        rows = connection.exec_driver_sql(
            "SELECT id, event_id, subject, type, event FROM outbox ORDER BY id LIMIT %s", (self._batch,)
        ).all()
        if not rows:
            return 0
        sequence, last_hash, last_sealed_at = head
        sealed_at = max(to_text(self._clock.now(connection)), last_sealed_at)
        entries, sequences, link = _chain(rows, Link(sequence, last_hash, last_sealed_at), sealed_at)
        connection.exec_driver_sql(
            """
            INSERT INTO log (sequence, event_id, subject, type, entry)
            SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::bytea[])
            """,
            (sequences, [r[1] for r in rows], [r[2] for r in rows], [r[3] for r in rows], entries),
        )
        connection.exec_driver_sql("DELETE FROM outbox WHERE id = ANY(%s)", ([r[0] for r in rows],))
        connection.exec_driver_sql(
            "UPDATE log_head SET sequence = %s, hash = %s, sealed_at = %s",
            (link.sequence, link.hash, sealed_at),
        )
        return len(rows)


def _chain(rows: Sequence[Any], link: Link, sealed_at: str) -> tuple[list[bytes], list[int], Link]:
    entries: list[bytes] = []
    sequences: list[int] = []
    for row in rows:
        entry, link = next_entry(link, bytes(row[4]), sealed_at)
        entries.append(entry)
        sequences.append(link.sequence)
    return entries, sequences, link

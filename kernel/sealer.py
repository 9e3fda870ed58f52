"""The sealer (decision D3): gives the order, the numbers and the chain to what has been committed.

Per service, in one transaction: take the head row or leave (`SKIP LOCKED`: that row is election, fence and failover
in one), read the outbox in the order of ids, make entries with a gap-free `sequence` and `prevhash`, move them to
`log`. A sealer that dies leaves nothing half done; one that freezes loses the row to the idle limit after 2 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine

from kernel.chain import Link, next_entry
from kernel.clock import Clock
from kernel.failpoints import failpoint
from kernel.instants import to_text
from kernel.metrics import SEALED
from kernel.pipeline import COMMIT, run

BATCH = 500
_HEAD = "SELECT sequence, hash, sealed_at FROM log_head FOR UPDATE SKIP LOCKED"
_OUTBOX = "SELECT id, event_id, subject, type, event FROM outbox ORDER BY id LIMIT %s"
_LOG = """
INSERT INTO log (sequence, event_id, subject, type, entry)
SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::bytea[])
"""


class Sealer:
    """Seals one service's outbox. Any number may run beside each other."""

    def __init__(self, service: str, engine: Engine, clock: Clock, batch: int = BATCH) -> None:
        self._service = service
        self._engine = engine
        self._clock = clock
        self._batch = batch

    def seal(self) -> int:
        """Seal one batch; how many entries that was (0 also when another sealer holds the head)."""
        with self._engine.connect() as connection:  # leaving it rolls back whatever wasn't committed
            # The outbox is read by a statement of its own, so that its snapshot is younger than the lock.
            head, rows = run(connection, [(_HEAD, ()), (_OUTBOX, (self._batch,))])
            if not head:
                return 0
            failpoint("sealer.locked")
            if not rows:
                return 0
            link = Link(*head[0])
            entries, sequences, last = _chain(rows, link, max(to_text(self._clock.now(connection)), link.sealedat))
            ids, event_ids, subjects, types, _ = map(list, zip(*rows, strict=True))
            run(
                connection,
                [
                    (_LOG, (sequences, event_ids, subjects, types, entries)),
                    ("DELETE FROM outbox WHERE id = ANY(%s)", (ids,)),
                    ("UPDATE log_head SET sequence = %s, hash = %s, sealed_at = %s", tuple(last)),
                    COMMIT,
                ],
            )
        SEALED.labels(self._service).inc(len(rows))
        return len(rows)


def _chain(rows: Sequence[Any], link: Link, sealed_at: str) -> tuple[list[bytes], list[int], Link]:
    entries: list[bytes] = []
    sequences: list[int] = []
    for row in rows:
        entry, link = next_entry(link, bytes(row[4]), sealed_at)
        entries.append(entry)
        sequences.append(link.sequence)
    return entries, sequences, link

"""Taking entries: every entry of every service exactly once, in its own bytes, as a leaf of one tree.

The audit service doesn't interpret what it takes. It checks that each source's chain goes on where it stood and that
no number is missing, because a tree over a broken history would give it a dignity that it doesn't deserve: the source
then waits, loudly, and the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from kernel.chain import NO_HASH, ChainError, Link, take_apart, verify_chain
from kernel.merkle import CompactRange, leaf_hash
from kernel.metrics import CHAIN_BREAKS
from kernel.pipeline import Batch, run
from services.audit.readers import Readers

Numbered = tuple[int, bytes]


def deposit_with(readers: Readers) -> Any:
    """The deposit function of `kernel.service.Deposit`, with the contracts' readers."""

    def take(connection: Connection, source: str, entries: Sequence[Numbered]) -> None:
        bodies = [body for _, body in entries]
        # The tree's row serialises all sources; the chain's row is this source's own.
        _, chain, tree = run(
            connection,
            [
                ("INSERT INTO tree (frontier) VALUES (%s) ON CONFLICT DO NOTHING", (CompactRange().to_bytes(),)),
                ("SELECT sequence, hash, sealed_at FROM chain WHERE source = %s FOR UPDATE", (source,)),
                ("SELECT frontier FROM tree FOR UPDATE", ()),
            ],
        )
        batch = Batch(connection)
        try:
            link = verify_chain(bodies, Link(*chain[0]) if chain else Link(0, NO_HASH, ""))
        except ChainError:
            CHAIN_BREAKS.labels(source).inc()
            raise
        batch.add(_ADVANCE, (source, *link))
        first = _grow_tree(batch, bytes(tree[0][0]), bodies)
        _keep_leaves(batch, readers, source, entries, first)
        batch.flush()

    return take


_ADVANCE = (
    "INSERT INTO chain (source, sequence, hash, sealed_at) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, "
    "sealed_at = excluded.sealed_at"
)


def _grow_tree(batch: Batch, stored: bytes, bodies: Sequence[bytes]) -> int:
    """Add the leaves; the index of the first."""
    frontier = CompactRange.from_bytes(stored)
    first = frontier.size
    added: list[tuple[int, int, bytes]] = []
    frontier.extend((leaf_hash(body) for body in bodies), added)
    levels, indexes, hashes = map(list, zip(*added, strict=True))
    batch.add(
        'INSERT INTO node (level, "index", hash) SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])',
        (levels, indexes, hashes),
    )
    batch.add("UPDATE tree SET frontier = %s", (frontier.to_bytes(),))
    return first


def _keep_leaves(batch: Batch, readers: Readers, source: str, entries: Sequence[Numbered], first: int) -> None:
    for index, (sequence, body) in enumerate(entries, first):
        parts = take_apart(body)
        event = orjson.loads(parts.event)
        reading = readers.reading(event["type"], event["data"])
        batch.add(
            'INSERT INTO leaf ("index", source, sequence, event_id, type, subject, sealed_at, entry, public, gate, '
            "parties) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                index, source, sequence, event["id"], event["type"], event["subject"], parts.sealedat, body,
                reading.public, reading.gate, list(reading.parties),
            ),
        )  # fmt: skip
        gate = readers.opens(event["type"].split(".")[2], event["subject"].split("/", 1)[1])
        if gate:
            batch.add("INSERT INTO gate (name, opened_by) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", (gate, index))

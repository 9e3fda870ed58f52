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

from kernel.chain import NO_HASH, Link, take_apart, verify_chain
from kernel.merkle import CompactRange, leaf_hash
from services.audit.readers import Readers

Numbered = tuple[int, bytes]


def deposit_with(readers: Readers) -> Any:
    """The deposit function of `kernel.service.Deposit`, with the contracts' readers."""

    def take(connection: Connection, source: str, entries: Sequence[Numbered]) -> None:
        bodies = [body for _, body in entries]
        _advance_chain(connection, source, bodies)
        first = _grow_tree(connection, bodies)
        _keep_leaves(connection, readers, source, entries, first)

    return take


def _advance_chain(connection: Connection, source: str, bodies: Sequence[bytes]) -> None:
    row = connection.exec_driver_sql(
        "SELECT sequence, hash, sealed_at FROM chain WHERE source = %s FOR UPDATE", (source,)
    ).one_or_none()
    link = verify_chain(bodies, Link(*row) if row else Link(0, NO_HASH, ""))
    connection.exec_driver_sql(
        "INSERT INTO chain (source, sequence, hash, sealed_at) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, "
        "sealed_at = excluded.sealed_at",
        (source, *link),
    )


def _grow_tree(connection: Connection, bodies: Sequence[bytes]) -> int:
    """Add the leaves; the index of the first. The tree's row serialises all sources."""
    connection.exec_driver_sql(
        "INSERT INTO tree (frontier) VALUES (%s) ON CONFLICT DO NOTHING", (CompactRange().to_bytes(),)
    )
    stored = connection.exec_driver_sql("SELECT frontier FROM tree FOR UPDATE").scalar_one()
    frontier = CompactRange.from_bytes(bytes(stored))
    first = frontier.size
    added: list[tuple[int, int, bytes]] = []
    frontier.extend((leaf_hash(body) for body in bodies), added)
    levels, indexes, hashes = map(list, zip(*added, strict=True))
    connection.exec_driver_sql(
        'INSERT INTO node (level, "index", hash) SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])',
        (levels, indexes, hashes),
    )
    connection.exec_driver_sql("UPDATE tree SET frontier = %s", (frontier.to_bytes(),))
    return first


def _keep_leaves(
    connection: Connection, readers: Readers, source: str, entries: Sequence[Numbered], first: int
) -> None:
    rows: list[tuple[Any, ...]] = []
    gates: list[tuple[str, int]] = []
    for offset, (sequence, body) in enumerate(entries):
        parts = take_apart(body)
        event = orjson.loads(parts.event)
        reading = readers.reading(event["type"], event["data"])
        index = first + offset
        rows.append(
            (index, source, sequence, event["id"], event["type"], event["subject"], parts.sealedat, body,
             reading.public, reading.gate, list(reading.parties))
        )  # fmt: skip
        gate = readers.opens(event["type"].split(".")[2], event["subject"].split("/", 1)[1])
        if gate:
            gates.append((gate, index))
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.executemany(
            'INSERT INTO leaf ("index", source, sequence, event_id, type, subject, sealed_at, entry, public, gate, '
            "parties) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
        if gates:
            cursor.executemany(
                "INSERT INTO gate (name, opened_by) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", gates
            )

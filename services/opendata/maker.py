"""Making releases: reads the audit service's leaves in the tree's order, folds them, appends to the feed.

The tree's order is one for all services and never changes, so the feed is the same whoever makes it and whenever. One
row is election, fence and progress: whoever holds it makes the next page, in the transaction that moves it on.

A new version of the mapping begins again at the first leaf. What is published stays where it is; before a process gets
its first release of the new version, a tombstone withdraws the old ones. In the end a tombstone withdraws each process
that the new version has nothing to say about.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from kernel.chain import take_apart
from kernel.host import Host
from kernel.instants import to_text
from kernel.metrics import SUBSCRIPTION_LAG
from kernel.store import entry_of
from services.opendata.fold import Fold, Release
from services.opendata.mapping import MAPPING, VERSION
from services.opendata.mapping.book import Json, Map
from services.opendata.rules import Rules

EVERY_S = 0.2
PAGE = 200


class BookInTables:
    """The book of one transaction: read when asked for, written at its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._values: dict[tuple[str, str], Json | None] = {}
        self._written: set[tuple[str, str]] = set()

    def get(self, kind: str, id: str) -> Json | None:
        if (kind, id) not in self._values:
            self._values[kind, id] = self._connection.exec_driver_sql(
                "SELECT value FROM memory WHERE kind = %s AND id = %s", (kind, id)
            ).scalar_one_or_none()
        return self._values[kind, id]

    def put(self, kind: str, id: str, value: Json) -> None:
        self._values[kind, id] = value
        self._written.add((kind, id))

    def close(self) -> None:
        """Write what was put."""
        rows = [(kind, id, orjson.dumps(self._values[kind, id]).decode()) for kind, id in sorted(self._written)]
        if rows:
            self._connection.exec_driver_sql(
                "INSERT INTO memory (kind, id, value) "
                "SELECT * FROM unnest(%s::text[], %s::text[], %s::jsonb[]) "
                "ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value",
                tuple(map(list, zip(*rows, strict=True))),
            )


class ReleaseMaker:
    """A duty: makes releases of what is new in the tree."""

    __name__ = "releases"

    def __init__(self, version: int = VERSION, mapping: Mapping[tuple[str, str], Map] = MAPPING) -> None:
        self._version = version
        self._mapping = mapping
        self._looked = 0.0

    def __call__(self, host: Host) -> bool:
        if time.monotonic() - self._looked < EVERY_S:
            return False
        if self.make(host):
            return True
        self._looked = time.monotonic()
        return False

    def make(self, host: Host, patiently: bool = False) -> bool:
        """Take one page of leaves; whether there was any. Where another process is at it there is none for this one,

        unless it waits `patiently`.
        """
        with host.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO progress (version) VALUES (%s) ON CONFLICT DO NOTHING", (self._version,)
            )
            row = connection.exec_driver_sql(
                "SELECT leaf, position, version, again_until FROM progress FOR UPDATE"
                + ("" if patiently else " SKIP LOCKED")
            ).one_or_none()
            if row is None:
                return False
            page = _Page(connection, host.rules, self._version, self._mapping, *row)
            return page.take(to_text(host.clock.now(connection)))


class _Page:
    """One transaction's work."""

    def __init__(
        self,
        connection: Connection,
        rules: Rules,
        version: int,
        mapping: Mapping[tuple[str, str], Map],
        leaf: int,
        position: int,
        made_by: int,
        again_until: int | None,
    ) -> None:
        self._connection = connection
        self._version = version
        self._leaf, self._position, self._again_until = leaf, position, again_until
        self._rows: list[tuple[Any, ...]] = []
        self._known: dict[str, int | None] = {}
        if made_by > version:
            raise WrongVersion(f"releases were made by version {made_by} of the mapping; this program has {version}")
        if made_by < version:
            self._begin_again()
        self._book = BookInTables(connection)
        self._fold = Fold(self._book, rules, version, mapping)

    def take(self, now: str) -> bool:
        """Fold the next leaves; whether there were any."""
        # Leaves are committed in their order (the tree's row serialises them), so none below the last is missing.
        last = self._connection.exec_driver_sql('SELECT coalesce(max("index"), -1) FROM audit.open_leaf').scalar_one()
        ending = min(last + 1, self._leaf + PAGE)
        found = self._connection.exec_driver_sql(
            'SELECT "index", source, entry FROM audit.open_leaf '
            'WHERE "index" >= %s AND "index" < %s AND entry IS NOT NULL ORDER BY "index"',
            (self._leaf, ending),
        ).all()
        for index, source, body in found:
            parts = take_apart(bytes(body))
            for made in self._fold.take(entry_of(source, orjson.loads(parts.event)), parts.sealedat):
                self._append(made, index)
        took: bool = ending > self._leaf
        self._leaf = ending
        # As a subscription's lag is told, so that one alarm watches both: the tree is what is followed here.
        SUBSCRIPTION_LAG.labels("opendata", "audit").set(last + 1 - ending)
        if self._again_until is not None and self._leaf >= self._again_until:
            self._withdraw_the_rest(now)
        self._write()
        return took

    def _begin_again(self) -> None:
        """A new version reads from the first leaf with an empty book."""
        self._connection.exec_driver_sql("DELETE FROM memory")
        self._again_until = max(self._leaf, self._again_until or 0)
        self._leaf = 0

    def _append(self, made: Release, leaf: int) -> None:
        version = self._version_of(made.ocid)
        if version != self._version:
            if version is not None:
                self._tombstone(made.ocid, made.date, leaf)
            self._connection.exec_driver_sql(
                'INSERT INTO process (ocid, version, "first") VALUES (%s, %s, %s) ON CONFLICT (ocid) DO UPDATE '
                'SET version = excluded.version, "first" = excluded."first"',
                (made.ocid, self._version, self._position + 1),
            )
            self._known[made.ocid] = self._version
        self._row(made.ocid, made.id, made.date, leaf, orjson.dumps(made.body).decode())

    def _tombstone(self, ocid: str, date: str, leaf: int) -> None:
        self._row(ocid, f"{ocid}-withdrawn-{self._position + 1}", date, leaf, None)

    def _row(self, *row: Any) -> None:
        self._position += 1
        self._rows.append((self._position, *row))

    def _version_of(self, ocid: str) -> int | None:
        if ocid not in self._known:
            self._known[ocid] = self._connection.exec_driver_sql(
                "SELECT version FROM process WHERE ocid = %s", (ocid,)
            ).scalar_one_or_none()
        return self._known[ocid]

    def _withdraw_the_rest(self, now: str) -> None:
        gone = self._connection.exec_driver_sql(
            "DELETE FROM process WHERE version < %s RETURNING ocid", (self._version,)
        ).scalars()
        for ocid in sorted(gone):
            self._tombstone(ocid, now, self._leaf)
        self._again_until = None

    def _write(self) -> None:
        if self._rows:
            self._connection.exec_driver_sql(
                "INSERT INTO release (position, ocid, release_id, date, leaf, body) SELECT * FROM "
                "unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[])",
                tuple(map(list, zip(*self._rows, strict=True))),
            )
        self._book.close()
        self._connection.exec_driver_sql(
            "UPDATE progress SET leaf = %s, position = %s, version = %s, again_until = %s",
            (self._leaf, self._position, self._version, self._again_until),
        )


class WrongVersion(Exception):
    """An older program than the one that made the releases: it would publish them back."""

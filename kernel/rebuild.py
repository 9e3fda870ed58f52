"""Rebuilding read tables from the logs while commands go on (decision D4).

Shadow tables are filled from the logs without any lock. For the swap the exclusive form of a lock is taken that every
command and subscription holds shared: what is under way ends, nothing new begins, the events that came meanwhile are
applied (unsealed ones too), the tables are renamed, and work goes on. Run as the schema's owner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Table

from kernel.chain import event_bytes
from kernel.database import lock_key, role_of
from kernel.pipeline import Batch
from kernel.projection import Projection
from kernel.rows import SqlRows
from kernel.service import Service
from kernel.store import entry_of

PAGE = 1_000
SUFFIX = "_rebuilt"
Progress = Callable[[str, int, int], None]


class Rebuild:
    """One rebuild of some projections of a service."""

    def __init__(self, service: Service, engine: Engine, projections: Sequence[Projection]) -> None:
        self._service = service
        self._engine = engine
        self._projections = projections
        self._tables = [table for projection in projections for table in projection.tables]
        self._rename = {table.name: table.name + SUFFIX for table in self._tables}
        self._sources = sorted({source for p in projections for source, _ in p.handlers})
        self._passed: dict[str, int] = {}
        self._left_out: set[tuple[str, int]] = set()

    def run(self, progress: Progress = lambda source, done, total: None) -> int:
        """Rebuild and swap; how many entries were read. Raises what PostgreSQL raises, leaving the old tables."""
        while True:
            self._make_shadows()
            for source in self._sources:
                self._fill(source, progress)
            if self._swap():
                return sum(self._passed.values())

    def _make_shadows(self) -> None:
        self._passed = dict.fromkeys(self._sources, 0)
        self._left_out = set()
        with self._engine.begin() as connection:
            for table in self._tables:
                name = f'"{table.schema}"."{self._rename[table.name]}"'
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
                connection.exec_driver_sql(f'CREATE TABLE {name} (LIKE "{table.schema}"."{table.name}" INCLUDING ALL)')

    def _limit(self, connection: Connection, source: str) -> int:
        """How far the live tables have applied a source: its whole log for own events, else the checkpoint."""
        if source == self._service.name:
            sql = f'SELECT sequence FROM "{source}".log_head'
        else:
            sql = f"SELECT sequence FROM \"{self._service.name}\".subscription WHERE source = '{source}'"
        return int(connection.exec_driver_sql(sql).scalar_one())

    def _fill(self, source: str, progress: Progress) -> None:
        while True:
            with self._engine.begin() as connection:
                limit = self._limit(connection, source)
                if not self._page(connection, source, limit):
                    return
            progress(source, self._passed[source], limit)

    def _page(self, connection: Connection, source: str, limit: int) -> int:
        rows = connection.exec_driver_sql(
            f"SELECT sequence, entry, EXISTS "
            f'(SELECT 1 FROM "{self._service.name}".parked p WHERE p.source = %s AND p.sequence = l.sequence) '
            f'FROM "{source}".log l WHERE sequence > %s AND sequence <= %s ORDER BY sequence LIMIT {PAGE}',
            (source, self._passed[source], limit),
        ).all()
        self._left_out |= {(source, sequence) for sequence, _, parked in rows if parked}
        self._apply(connection, source, (event_bytes(bytes(entry)) for _, entry, parked in rows if not parked))
        self._passed[source] = rows[-1][0] if rows else self._passed[source]
        return len(rows)

    def _apply(self, connection: Connection, source: str, events: Iterable[bytes]) -> None:
        batch = Batch(connection)
        rows = SqlRows(batch, self._rename)
        for body in events:
            event: Any = orjson.loads(body)
            entry = entry_of(source, event)
            for projection in self._projections:
                projection.apply(rows, entry)
        batch.flush()

    def _swap(self) -> bool:
        """Whether the shadows took the tables' places; else they must be filled anew."""
        name = self._service.name
        with self._engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (lock_key("rebuild", name),))
            parked = connection.exec_driver_sql(f'SELECT source, sequence FROM "{name}".parked').all()
            if self._left_out - {(source, sequence) for source, sequence in parked}:
                return False  # a stream that waited went on meanwhile: later events of it may be in the shadows already
            # A sealer between the two looks would move an event out of the outbox into a log that was read already.
            connection.exec_driver_sql(f'SELECT sequence FROM "{name}".log_head FOR UPDATE')
            for source in self._sources:
                while self._page(connection, source, self._limit(connection, source)):
                    pass
            if name in self._sources:
                unsealed = connection.exec_driver_sql(f'SELECT event FROM "{name}".outbox ORDER BY id').scalars()
                self._apply(connection, name, (bytes(event) for event in unsealed.all()))
            for table in self._tables:
                _replace(connection, table, self._rename[table.name], role_of(name))
        return True


def _replace(connection: Connection, table: Table, shadow: str, role: str) -> None:
    """Put the shadow in the table's place under the table's own names, owner and rights."""
    schema = table.schema
    grants = connection.exec_driver_sql(
        "SELECT DISTINCT grantee, privilege_type FROM information_schema.role_table_grants "
        "WHERE table_schema = %s AND table_name = %s",
        (schema, table.name),
    ).all()
    owner = connection.exec_driver_sql(
        "SELECT tableowner FROM pg_tables WHERE schemaname = %s AND tablename = %s", (schema, table.name)
    ).scalar_one()
    names = _index_names(connection, schema or "", table.name)
    rebuilt = _index_names(connection, schema or "", shadow)
    connection.exec_driver_sql(f'DROP TABLE "{schema}"."{table.name}"')
    connection.exec_driver_sql(f'ALTER TABLE "{schema}"."{shadow}" RENAME TO "{table.name}"')
    for definition, old in rebuilt.items():
        if definition in names and names[definition] != old:
            connection.exec_driver_sql(f'ALTER INDEX "{schema}"."{old}" RENAME TO "{names[definition]}"')
    connection.exec_driver_sql(f'ALTER TABLE "{schema}"."{table.name}" OWNER TO "{owner}"')
    for grantee, right in grants:
        connection.exec_driver_sql(f'GRANT {right} ON "{schema}"."{table.name}" TO "{grantee}"')


def _index_names(connection: Connection, schema: str, table: str) -> dict[str, str]:
    """{what an index is, without names: its name}; constraints follow their indexes' names."""
    rows = connection.exec_driver_sql(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s AND tablename = %s", (schema, table)
    ).all()
    return {definition.split(" USING ", 1)[1] + str("UNIQUE" in definition): name for name, definition in rows}


def projections_of(service: Service, tables: Sequence[str]) -> list[Projection]:
    """The projections that fill `tables` (all without names). KeyError names a table that the service hasn't."""
    known = {table.name: p for p in service.projections for table in p.tables}
    missing = [name for name in tables if name not in known]
    if missing:
        raise KeyError(f"{service.name} has no read table {', '.join(missing)}; it has {', '.join(sorted(known))}")
    chosen = [known[name] for name in tables] if tables else list(service.projections)
    return list(dict.fromkeys(chosen))

"""The live system beside the log: every state and read table, row by row, field by field.

All of a service is read in one REPEATABLE READ snapshot: its tables, the events that still wait for the sealer, and how
far each subscription has read. So the comparison is exact while the system works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Table, create_engine

from app.replay.fold import Difference, Fold, Numbered, plain
from kernel.chain import ChainError, Link, verify_chain
from kernel.database import admin_url
from kernel.rows import row_key
from kernel.service import Service

PAGE = 2_000
SecretCheck = Callable[[Connection], list[str]]


@dataclass
class Standing:
    """Where the live system stands in the snapshot."""

    heads: dict[str, int] = field(default_factory=dict)
    unsealed: dict[str, list[bytes]] = field(default_factory=dict)
    limits: dict[tuple[str, str], int] = field(default_factory=dict)
    parked: set[tuple[str, str, int]] = field(default_factory=set)


class Live:
    """A snapshot of the live database, taken when it is opened and dropped when it is closed."""

    def __init__(self, url: str, services: Sequence[Service]) -> None:
        self._engine: Engine = create_engine(admin_url(url), isolation_level="REPEATABLE READ", pool_size=1)
        self._services = services
        self.connection = self._engine.connect()
        self.connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        self.connection.exec_driver_sql("SET LOCAL timezone = 'UTC'")
        self.standing = self._look()

    def close(self) -> None:
        self.connection.close()
        self._engine.dispose()

    def _look(self) -> Standing:
        found = Standing()
        for service in self._services:
            name = service.name
            run = self.connection.exec_driver_sql
            found.heads[name] = run(f"SELECT sequence FROM {name}.log_head").scalar_one()
            found.unsealed[name] = [bytes(r) for r in run(f"SELECT event FROM {name}.outbox ORDER BY id").scalars()]
            for source, sequence in run(f"SELECT source, sequence FROM {name}.subscription"):
                found.limits[name, source] = sequence
            for source, sequence in run(f"SELECT source, sequence FROM {name}.parked"):
                found.parked.add((name, source, sequence))
        return found

    def entries_after(self, source: str, sequence: int) -> Iterator[Numbered]:
        """The live log above `sequence`, in pages."""
        while True:
            rows = self.connection.exec_driver_sql(
                f"SELECT sequence, entry FROM {source}.log WHERE sequence > %s ORDER BY sequence LIMIT {PAGE}",
                (sequence,),
            ).all()
            if not rows:
                return
            for number, entry in rows:
                yield number, bytes(entry)
            sequence = rows[-1][0]

    def continues(self, source: str, link: Link) -> Link:
        """The end of the live log, verified to go on from where the bundle ended. Raises ChainError."""
        if self.standing.heads[source] < link.sequence:
            raise ChainError(
                link.sequence, f"the bundle has {link.sequence} entries, the live log {self.standing.heads[source]}"
            )
        return verify_chain((entry for _, entry in self.entries_after(source, link.sequence)), link)

    def compare(self, fold: Fold, only: str | None = None) -> Iterator[Difference]:
        """Everything in which the live tables (or the one named `only`, `schema.table`) differ from the fold."""
        for service in self._services:
            for aggregate in service.aggregates:
                if only in (None, f"{service.name}.{aggregate.table}"):
                    yield from self._compare_states(service, aggregate.name, fold)
            for table in service.read_tables():
                if only in (None, table.fullname):
                    yield from self._compare_table(table, fold)

    def _compare_states(self, service: Service, name: str, fold: Fold) -> Iterator[Difference]:
        aggregate = next(a for a in service.aggregates if a.name == name)
        label = f"{service.name}.{aggregate.table}"
        expected = fold.states[service.name, name]
        seen = set()
        rows = self.connection.execution_options(stream_results=True, max_row_buffer=1000).exec_driver_sql(
            f"SELECT id::text, version, state FROM {service.name}.{aggregate.table}"
        )
        for key, version, state in rows:
            seen.add(key)
            if key not in expected:
                yield Difference(label, key, "(row)", None, "a row that no event made")
                continue
            if expected[key][0] != version:
                yield Difference(label, key, "version", expected[key][0], version)
            yield from differences(label, key, "state", plain_state(aggregate, expected[key][1]), state)
        for key in sorted(set(expected) - seen):
            yield Difference(label, key, "(row)", "a row", "no row")

    def _compare_table(self, table: Table, fold: Fold) -> Iterator[Difference]:
        label = table.fullname
        names = [c.name for c in table.columns if c.computed is None]
        expected = fold.rows.tables.get(label, {})
        plain_expected = {_key(key): row for key, row in expected.items()}
        seen = set()
        columns = ", ".join(f'"{n}"' for n in names)
        rows = self.connection.execution_options(stream_results=True, max_row_buffer=1000).exec_driver_sql(
            f'SELECT {columns} FROM "{table.schema}"."{table.name}"'
        )
        for row in rows.mappings():
            key = _key(row_key(table, dict(row)))
            seen.add(key)
            if key not in plain_expected:
                yield Difference(label, key, "(row)", None, "a row that no event made")
                continue
            for name in names:
                yield from differences(label, key, name, plain(plain_expected[key].get(name)), plain(row[name]))
        for key in sorted(set(plain_expected) - seen):
            yield Difference(label, key, "(row)", "a row", "no row")


def plain_state(aggregate: Any, state: Any) -> Any:
    """A state as it stands in its row."""
    return orjson.loads(aggregate.dump(state))


def differences(label: str, key: str, path: str, expected: Any, found: Any) -> Iterator[Difference]:
    """The places in which two JSON values differ, each with its path."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(expected.keys() | found.keys()):
            yield from differences(label, key, f"{path}.{name}", expected.get(name), found.get(name))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (a, b) in enumerate(zip(expected, found, strict=True)):
            yield from differences(label, key, f"{path}[{index}]", a, b)
    elif expected != found or isinstance(expected, bool) != isinstance(found, bool):
        yield Difference(label, key, path, expected, found)


def _key(key: tuple[Any, ...]) -> str:
    return " / ".join(str(plain(part)) for part in key)

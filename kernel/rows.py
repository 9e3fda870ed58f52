"""Rows of read tables, written the same way into PostgreSQL and into memory.

Projections are written once against `Rows`; the store runs them in the command's transaction, a rebuild runs them
into shadow tables, and an auditor's replay runs them into a dictionary with no database at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import JSONB

Row = dict[str, Any]


class Rows(Protocol):
    """What a projection may do. Keys and values are given by column name; a key is the whole primary key."""

    def insert(self, table: Table, **values: Any) -> None:
        """A new row; that it exists already is an error of the projection."""

    def put(self, table: Table, key: Mapping[str, Any], **values: Any) -> None:
        """The row of `key` has these values, whether or not it existed (other columns stay)."""

    def change(self, table: Table, key: Mapping[str, Any], **values: Any) -> None:
        """Set columns of an existing row; nothing happens where there is none."""

    def add(self, table: Table, key: Mapping[str, Any], **amounts: int) -> None:
        """Add to integer columns of the row of `key`, made with zeros if it is new. Commutes."""

    def delete(self, table: Table, key: Mapping[str, Any]) -> None: ...

    def get(self, table: Table, key: Mapping[str, Any]) -> Row | None: ...


class SqlRows:
    """Rows in PostgreSQL, in the caller's transaction. `rename` sends a table's rows to its shadow in a rebuild."""

    def __init__(self, connection: Connection, rename: Mapping[str, str] | None = None) -> None:
        self._connection = connection
        self._rename = rename or {}

    def _name(self, table: Table) -> str:
        name = self._rename.get(table.name, table.name)
        return f'"{table.schema}"."{name}"'

    def _run(self, sql: str, values: tuple[Any, ...]) -> Any:
        return self._connection.exec_driver_sql(sql, values)

    def insert(self, table: Table, **values: Any) -> None:
        self._run(_insert(self._name(table), tuple(values)), _params(table, values))

    def put(self, table: Table, key: Mapping[str, Any], **values: Any) -> None:
        sql = _put(self._name(table), tuple(key), tuple(values))
        self._run(sql, _params(table, {**key, **values}))

    def change(self, table: Table, key: Mapping[str, Any], **values: Any) -> None:
        sql = _change(self._name(table), tuple(key), tuple(values))
        self._run(sql, _params(table, values) + _params(table, key))

    def add(self, table: Table, key: Mapping[str, Any], **amounts: int) -> None:
        # An upsert checks the row that it proposes, not the sum: a floor would refuse every negative amount.
        changed = self._run(
            _increase(self._name(table), tuple(key), tuple(amounts)), tuple(amounts.values()) + _params(table, key)
        )
        if changed.rowcount == 0:
            sql = _add(self._name(table), table.name, tuple(key), tuple(amounts))
            self._run(sql, _params(table, key) + tuple(amounts.values()))

    def delete(self, table: Table, key: Mapping[str, Any]) -> None:
        self._run(f"DELETE FROM {self._name(table)} WHERE {_where(tuple(key))}", _params(table, key))

    def get(self, table: Table, key: Mapping[str, Any]) -> Row | None:
        sql = f"SELECT * FROM {self._name(table)} WHERE {_where(tuple(key))}"
        row = self._run(sql, _params(table, key)).mappings().one_or_none()
        return None if row is None else {name: _plain(value) for name, value in row.items()}


class MemoryRows:
    """Rows in dictionaries: {table: {key: row}}. Defaults of columns that a projection leaves out are None."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[tuple[Any, ...], Row]] = {}

    def _table(self, table: Table) -> dict[tuple[Any, ...], Row]:
        return self.tables.setdefault(table.fullname, {})

    def insert(self, table: Table, **values: Any) -> None:
        key = row_key(table, values)
        rows = self._table(table)
        if key in rows:
            raise ValueError(f"{table.fullname} has a row {key} already")
        rows[key] = _with_defaults(table, values)

    def put(self, table: Table, key: Mapping[str, Any], **values: Any) -> None:
        rows = self._table(table)
        at = row_key(table, key)
        if at in rows:
            rows[at].update(values)
        else:
            rows[at] = _with_defaults(table, {**key, **values})

    def change(self, table: Table, key: Mapping[str, Any], **values: Any) -> None:
        row = self._table(table).get(row_key(table, key))
        if row is not None:
            row.update(values)

    def add(self, table: Table, key: Mapping[str, Any], **amounts: int) -> None:
        rows = self._table(table)
        row = rows.setdefault(row_key(table, key), _with_defaults(table, dict(key)))
        for name, amount in amounts.items():
            row[name] = (row[name] or 0) + amount

    def delete(self, table: Table, key: Mapping[str, Any]) -> None:
        self._table(table).pop(row_key(table, key), None)

    def get(self, table: Table, key: Mapping[str, Any]) -> Row | None:
        row = self._table(table).get(row_key(table, key))
        return None if row is None else dict(row)


def row_key(table: Table, values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(values[column.name] for column in table.primary_key)


def _with_defaults(table: Table, values: Mapping[str, Any]) -> Row:
    return {name: values.get(name, default) for name, default in _defaults(table).items()}


@lru_cache(maxsize=256)
def _defaults(table: Table) -> Row:
    """What a column holds when the projection doesn't say: its server default if that is a plain literal."""
    found: Row = {}
    for column in table.columns:
        if column.computed is not None:
            continue
        literal = getattr(column.server_default, "arg", None)
        text = getattr(literal, "text", literal)
        if text is None:
            found[column.name] = None
        else:
            plain = str(text).strip("'")
            python = column.type.python_type
            found[column.name] = plain == "true" if python is bool else python(plain)
    return found


def _plain(value: Any) -> Any:
    return str(value) if type(value).__name__ == "UUID" else value


def _params(table: Table, values: Mapping[str, Any]) -> tuple[Any, ...]:
    columns = table.columns
    return tuple(
        orjson.dumps(value).decode() if isinstance(columns[name].type, JSONB) else value
        for name, value in values.items()
    )


def _where(key: tuple[str, ...]) -> str:
    return " AND ".join(f'"{name}" = %s' for name in key)


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


@lru_cache(maxsize=1024)
def _insert(table: str, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({_columns(names)}) VALUES ({', '.join(['%s'] * len(names))})"


@lru_cache(maxsize=1024)
def _put(table: str, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    what = "DO UPDATE SET " + ", ".join(f'"{n}" = excluded."{n}"' for n in names) if names else "DO NOTHING"
    return f"{_insert(table, key + names)} ON CONFLICT ({_columns(key)}) {what}"


@lru_cache(maxsize=1024)
def _change(table: str, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    return f"UPDATE {table} SET {', '.join(f'{chr(34)}{n}{chr(34)} = %s' for n in names)} WHERE {_where(key)}"


@lru_cache(maxsize=1024)
def _increase(table: str, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    sums = ", ".join(f'"{n}" = "{n}" + %s' for n in names)
    return f"UPDATE {table} SET {sums} WHERE {_where(key)}"


@lru_cache(maxsize=1024)
def _add(table: str, alias: str, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    sums = ", ".join(f'"{n}" = "{alias}"."{n}" + excluded."{n}"' for n in names)
    columns = key + names
    values = ", ".join(["%s"] * len(columns))
    return (
        f'INSERT INTO {table} AS "{alias}" ({_columns(columns)}) VALUES ({values}) '
        f"ON CONFLICT ({_columns(key)}) DO UPDATE SET {sums}"
    )

"""Rows of read tables, written the same way into PostgreSQL and into memory.

Projections are written once against `Rows`; the store runs them in the command's transaction, a rebuild runs them
into shadow tables, and an auditor's replay runs them into a dictionary with no database at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

import orjson
from sqlalchemy import ARRAY, Column, Table
from sqlalchemy.dialects.postgresql import JSONB

from kernel.pipeline import Batch

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

    def get(self, table: Table, key: Mapping[str, Any]) -> Row | None:
        """The row as it is now, the caller's own; columns that the database computes are left out."""


class SqlRows:
    """Rows in PostgreSQL, in the caller's transaction: writes wait in `batch` until it is flushed or something is read.

    `rename` sends a table's rows to its shadow in a rebuild.
    """

    def __init__(self, batch: Batch, rename: Mapping[str, str] | None = None) -> None:
        self._batch = batch
        self._rename = rename or {}

    def _name(self, table: Table) -> str:
        name = self._rename.get(table.name, table.name)
        return f'"{table.schema}"."{name}"'

    def insert(self, table: Table, **values: Any) -> None:
        self._batch.add(_insert(self._name(table), tuple(values)), _params(table, values))

    def put(self, table: Table, key: Mapping[str, Any], **values: Any) -> None:
        sql = _put(self._name(table), tuple(key), tuple(values))
        self._batch.add(sql, _params(table, {**key, **values}))

    def change(self, table: Table, key: Mapping[str, Any], **values: Any) -> None:
        sql = _change(self._name(table), tuple(key), tuple(values))
        self._batch.add(sql, _params(table, values) + _params(table, key))

    def add(self, table: Table, key: Mapping[str, Any], **amounts: int) -> None:
        # An update first, an insert only where there was no row: a CHECK on a balance must see the sum, and an
        # INSERT … ON CONFLICT would be refused for the amount alone (-5 into a row of 100).
        name, keys, names = self._name(table), tuple(key), tuple(amounts)
        where, values = _params(table, key), tuple(amounts.values())
        self._batch.add(_insert_zeros(name, keys, names), where + where)
        self._batch.add(_add(name, keys, names), values + where)

    def delete(self, table: Table, key: Mapping[str, Any]) -> None:
        self._batch.add(f"DELETE FROM {self._name(table)} WHERE {_where(tuple(key))}", _params(table, key))

    def get(self, table: Table, key: Mapping[str, Any]) -> Row | None:
        names = [column.name for column in table.columns if column.computed is None]
        sql = f"SELECT {_columns(tuple(names))} FROM {self._name(table)} WHERE {_where(tuple(key))}"
        rows = self._batch.read(sql, _params(table, key))
        return {n: _plain(v) for n, v in zip(names, rows[0], strict=True)} if rows else None


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
        return None if row is None else {name: _own(value) for name, value in row.items()}


def row_key(table: Table, values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(values[name] for name in _key_names(table))


@lru_cache(maxsize=256)
def _key_names(table: Table) -> tuple[str, ...]:
    return tuple(str(column.name) for column in table.primary_key)


def _with_defaults(table: Table, values: Mapping[str, Any]) -> Row:
    return {name: values[name] if name in values else _own(default) for name, default in _defaults(table).items()}


@lru_cache(maxsize=256)
def _defaults(table: Table) -> Row:
    """What a column holds when the projection doesn't say: its server default if that is a plain literal."""
    found: Row = {}
    for column in table.columns:
        if column.computed is not None:
            continue
        name = str(column.name)  # SQLAlchemy's own kind of text can't be a key of JSON
        literal = getattr(column.server_default, "arg", None)
        text = getattr(literal, "text", literal)
        found[name] = None if text is None else _literal(column, str(text).strip("'"))
    return found


def _literal(column: Column[Any], text: str) -> Any:
    if isinstance(column.type, JSONB):
        return orjson.loads(text)
    if isinstance(column.type, ARRAY):
        if text != "{}":
            raise ValueError(f"{column}: a replay knows no default of an array but {{}}, not {text}")
        return []
    python = column.type.python_type
    return text == "true" if python is bool else python(text)


def _own(value: Any) -> Any:
    """A value that its reader may change without changing the row."""
    return orjson.loads(orjson.dumps(value)) if isinstance(value, (dict, list)) else value


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
def _add(table: str, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    sums = ", ".join(f'"{n}" = coalesce("{n}", 0) + %s' for n in names)
    return f"UPDATE {table} SET {sums} WHERE {_where(key)}"


@lru_cache(maxsize=1024)
def _insert_zeros(table: str, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    # A proposed row must satisfy NOT NULL even where it would only meet an existing one: so none is proposed then.
    values = ", ".join(["%s"] * len(key) + ["0"] * len(names))
    missing = f"WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {_where(key)})"
    return f"INSERT INTO {table} ({_columns(key + names)}) SELECT {values} {missing} ON CONFLICT DO NOTHING"

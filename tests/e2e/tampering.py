"""Changing one field of one row behind the market's back, as a superuser can, and putting it right again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Table
from sqlalchemy.exc import DBAPIError

_CHANGES = {
    "bigint": '"{0}" + 1',
    "integer": '"{0}" + 1',
    "smallint": '"{0}" + 1',
    "numeric": '"{0}" + 1',
    "boolean": 'NOT "{0}"',
    "text": "coalesce(\"{0}\", '') || 'x'",
    "timestamp with time zone": "\"{0}\" + interval '1 second'",
    "date": '"{0}" + 1',
    "uuid": "'00000000-0000-4000-8000-000000000000'::uuid",
    "jsonb": "coalesce(\"{0}\", '{{}}'::jsonb) || '{{\"tampered\": 1}}'::jsonb",
    "ARRAY": "array_append(\"{0}\", 'x')",
}


@contextmanager
def one_field_changed(engine: Engine, table: Table) -> Iterator[tuple[str, str] | None]:
    """Change one field of one row of `table`; gives (key, column), or None where the table is empty.

    Constraints may refuse a change: columns are tried one after the other. The old value is put back at the end.
    """
    name = f'"{table.schema}"."{table.name}"'
    keys = [column.name for column in table.primary_key]
    with engine.connect() as connection:
        where = connection.exec_driver_sql(f"SELECT ctid::text FROM {name} LIMIT 1").scalar()
    if where is None:
        yield None
        return
    columns = [c.name for c in table.columns if c.name not in keys and c.computed is None] or keys
    changed = next((found for column in columns if (found := _change(engine, table, name, column, where))), None)
    assert changed is not None, f"no column of {name} can be changed"
    column, key, before = changed
    try:
        yield key, column
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            condition = " AND ".join(f'"{k}"::text = %s' for k in keys)
            values = tuple(str(part) for part in key.split(" / "))
            connection.exec_driver_sql(f'UPDATE {name} SET "{column}" = %s WHERE {condition}', (before, *values))


def _change(engine: Engine, table: Table, name: str, column: str, ctid: str) -> tuple[str, str, Any] | None:
    keys = ", ".join(f'"{c.name}"::text' for c in table.primary_key)
    try:
        with engine.begin() as connection:
            kind = connection.exec_driver_sql(
                "SELECT data_type FROM information_schema.columns "
                "WHERE table_schema = %s AND table_name = %s AND column_name = %s",
                (table.schema, table.name, column),
            ).scalar_one()
            expression = _CHANGES[kind].format(column)
            before = connection.exec_driver_sql(
                f'SELECT "{column}"{"::text" if kind == "jsonb" else ""}, {expression} IS DISTINCT FROM "{column}" '
                f"FROM {name} WHERE ctid = %s::tid",
                (ctid,),
            ).one()
            if not before[1]:
                return None
            row = connection.exec_driver_sql(
                f'UPDATE {name} SET "{column}" = {expression} WHERE ctid = %s::tid RETURNING {keys}', (ctid,)
            ).one()
    except DBAPIError:
        return None
    return column, " / ".join(row), before[0]

"""Lists a page at a time: the cursor is the key of the last row shown, opaque to whoever carries it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import Connection

from kernel.ids import is_id
from kernel.instants import to_text
from kernel.paging import key_of, page_of
from kernel.refusal import INVALID, MISSING, Refused
from kernel.service import Page

MAX_PAGE = 200
Row = dict[str, Any]


class List(Page):
    """Parameters of every list of this service."""

    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


def rows(connection: Connection, sql: str, params: tuple[Any, ...] = ()) -> list[Row]:
    """The rows as JSON-able dicts: ids and instants are texts."""
    found = connection.exec_driver_sql(sql, params).mappings()
    return [{name: plain(value) for name, value in row.items()} for row in found]


def one(connection: Connection, sql: str, params: tuple[Any, ...], what: str, id: str) -> Row:
    """The only row, or the refusal `not_found`."""
    found = rows(connection, sql, params)
    if not found:
        raise Refused(MISSING.having(what=what, id=id))
    return found[0]


def plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return to_text(value) if isinstance(value, datetime) else value


def page(
    connection: Connection,
    select: str,
    filters: Mapping[str, Any],
    asked: Page,
    key: tuple[str, ...],
    descending: bool = False,
) -> dict[str, Any]:
    """`select` (it ends in a WHERE clause) with the `filters` that aren't None ({condition with one %s: value}), from
    the cursor on in the order of `key`: columns by their plain names in the result, optionally `table.column`."""
    conditions = {condition: value for condition, value in filters.items() if value is not None}
    params: list[Any] = list(conditions.values())
    columns = ", ".join(key)
    sql = select + "".join(f" AND {condition}" for condition in conditions)
    after = _after(asked.cursor, key)
    if after is not None:
        sql += f" AND ({columns}) {'<' if descending else '>'} ({', '.join(['%s'] * len(key))})"
        params += after
    order = ", ".join(f"{column}{' DESC' if descending else ''}" for column in key)
    found = rows(connection, f"{sql} ORDER BY {order} LIMIT %s", (*params, asked.limit + 1))
    return page_of(found, asked.limit, [column.rsplit(".", 1)[-1] for column in key])


def _after(cursor: str | None, key: tuple[str, ...]) -> list[Any] | None:
    """The key in `cursor`. Where a column holds ids, so must the cursor: the database would fail on another text."""
    after = key_of(cursor, (str,) * len(key))
    for column, value in zip(key, after or (), strict=False):
        if column.endswith("_id") and not is_id(value):
            raise Refused(INVALID.having(summary="cursor"))
    return after

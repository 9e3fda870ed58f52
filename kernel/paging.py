"""Lists a page at a time, and rows as JSON has them: what the queries of every service share.

A cursor is the sort key of the last row shown, opaque to whoever carries it, so that rows that come or go between pages
shift nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import Field
from sqlalchemy import Connection

from kernel.ids import is_id
from kernel.instants import to_text
from kernel.refusal import INVALID, MISSING, Refused
from kernel.service import Page

MAX_PAGE = 200
FOREIGN = INVALID.having(summary="cursor: не из этого списка / not of this list")
Row = dict[str, Any]


class List(Page):
    """Parameters of a list of small rows."""

    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


def page(
    connection: Connection,
    select: str,
    filters: Mapping[str, Any],
    asked: Page,
    key: Mapping[str, type],
    descending: bool = False,
) -> dict[str, Any]:
    """`{"items", "next"}` of `select`, which ends in a WHERE clause and has no parameter of its own.

    `filters`: {condition with one %s: value}; those whose value is None are left out. `key`: {column: str | int | UUID}
    in the order of the list, by their names in the result, optionally with their table's before them.
    """
    conditions = {condition: value for condition, value in filters.items() if value is not None}
    params: list[Any] = list(conditions.values())
    sql = select + "".join(f" AND {condition}" for condition in conditions)
    after = _after(asked.cursor, key)
    if after is not None:
        sql += f" AND ({', '.join(key)}) {'<' if descending else '>'} ({', '.join(['%s'] * len(key))})"
        params += after
    order = ", ".join(f"{column}{' DESC' if descending else ''}" for column in key)
    found = rows(connection, f"{sql} ORDER BY {order} LIMIT %s", (*params, asked.limit + 1))
    return page_of(found, asked.limit, [column.rsplit(".", 1)[-1] for column in key])


def _after(cursor: str | None, key: Mapping[str, type]) -> list[Any] | None:
    """The key in `cursor`. Where a column holds ids, so must the cursor: the database would fail on another text."""
    after = key_of(cursor, [str if kind is UUID else kind for kind in key.values()])
    for kind, value in zip(key.values(), after or (), strict=False):
        if kind is UUID and not is_id(value):
            raise Refused(FOREIGN)
    return after


def page_of(rows: Sequence[Any], limit: int, key: Sequence[str]) -> dict[str, Any]:
    """`{"items", "next"}` of rows (mappings) read with `LIMIT limit + 1` in the order of the columns `key`."""
    items = [dict(row) for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": items, "next": cursor_of([items[-1][name] for name in key]) if more else None}


def cursor_of(key: Sequence[Any]) -> str:
    """The cursor that stands after the row with the sort key `key` (texts and integers)."""
    return base64.urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def key_of(cursor: str | None, parts: Sequence[type]) -> list[Any] | None:
    """The sort key in `cursor`, whose parts must be of the given types; None where there is no cursor.

    Raises Refused (`invalid_input`) for a cursor that this list didn't give.
    """
    if cursor is None:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(parts):
        raise Refused(FOREIGN)
    if any(isinstance(part, str) and "\x00" in part for part in key):  # no text of a database holds that
        raise Refused(FOREIGN)
    return key


# -- rows -------------------------------------------------------------------------------------------------------------


def rows(connection: Connection, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
    """The rows of a statement as JSON has them."""
    return [plain(row) for row in connection.exec_driver_sql(sql, _given(params)).mappings()]


def one(connection: Connection, sql: str, params: Sequence[Any] | Mapping[str, Any], what: str, id: str) -> Row:
    """The only row, or the refusal `not_found`."""
    found = rows(connection, sql, params)
    if not found:
        raise Refused(MISSING.having(what=what, id=id))
    return found[0]


def plain(row: Mapping[Any, Any]) -> Row:
    """A row with ids as text, instants in the project's fixed form and dates in ISO form."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return to_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _given(params: Sequence[Any] | Mapping[str, Any]) -> Any:
    return dict(params) if isinstance(params, Mapping) else tuple(params)

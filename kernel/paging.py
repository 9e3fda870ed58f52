"""Opaque cursors of lists: the sort key of the last row, so that rows that come or go between pages shift nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson

from kernel.refusal import INVALID, Refused


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
        raise Refused(INVALID.having(summary="cursor: не из этого списка / not of this list"))
    return key


def page_of(rows: Sequence[Any], limit: int, key: Sequence[str]) -> dict[str, Any]:
    """`{"items", "next"}` of rows (mappings) read with `LIMIT limit + 1` in the order of the columns `key`."""
    items = [dict(row) for row in rows[:limit]]
    more = len(rows) > limit
    return {"items": items, "next": cursor_of([items[-1][name] for name in key]) if more else None}

"""What the queries share: filters as SQL, a page after a cursor, rows as JSON has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from kernel import paging
from kernel.service import Page


class Filters(Page):
    """Base of every list's parameters: what isn't given filters nothing."""

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude={"cursor", "limit"}, exclude_none=True)


def where(filters: Mapping[str, Any], *more: str) -> str:
    """A WHERE clause of equalities, with named parameters; column names come from the models, never from outside."""
    conditions = [f"{name} = %({name})s" for name in filters] + [condition for condition in more if condition]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def page(connection: Connection, columns: str, table: str, key: str, asked: Filters) -> dict[str, Any]:
    """A page of `table` by its text-like key, after the cursor."""
    filters = {f"{name} = %s": value for name, value in asked.given().items()}
    return paging.page(connection, f"SELECT {columns} FROM {table} WHERE true", filters, asked, {key: str})


def texts(rows: Iterable[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """Rows as JSON has them."""
    return [paging.plain(row) for row in rows]

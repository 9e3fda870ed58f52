"""What the queries share: filters as SQL, a page after a cursor, rows as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.paging import key_of, page_of


class Filters(BaseModel):
    """Base of every list's parameters: what isn't given filters nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=500)

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude={"cursor", "limit"}, exclude_none=True)


def where(filters: Mapping[str, Any], *more: str) -> str:
    """A WHERE clause of equalities, with named parameters; column names come from the models, never from outside."""
    conditions = [f"{name} = %({name})s" for name in filters] + [condition for condition in more if condition]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def page(
    connection: Connection, columns: str, table: str, key: str, asked: Filters, *, newest_first: bool = False
) -> dict[str, Any]:
    """A page of `table` by its text-like key, after the cursor."""
    filters, after = asked.given(), key_of(asked.cursor, (str,))
    sign, order = ("<", "DESC") if newest_first else (">", "ASC")
    clause = where(filters, f"{key} {sign} %(after)s" if after else "")
    rows = connection.exec_driver_sql(
        f"SELECT {columns} FROM {table} {clause} ORDER BY {key} {order} LIMIT %(limit)s",
        {**filters, "after": after[0] if after else None, "limit": asked.limit + 1},
    ).mappings()
    return page_of(texts(rows), asked.limit, (key,))


def texts(rows: Any) -> Sequence[dict[str, Any]]:
    """Rows as JSON has them: ids as text."""
    return [{name: str(v) if isinstance(v, UUID) else v for name, v in row.items()} for row in rows]

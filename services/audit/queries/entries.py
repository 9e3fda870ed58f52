"""Reading the log: what everybody may, what a party may, and all of it for auditors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings, query

_READABLE = (
    "(%(all)s OR (public AND (gate IS NULL OR EXISTS (SELECT 1 FROM gate g WHERE g.name = leaf.gate))) "
    "OR parties && %(parties)s)"
)


class Entries(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str | None = Field(None, max_length=40)
    type: str | None = Field(None, max_length=120, description="the event's short name or its full type")
    subject: str | None = Field(None, max_length=120)
    cursor: str | None = Field(None, pattern=r"^[0-9]{1,18}$")
    newest_first: bool = False
    limit: int = Field(50, ge=1, le=500)


@query(Entries)
def entries(connection: Connection, asked: Entries, at: Surroundings) -> dict[str, Any]:
    """Entries that the asker may read, by their place in the tree.

    The public feed: a cursor never skips or repeats. Entries that aren't readable yet are passed over here and come
    in `withheld` (their indexes), so that nobody takes their silence for absence. A question by type or subject finds
    only what may be read: else a sealed bid's own stream, whose id anybody can work out, would tell who bids.
    """
    params = {
        **_rights(at),
        "source": asked.source,
        "type": asked.type,
        "subject": asked.subject,
        "after": int(asked.cursor) if asked.cursor else None,
        "limit": asked.limit + 1,
    }
    down = asked.newest_first
    sql = f"""
        SELECT "index", source, sequence, event_id, type, subject, sealed_at, {_READABLE} AS readable, entry
        FROM leaf
        WHERE (%(source)s::text IS NULL OR source = %(source)s)
          AND (%(type)s::text IS NULL OR type = %(type)s OR type LIKE 'market.%%.' || %(type)s || '.v%%')
          AND (%(subject)s::text IS NULL OR subject = %(subject)s)
          AND ((%(type)s::text IS NULL AND %(subject)s::text IS NULL) OR {_READABLE})
          AND (%(after)s::bigint IS NULL OR "index" {"<" if down else ">"} %(after)s)
        ORDER BY "index" {"DESC" if down else "ASC"} LIMIT %(limit)s
    """
    rows = connection.exec_driver_sql(sql, params).mappings().all()
    page = rows[: asked.limit]
    return {
        "items": [_item(row) for row in page if row["readable"]],
        "withheld": [row["index"] for row in page if not row["readable"]],
        "next": str(page[-1]["index"]) if len(rows) > asked.limit else None,
    }


class OneEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    event_id: Id | None = None
    index: int | None = Field(None, ge=0)
    source: str | None = Field(None, max_length=40, description="with `sequence`: the service and its own number")
    sequence: int | None = Field(None, ge=1)


@query(OneEntry)
def entry(connection: Connection, asked: OneEntry, at: Surroundings) -> dict[str, Any]:
    """One entry with its place; refused as missing where it isn't readable yet, so that nothing leaks."""
    row = connection.exec_driver_sql(
        f"SELECT \"index\", source, sequence, event_id, type, subject, sealed_at, entry FROM leaf "
        f'WHERE (event_id = %(event_id)s OR "index" = %(index)s OR (source = %(source)s AND sequence = %(sequence)s)) '
        f"AND {_READABLE} LIMIT 1",
        {**_rights(at), **asked.model_dump()},
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise Refused(MISSING.having(what="entry", id=asked.event_id or asked.index or asked.sequence))
    neighbours = connection.exec_driver_sql(
        'SELECT (SELECT max("index") FROM leaf WHERE "index" < %(i)s), (SELECT min("index") FROM leaf WHERE "index" > %(i)s)',
        {"i": row["index"]},
    ).one()
    return {**_item(row), "previous": neighbours[0], "following": neighbours[1]}


def _rights(at: Surroundings) -> dict[str, Any]:
    organisation = at.actor.organisation
    return {"all": at.actor.has("auditor"), "parties": [organisation] if organisation else []}


def _item(row: Any) -> dict[str, Any]:
    return {
        "index": row["index"],
        "source": row["source"],
        "sequence": row["sequence"],
        "event_id": str(row["event_id"]),
        "type": row["type"],
        "subject": row["subject"],
        "sealed_at": row["sealed_at"],
        "entry": bytes(row["entry"]).decode(),
    }

"""What a registrar sees of an import: every row, what was taken of it, and what is left to do."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, key_of, page_of, plain
from kernel.refusal import MISSING, require
from kernel.service import Surroundings, query

READERS = {"registrar", "auditor"}


class ReportParams(List):
    batch_id: Id
    status: Annotated[str, Field(pattern="^(draft|completed|dropped)$")] | None = None


@query(ReportParams, roles=READERS)
def import_report(connection: Connection, asked: ReportParams, at: Surroundings) -> dict[str, Any]:
    """The file's figures and its rows in their order. A likeness found on a later row is shown on both."""
    batch = connection.exec_driver_sql(
        "SELECT b.*, (SELECT jsonb_object_agg(status, n) FROM (SELECT status, count(*) AS n FROM draft "
        "WHERE batch_id = b.id GROUP BY status) AS counted) AS counts FROM batch b WHERE id = %s",
        (asked.batch_id,),
    ).mappings().one_or_none()  # fmt: skip
    require(batch is not None, MISSING, what="ImportBatch", id=asked.batch_id)
    assert batch is not None
    after = key_of(asked.cursor, (int,))
    rows = connection.exec_driver_sql(
        "SELECT id, number, line, status, raw, withheld, taken, missing, problems, duplicates, head_ref, provider_id, "
        "dropped_because FROM draft WHERE batch_id = %s AND number > %s AND (%s::text IS NULL OR status = %s) "
        "ORDER BY number LIMIT %s",
        (asked.batch_id, after[0] if after else 0, asked.status, asked.status, asked.limit + 1),
    ).mappings().all()  # fmt: skip
    page = page_of([plain(row) for row in rows], asked.limit, ("number",))
    _add_later_likenesses(connection, page["items"])
    return {"batch": {**plain(batch), "counts": batch["counts"] or {}}, **page}


def _add_later_likenesses(connection: Connection, items: list[dict[str, Any]]) -> None:
    """A row's event could only name rows before it; rows after it name it."""
    by_id = {item["id"]: item for item in items}
    naming = connection.exec_driver_sql(
        "SELECT one->>'id', d.id::text, d.name FROM draft d, jsonb_array_elements(d.duplicates) AS one "
        "WHERE d.batch_id = ANY(SELECT batch_id FROM draft WHERE id = ANY(%s::uuid[])) AND one->>'id' = ANY(%s)",
        (list(by_id), list(by_id)),
    )
    for named, by, name in naming:
        item = by_id[named]
        item["duplicates"] = [*item["duplicates"], {"what": "row", "id": by, "name": name}]
        if "possible_duplicate" not in item["problems"]:
            item["problems"] = [*item["problems"], "possible_duplicate"]


@query(List, roles=READERS)
def import_batches(connection: Connection, asked: List, at: Surroundings) -> dict[str, Any]:
    """Files that were imported, the newest first."""
    after = key_of(asked.cursor, (str, str))
    rows = connection.exec_driver_sql(
        "SELECT id, file_name, rows, started_at FROM batch "
        "WHERE %s::text IS NULL OR (started_at, id) < (%s::timestamptz, %s::uuid) "
        "ORDER BY started_at DESC, id DESC LIMIT %s",
        (asked.cursor, *(after or (None, None)), asked.limit + 1),
    ).mappings()
    return page_of([plain(row) for row in rows], asked.limit, ("started_at", "id"))

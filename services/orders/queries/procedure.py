"""What happened on the way of a competition: amendments, moved deadlines, complaints; and complaints for who decides them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, page, rows
from kernel.service import Surroundings, query


def procedure(connection: Connection, competition_id: str) -> dict[str, list[dict[str, Any]]]:
    """`{"amendments": […], "moves": […]}` of a competition, the earliest first: few, as each takes days."""
    return {
        "amendments": rows(connection, _AMENDMENTS, (competition_id,)),
        "moves": rows(connection, _MOVES, (competition_id,)),
    }


class Complaints(List):
    competition_id: Id | None = None
    body_id: Id | None = None
    status: Literal["pending", "accepted", "satisfied", "resolved", "declined", "withdrawn"] | None = None


@query(Complaints)
def complaints(connection: Connection, asked: Complaints, at: Surroundings) -> dict[str, Any]:
    """A page of complaints about competitions, the newest first: public, as everything about a result is."""
    given = asked.model_dump(exclude={"cursor", "limit"})
    filters = {f"k.{name} = %s": value for name, value in given.items()}
    return page(connection, _COMPLAINTS, filters, asked, {"k.complaint_id": UUID}, descending=True)


_AMENDMENTS = """
SELECT number, amended_at, reason, parts, confirm_until, confirm_explained
FROM amendment WHERE competition_id = %s ORDER BY number
"""
_MOVES = """
SELECT moved_at, previous, deadline, reason, explained FROM deadline_move WHERE competition_id = %s ORDER BY version
"""
_COMPLAINTS = """
SELECT k.complaint_id, k.competition_id, c.number AS competition_number, k.number, k.lot_id, l.title AS lot_title,
       k.provider_id, p.short_name AS provider_name, k.body_id, k.text, k.status, k.filed_at, k.changed_at, k.term,
       k.decision, k.remedy
FROM complaint k JOIN competitions c USING (competition_id)
JOIN competition_lot l ON l.competition_id = k.competition_id AND l.lot_id = k.lot_id
LEFT JOIN provider p ON p.provider_id = k.provider_id
WHERE true
"""

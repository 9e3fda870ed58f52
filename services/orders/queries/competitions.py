"""Competitions for pages and the API: everything that is public at this moment, and nothing that isn't yet.

The bids of a competition are in `bids.py`, what its commission sees in `scoring_sheets.py`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel import documents
from kernel.ids import Id
from kernel.paging import List, one, page, rows
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings, query
from services.orders.queries.procedure import procedure

Status = Literal[
    "draft",
    "published",
    "open",
    "closed",
    "opened",
    "evaluation",
    "decided",
    "standstill",
    "awarded",
    "agreed",
    "cancelled",
    "unsuccessful",
]
_LISTED = (
    "competition_id, number, status, order_id, body_id, body_name, title, year, territory, service_code, "
    "service_name, service_kind, form, unit, drafted_at, published_at, deadline, questions_until, closed_at, "
    "opened_at, decided_at, standstill_until, reason, changed_at"
)
_WHOLE = (
    f"{_LISTED}, requirements, criteria, evaluators, deadline_explanation, explained, calendar_version, formulas_hash, "
    "limits, region_version, keys, standstill_explained, stopped_days"
)


def _own_body(at: Surroundings) -> str | None:
    """The body whose drafts and unanswered questions the asker may see."""
    return at.actor.organisation if at.actor.has("officer") else None


class Competitions(List):
    """Filters of the list; the newest come first."""

    number: str | None = Field(None, max_length=40)
    status: Status | None = None
    territory: str | None = Field(None, max_length=100)
    service_code: str | None = Field(None, max_length=40)
    service_kind: str | None = Field(None, max_length=40)
    body_id: Id | None = None
    order_id: Id | None = None


@query(Competitions)
def competitions(connection: Connection, asked: Competitions, at: Surroundings) -> dict[str, Any]:
    """A page of competitions: `{"items": […], "next": cursor | None}`. Drafts are for their own body's officers."""
    own = _own_body(at)
    given = asked.model_dump(exclude={"cursor", "limit"})
    filters = {f"{name} = %s": value for name, value in given.items()} | {"(status <> 'draft' OR body_id = %s)": own}
    public = "true" if own else "status <> 'draft'"
    select = f"SELECT {_LISTED} FROM competitions WHERE {public}"
    return page(connection, select, filters, asked, {"number": str}, descending=True)


class OneCompetition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(OneCompetition)
def competition(connection: Connection, asked: OneCompetition, at: Surroundings) -> dict[str, Any]:
    """One competition with its version, and everything of it that doesn't grow with the number of its bids.

    `lots` (with `result` after the ranking: inputs, exact fractions, hashes), `questions`, `conflicts`, `awards` with
    their agreements, `trail` of events, `amendments` of the announcement, `moves` of the deadline. Bids,
    scores, late attempts and complaints are lists of their own.
    """
    row = visible(connection, asked.id, at)
    return {
        **row,
        "lots": _lots(connection, asked.id),
        "questions": _questions(connection, asked.id, whole=row["body_id"] == _own_body(at)),
        "conflicts": rows(connection, _CONFLICTS, (asked.id,)),
        "awards": rows(connection, _AWARDS, (asked.id,)),
        "trail": rows(connection, _TRAIL, (asked.id,)),
        **procedure(connection, asked.id),
    }


def visible(connection: Connection, competition_id: str, at: Surroundings) -> dict[str, Any]:
    """The competition's own row. Raises Refused where there is none, or none that the asker may see."""
    sql = (
        f"SELECT {_WHOLE}, s.version FROM competitions JOIN competition s ON s.id = competition_id "
        "WHERE competition_id = %s AND (status <> 'draft' OR body_id = %s::uuid)"
    )
    return one(connection, sql, (competition_id, _own_body(at)), "Competition", competition_id)


def _lots(connection: Connection, competition_id: str) -> list[dict[str, Any]]:
    results = {row.pop("lot_id"): row for row in rows(connection, _RESULTS, (competition_id,))}
    return [{**lot, "result": results.get(lot["lot_id"])} for lot in rows(connection, _LOTS, (competition_id,))]


def _questions(connection: Connection, competition_id: str, whole: bool) -> list[dict[str, Any]]:
    found = rows(connection, _QUESTIONS, (competition_id,))
    return [question for question in found if whole or question["answer"] is not None]


@query(OneCompetition)
def custodian_keys(connection: Connection, asked: OneCompetition, at: Surroundings) -> dict[str, Any]:
    """What a bid is sealed for: `keys` {custodian: base64} in the order of kernel.sealing, {} until bidding opens.

    `published`: the custodians whose keys have come already.
    """
    row = visible(connection, asked.id, at)
    published = connection.exec_driver_sql(
        "SELECT custodian FROM custodian_key WHERE competition_id = %s ORDER BY custodian", (asked.id,)
    ).scalars()
    keys = row["keys"] or {}
    return {
        "competition_id": asked.id,
        "status": row["status"],
        "deadline": row["deadline"],
        "keys": {name: keys[name] for name in sorted(keys)},
        "published": list(published),
    }


class ProtocolOf(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id
    lot_id: Id


@query(ProtocolOf)
def protocol(connection: Connection, asked: ProtocolOf, at: Surroundings) -> dict[str, Any]:
    """The protocol of a lot: `{hash, media_type, html, computed_hash}`. The hash is that of RankingDecided."""
    row = connection.exec_driver_sql(
        "SELECT protocol_hash, computed_hash FROM lot_result WHERE competition_id = %s AND lot_id = %s",
        (asked.id, asked.lot_id),
    ).one_or_none()
    found = documents.find(connection, row[0]) if row else None
    if row is None or found is None:
        raise Refused(MISSING.having(what="protocol", id=asked.lot_id))
    return {"hash": row[0], "media_type": found[0], "html": found[1].decode(), "computed_hash": row[1]}


_LOTS = """
SELECT lot_id, title, volume, unit, limit_price_kopecks, failure, unallocated
FROM competition_lot WHERE competition_id = %s ORDER BY position
"""
_RESULTS = """
SELECT lot_id, sole, by_hash, judges, inputs, ranking, computed_hash, "order", alarms, protocol_hash
FROM lot_result WHERE competition_id = %s
"""
_QUESTIONS = """
SELECT question_id, text, asked_at, answer, answered_at FROM question WHERE competition_id = %s ORDER BY question_id
"""
_CONFLICTS = """
SELECT evaluator_id, conflicted, text, declared_at FROM conflict WHERE competition_id = %s ORDER BY declared_at
"""
_AWARDS = """
SELECT w.award_id, w.lot_id, w.provider_id, p.short_name AS provider_name, w.bid_id, w.volume, w.unit_price_kopecks,
       w.awarded_at, a.agreement_id, a.number AS agreement_number, a.status AS agreement_status
FROM award w LEFT JOIN agreements a USING (award_id) LEFT JOIN provider p ON p.provider_id = w.provider_id
LEFT JOIN compared_bid b ON b.competition_id = w.competition_id AND b.bid_id = w.bid_id::uuid
JOIN competitions c ON c.competition_id = w.competition_id
WHERE w.competition_id = %s AND (c.status <> 'cancelled' OR a.agreement_id IS NOT NULL)
ORDER BY w.awarded_at, w.lot_id, b.place, w.award_id
"""
_TRAIL = "SELECT version, event, event_id, at FROM trail WHERE competition_id = %s ORDER BY version"

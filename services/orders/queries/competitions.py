"""Competitions for pages and the API: everything that is public at this moment, and nothing that isn't yet.

Before the closing no query but `my_bids` reads a table that tells of bids, and that one asks by the bidder's own id.
Scores appear with the ranking; until then an evaluator sees its own sheet alone.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel import documents
from kernel.ids import Id
from kernel.paging import key_of, page_of
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings, query
from services.orders.queries.social_orders import texts

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
    "limits, region_version, keys, standstill_explained"
)


def _own_body(at: Surroundings) -> str | None:
    """The body whose drafts and unanswered questions the asker may see."""
    return at.actor.organisation if at.actor.has("officer") else None


class Competitions(BaseModel):
    """Filters of the list; the newest come first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: str | None = Field(None, max_length=40)
    status: Status | None = None
    territory: str | None = Field(None, max_length=100)
    service_code: str | None = Field(None, max_length=40)
    service_kind: str | None = Field(None, max_length=40)
    body_id: Id | None = None
    order_id: Id | None = None
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)


@query(Competitions)
def competitions(connection: Connection, asked: Competitions, at: Surroundings) -> dict[str, Any]:
    """A page of competitions: `{"items": […], "next": cursor | None}`. Drafts are for their own body's officers."""
    filters = asked.model_dump(exclude={"cursor", "limit"}, exclude_none=True)
    after = key_of(asked.cursor, (str,))
    conditions = ["(status <> 'draft' OR body_id = %(own)s::uuid)", *(f"{name} = %({name})s" for name in filters)]
    if after:
        conditions.append("number < %(after)s")
    rows = connection.exec_driver_sql(
        f"SELECT {_LISTED} FROM competitions WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT %(limit)s",
        {**filters, "own": _own_body(at), "after": after[0] if after else None, "limit": asked.limit + 1},
    ).mappings()
    return page_of([texts(row) for row in rows], asked.limit, ("number",))


class OneCompetition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(OneCompetition)
def competition(connection: Connection, asked: OneCompetition, at: Surroundings) -> dict[str, Any]:
    """One competition whole, with its version.

    `lots` (with `result` after the ranking: inputs, exact fractions, hashes), `questions`, `bids` (after the closing;
    prices after the opening), `late_bids` (after the closing), `conflicts`, `scores` (after the ranking), `awards` with
    their agreements, `trail` of events.
    """
    row = _visible(connection, asked.id, at)
    decided = row["decided_at"] is not None
    return {
        **row,
        "lots": _lots(connection, asked.id),
        "questions": _questions(connection, asked.id, whole=row["body_id"] == _own_body(at)),
        "bids": _rows(connection, _BIDS, asked.id) if row["closed_at"] else [],
        "late_bids": _rows(connection, _LATE, asked.id) if row["closed_at"] else [],
        "conflicts": _rows(connection, _CONFLICTS, asked.id),
        "scores": _rows(connection, _SCORES, asked.id) if decided else [],
        "awards": _rows(connection, _AWARDS, asked.id),
        "trail": _rows(connection, _TRAIL, asked.id),
    }


def _visible(connection: Connection, competition_id: str, at: Surroundings) -> dict[str, Any]:
    row = connection.exec_driver_sql(
        f"SELECT {_WHOLE}, s.version FROM competitions JOIN competition s ON s.id = competition_id "
        "WHERE competition_id = %s AND (status <> 'draft' OR body_id = %s::uuid)",
        (competition_id, _own_body(at)),
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise Refused(MISSING.having(what="Competition", id=competition_id))
    return texts(row)


def _rows(connection: Connection, sql: str, competition_id: str) -> list[dict[str, Any]]:
    return [texts(row) for row in connection.exec_driver_sql(sql, (competition_id,)).mappings()]


def _lots(connection: Connection, competition_id: str) -> list[dict[str, Any]]:
    results = {row.pop("lot_id"): row for row in _rows(connection, _RESULTS, competition_id)}
    return [{**lot, "result": results.get(lot["lot_id"])} for lot in _rows(connection, _LOTS, competition_id)]


def _questions(connection: Connection, competition_id: str, whole: bool) -> list[dict[str, Any]]:
    found = _rows(connection, _QUESTIONS, competition_id)
    return [question for question in found if whole or question["answer"] is not None]


@query(OneCompetition)
def custodian_keys(connection: Connection, asked: OneCompetition, at: Surroundings) -> dict[str, Any]:
    """What a bid is sealed for: `keys` {custodian: base64} in the order of kernel.sealing, {} until bidding opens.

    `published`: the custodians whose keys have come already.
    """
    row = _visible(connection, asked.id, at)
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


class MyBids(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    competition_id: Id | None = None
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)


@query(MyBids, roles=("provider",))
def my_bids(connection: Connection, asked: MyBids, at: Surroundings) -> dict[str, Any]:
    """The asker's own bids, the newest competitions first; after the opening with what became of them."""
    after = key_of(asked.cursor, (str, str))
    rows = connection.exec_driver_sql(
        _MINE,
        {
            "own": at.actor.organisation,
            "competition": asked.competition_id,
            "after": after is not None,
            "after_competition": after[0] if after else None,
            "after_bid": after[1] if after else None,
            "limit": asked.limit + 1,
        },
    ).mappings()
    return page_of([texts(row) for row in rows], asked.limit, ("competition_id", "bid_id"))


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
_BIDS = """
SELECT b.bid_id, b.lot_id, b.provider_id, p.short_name AS provider_name, p.number AS provider_number, p.kind,
       b.bid_version, b.arrival, b.status, b.failure, b.price_kopecks, b.volume, b."values", b.checks, b.place
FROM compared_bid b LEFT JOIN provider p USING (provider_id) WHERE b.competition_id = %s ORDER BY b.arrival
"""
_LATE = """
SELECT provider_id, lot_id, received_at FROM late_bid WHERE competition_id = %s ORDER BY received_at, provider_id
"""
_CONFLICTS = """
SELECT evaluator_id, conflicted, text, declared_at FROM conflict WHERE competition_id = %s ORDER BY declared_at
"""
_SCORES = """
SELECT evaluator_id, bid_id, criterion, score, comment FROM score WHERE competition_id = %s
ORDER BY bid_id, criterion, evaluator_id
"""
_AWARDS = """
SELECT w.award_id, w.lot_id, w.provider_id, p.short_name AS provider_name, w.bid_id, w.volume, w.unit_price_kopecks,
       w.awarded_at, a.agreement_id, a.number AS agreement_number, a.status AS agreement_status
FROM award w LEFT JOIN agreements a USING (award_id) LEFT JOIN provider p ON p.provider_id = w.provider_id
LEFT JOIN compared_bid b ON b.competition_id = w.competition_id AND b.bid_id = w.bid_id::uuid
WHERE w.competition_id = %s ORDER BY w.awarded_at, w.lot_id, b.place, w.award_id
"""
_TRAIL = "SELECT version, event, event_id, at FROM trail WHERE competition_id = %s ORDER BY version"
_MINE = """
SELECT o.competition_id, o.bid_id, o.lot_id, l.title AS lot_title, c.number, c.title, c.status AS competition_status,
       c.deadline, o.bid_version, o.status, o.sealed_by, o.received_at, b.status AS outcome, b.failure,
       b.price_kopecks, b.volume, b.checks, b.place
FROM own_bid o JOIN competitions c USING (competition_id)
JOIN competition_lot l ON l.competition_id = o.competition_id AND l.lot_id = o.lot_id
LEFT JOIN compared_bid b ON b.competition_id = o.competition_id AND b.bid_id = o.bid_id
WHERE o.provider_id = %(own)s::uuid AND (%(competition)s::uuid IS NULL OR o.competition_id = %(competition)s::uuid)
  AND (NOT %(after)s OR (o.competition_id, o.bid_id) < (%(after_competition)s::uuid, %(after_bid)s::uuid))
ORDER BY o.competition_id DESC, o.bid_id DESC LIMIT %(limit)s
"""

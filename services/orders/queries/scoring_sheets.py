"""What a member of a commission has to score: the admitted bids with their texts, and its own sheet alone.

The text of a bid stands in no table and no event: it is opened here, for those who score it, with the key that the
opening has put into the custodians' logs.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import rows
from kernel.refusal import Refused
from kernel.service import Surroundings, query
from services.orders.domain.competition.opening import Content, associated_data, fits, open_bid

MAX_COMPETITIONS = 50


class BidsToScore(BaseModel):
    """`id`: one competition, with at most `limit` of its bids in the order of their arrival, those after place `after`.

    Left out: all that wait, without bids.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id | None = None
    after: int = Field(0, ge=0)
    limit: int = Field(50, ge=1, le=50)  # a bid's text may have 20,000 signs


@query(BidsToScore, roles=("evaluator",))
def bids_to_score(connection: Connection, asked: BidsToScore, at: Surroundings) -> dict[str, Any]:
    """`{"items": [{competition_id, number, status, criteria, declared, conflicted, admitted, bids: […], more}]}`.

    `admitted`: how many bids there are to score. Each bid has its `text`, the `people` it names, `may_score` (false in
    lots with a conflict), the asker's own `scores` {criterion: {score, comment}}, and `second_look`: the criteria whose
    score the asker has to give again. `more`: whether bids follow after the last one's `arrival`.
    """
    waiting = rows(connection, _COMPETITIONS, {"member": at.actor.id, "one": asked.id, "limit": MAX_COMPETITIONS})
    return {"items": [_sheet(connection, row, at.actor.id, asked) for row in waiting]}


def _sheet(connection: Connection, row: dict[str, Any], member: str, asked: BidsToScore) -> dict[str, Any]:
    experts = [criterion for criterion in row["criteria"] if criterion["formula"] == "expert_mean"]
    declared = row["conflicted"] is not None
    bids, more = _bids(connection, row, member, asked) if asked.id else ([], row["admitted"] > 0)
    return {**row, "criteria": experts, "declared": declared, "bids": bids, "more": more}


def _bids(
    connection: Connection, row: dict[str, Any], member: str, asked: BidsToScore
) -> tuple[list[dict[str, Any]], bool]:
    """A part of the sheet, and whether more follow."""
    competition_id = row["competition_id"]
    found = rows(connection, _BIDS, (competition_id, asked.after, asked.limit + 1))
    bids = found[: asked.limit]
    scores: dict[str, dict[str, Any]] = {}
    shown = [bid["bid_id"] for bid in bids]
    for bid_id, criterion, score, comment in connection.exec_driver_sql(_SCORES, (competition_id, member, shown)):
        scores.setdefault(str(bid_id), {})[criterion] = {"score": score, "comment": comment}
    again: dict[str, list[str]] = {}
    for bid_id, criterion in connection.exec_driver_sql(_AGAIN, (competition_id, shown, member)):
        again.setdefault(str(bid_id), []).append(criterion)
    conflicted = set(row["conflicted"] or ())
    closed_lots = set(connection.exec_driver_sql(_CLOSED_LOTS, (competition_id, list(conflicted))).scalars())
    for bid in bids:
        bid["may_score"] = bid["lot_id"] not in closed_lots
        bid["scores"] = scores.get(bid["bid_id"], {})
        bid["second_look"] = again.get(bid["bid_id"], []) if bid["may_score"] else []
        if bid["may_score"]:
            content = _content(connection, competition_id, bid)
            bid |= {"text": content.text, "people": list(content.people)} if content else {"text": "", "people": []}
    return bids, len(found) > asked.limit


def _content(connection: Connection, competition_id: str, bid: dict[str, Any]) -> Content | None:
    row = connection.exec_driver_sql(_SEALED, (bid["bid_id"],)).one_or_none()
    if row is None or row[0] is None:
        return None
    associated = associated_data(competition_id, bid["lot_id"], bid["provider_id"], bid["bid_version"])
    keys = connection.exec_driver_sql(_KEYS, (competition_id, bid["bid_id"], bid["bid_id"], competition_id)).scalars()
    for key in keys:
        if key and fits(key, row[0]["commitment"], associated):
            try:
                return open_bid(key, row[0], associated)
            except Refused:
                return None
    return None


_COMPETITIONS = """
SELECT c.competition_id, c.number, c.title, c.status, c.criteria, f.conflicted,
       (SELECT count(*) FROM compared_bid b
        WHERE b.competition_id = c.competition_id AND b.status = 'admitted') AS admitted
FROM competitions c LEFT JOIN conflict f ON f.competition_id = c.competition_id AND f.evaluator_id = %(member)s
WHERE c.status IN ('opened', 'evaluation') AND c.evaluators @> to_jsonb(%(member)s::text)
  AND (%(one)s::uuid IS NULL OR c.competition_id = %(one)s::uuid)
ORDER BY c.competition_id LIMIT %(limit)s
"""
_BIDS = """
SELECT b.bid_id, b.lot_id, l.title AS lot_title, b.provider_id, p.short_name AS provider_name, b.bid_version, b.arrival,
       b.price_kopecks, b.volume, b."values"
FROM compared_bid b JOIN competition_lot l ON l.competition_id = b.competition_id AND l.lot_id = b.lot_id
LEFT JOIN provider p ON p.provider_id = b.provider_id
WHERE b.competition_id = %s AND b.status = 'admitted' AND b.arrival > %s ORDER BY b.arrival LIMIT %s
"""
_AGAIN = """
SELECT bid_id, criterion FROM second_look
WHERE competition_id = %s AND bid_id = ANY(%s::uuid[]) AND NOT looked @> to_jsonb(%s::text) ORDER BY bid_id, criterion
"""
_CLOSED_LOTS = """
SELECT DISTINCT lot_id::text FROM compared_bid
WHERE competition_id = %s AND status = 'admitted' AND provider_id = ANY(%s::uuid[])
"""
_SCORES = """
SELECT bid_id, criterion, score, comment FROM score
WHERE competition_id = %s AND evaluator_id = %s AND bid_id = ANY(%s::uuid[])
"""
_SEALED = "SELECT state->'sealed' FROM bid WHERE id = %s"
_KEYS = """
SELECT key FROM opened_key WHERE competition_id = %s AND bid_id = %s
UNION SELECT state->'given_keys'->>%s FROM competition WHERE id = %s
"""

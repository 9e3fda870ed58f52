"""What a member of a commission has to score: the admitted bids with their texts, and its own sheet alone.

The text of a bid stands in no table and no event: it is opened here, for those who score it, with the key that the
opening has put into the custodians' logs.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.refusal import Refused
from kernel.service import Surroundings, query
from services.orders.domain.competition.opening import Content, associated_data, fits, open_bid
from services.orders.queries.social_orders import texts

MAX_COMPETITIONS = 50


class BidsToScore(BaseModel):
    """`id`: one competition, with the texts of its bids; left out, all that wait, without texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id | None = None


@query(BidsToScore, roles=("evaluator",))
def bids_to_score(connection: Connection, asked: BidsToScore, at: Surroundings) -> dict[str, Any]:
    """`{"items": [{competition_id, number, status, criteria, declared, conflicted, bids: […]}]}` of the asker.

    Each bid has `may_score` (false in lots with a conflict), the asker's own `scores` {criterion: {score, comment}},
    and `text` and `people` where one competition is asked for.
    """
    waiting = connection.exec_driver_sql(
        _COMPETITIONS, {"member": at.actor.id, "one": asked.id, "limit": MAX_COMPETITIONS}
    ).mappings()
    return {"items": [_sheet(connection, texts(row), at.actor.id, asked.id is not None) for row in waiting]}


def _sheet(connection: Connection, row: dict[str, Any], member: str, whole: bool) -> dict[str, Any]:
    competition_id = row["competition_id"]
    bids = [texts(bid) for bid in connection.exec_driver_sql(_BIDS, (competition_id,)).mappings()]
    scores: dict[str, dict[str, Any]] = {}
    for bid_id, criterion, score, comment in connection.exec_driver_sql(_SCORES, (competition_id, member)):
        scores.setdefault(str(bid_id), {})[criterion] = {"score": score, "comment": comment}
    conflicted = set(row["conflicted"] or ())
    closed_lots = {bid["lot_id"] for bid in bids if bid["provider_id"] in conflicted}
    experts = [criterion for criterion in row["criteria"] if criterion["formula"] == "expert_mean"]
    for bid in bids:
        bid["may_score"] = bid["lot_id"] not in closed_lots
        bid["scores"] = scores.get(bid["bid_id"], {})
        if whole and bid["may_score"]:
            content = _content(connection, competition_id, bid)
            bid |= {"text": content.text, "people": list(content.people)} if content else {"text": "", "people": []}
    return {**row, "criteria": experts, "declared": row["conflicted"] is not None, "bids": bids}


def _content(connection: Connection, competition_id: str, bid: dict[str, Any]) -> Content | None:
    row = connection.exec_driver_sql(_SEALED, (bid["bid_id"],)).one_or_none()
    if row is None or row[0] is None:
        return None
    associated = associated_data(competition_id, bid["lot_id"], bid["provider_id"], bid["bid_version"])
    keys = connection.exec_driver_sql(_KEYS, (competition_id, bid["bid_id"], bid["bid_id"], competition_id)).scalars()
    for key in keys:
        if key and fits(key, row[0], associated):
            try:
                return open_bid(key, row[0], associated)
            except Refused:
                return None
    return None


_COMPETITIONS = """
SELECT c.competition_id, c.number, c.title, c.status, c.criteria, f.conflicted
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
WHERE b.competition_id = %s AND b.status = 'admitted' ORDER BY b.arrival
"""
_SCORES = "SELECT bid_id, criterion, score, comment FROM score WHERE competition_id = %s AND evaluator_id = %s"
_SEALED = "SELECT state->'sealed' FROM bid WHERE id = %s"
_KEYS = """
SELECT key FROM opened_key WHERE competition_id = %s AND bid_id = %s
UNION SELECT state->'given_keys'->>%s FROM competition WHERE id = %s
"""

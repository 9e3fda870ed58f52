"""The bids of a competition as everybody may see them, and as their own bidders do.

A competition may have two thousand bids: each of these lists is read in parts, so that no answer outgrows what the bus
carries. Before the closing no query but `my_bids` reads a table that tells of bids, and that one asks by the bidder's own
id. Scores appear with the ranking.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, page
from kernel.service import Page, Surroundings, query
from services.orders.queries.competitions import visible

EMPTY: dict[str, Any] = {"items": [], "next": None}


class CompetitionBids(Page):
    """`order`: `arrival` is the place in the log; `place` that in the ranking, bids without one after the others."""

    id: Id
    lot_id: Id | None = None
    order: Literal["arrival", "place"] = "arrival"
    limit: int = Field(50, ge=1, le=50)  # a bid comes with a reason per requirement


@query(CompetitionBids)
def competition_bids(connection: Connection, asked: CompetitionBids, at: Surroundings) -> dict[str, Any]:
    """A page of the bids after the closing, with their prices and values after the opening."""
    if not visible(connection, asked.id, at)["closed_at"]:
        return EMPTY
    filters = {"competition_id = %s": asked.id, "lot_id = %s": asked.lot_id}
    key = {"rank": int, "arrival": int} if asked.order == "place" else {"arrival": int}
    found = page(connection, _BIDS, filters, asked, key)
    for bid in found["items"]:
        del bid["competition_id"], bid["rank"]
    return found


# A bid that is not ranked, or not yet, comes after all that are.
_BIDS = """
SELECT * FROM (
    SELECT b.competition_id, b.bid_id, b.lot_id, b.provider_id, p.short_name AS provider_name,
        p.number AS provider_number, p.kind, b.bid_version, b.arrival, b.status, b.failure, b.price_kopecks, b.volume,
        b."values", b.checks,
        b.correct_until, b.correction, b.low_price, b.justify_until, b.justification, b.low_price_reason,
        b.place, coalesce(b.place, 2147483647) AS rank
    FROM compared_bid b LEFT JOIN provider p USING (provider_id)
) bids WHERE true
"""


class CompetitionScores(List):
    id: Id
    bid_id: Id | None = None


@query(CompetitionScores)
def competition_scores(connection: Connection, asked: CompetitionScores, at: Surroundings) -> dict[str, Any]:
    """A page of what the commission's members gave, each with its comment; nothing before the ranking."""
    if not visible(connection, asked.id, at)["decided_at"]:
        return EMPTY
    filters = {"competition_id = %s": asked.id, "bid_id = %s": asked.bid_id}
    return page(connection, _SCORES, filters, asked, {"bid_id": UUID, "criterion": str, "evaluator_id": str})


_SCORES = "SELECT evaluator_id, bid_id, criterion, score, comment FROM score WHERE true"


class LateBids(List):
    id: Id


@query(LateBids)
def late_bids(connection: Connection, asked: LateBids, at: Surroundings) -> dict[str, Any]:
    """A page of the providers that came too late, with the first attempt of each; nothing before the closing."""
    if not visible(connection, asked.id, at)["closed_at"]:
        return EMPTY
    return page(connection, _LATE, {"competition_id = %s": asked.id}, asked, {"received_at": str, "provider_id": UUID})


_LATE = "SELECT provider_id, lot_id, received_at FROM late_bid WHERE true"


class MyBids(List):
    competition_id: Id | None = None


@query(MyBids, roles=("provider",))
def my_bids(connection: Connection, asked: MyBids, at: Surroundings) -> dict[str, Any]:
    """The asker's own bids, the newest competitions first; after the opening with what became of them."""
    if at.actor.organisation is None:  # who acts for nobody has none, and never all of them
        return EMPTY
    filters = {"o.provider_id = %s": at.actor.organisation, "o.competition_id = %s": asked.competition_id}
    return page(connection, _MINE, filters, asked, {"o.competition_id": UUID, "o.bid_id": UUID}, descending=True)


_MINE = """
SELECT o.competition_id, o.bid_id, o.lot_id, l.title AS lot_title, c.number, c.title, c.status AS competition_status,
       c.deadline, o.bid_version, o.status,
       o.status = 'standing' AND o.amendment < c.amendments AS to_confirm, c.confirm_until,
       o.sealed_by, o.received_at, b.status AS outcome, b.failure,
       b.price_kopecks, b.volume, b.checks,
       b.correct_until, b.correction, b.low_price, b.justify_until, b.place
FROM own_bid o JOIN competitions c USING (competition_id)
JOIN competition_lot l ON l.competition_id = o.competition_id AND l.lot_id = o.lot_id
LEFT JOIN compared_bid b ON b.competition_id = o.competition_id AND b.bid_id = o.bid_id
WHERE true
"""

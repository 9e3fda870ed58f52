"""What the commission does in a competition: prices that stand out, scores, second looks, rankings, and rankings made void.

It goes into the tables of `competitions_projection`, so whoever takes the projection from here has all of its handlers.
"""

from __future__ import annotations

from kernel.instants import to_text
from kernel.projection import Entry
from kernel.rows import Rows
from services.orders.domain.competition import complaint, evaluation, low_price, ranking, remedy
from services.orders.domain.competition import second_look as looking
from services.orders.projections.competitions import bid_key, change, competitions_projection, on
from services.orders.tables.competition import compared_bid, competitions, conflict, lot_result, score
from services.orders.tables.procedure import second_look

__all__ = ["competitions_projection"]

NO_RESULT = {"decided_at": None, "standstill_until": None, "standstill_explained": None, "stopped_days": None}


@on("orders", "JustificationAsked", low_price.JustificationAsked)
def _justification_asked(rows: Rows, event: low_price.JustificationAsked, entry: Entry) -> None:
    for price in event.prices:
        key = {"competition_id": entry.stream_id, "bid_id": price.bid_id}
        rows.change(compared_bid, key, low_price="asked", justify_until=to_text(event.until))


@on("orders", "PriceJustified", low_price.PriceJustified)
def _justified(rows: Rows, event: low_price.PriceJustified, entry: Entry) -> None:
    rows.change(compared_bid, bid_key(event, entry), low_price="justified", justification=event.text)


@on("orders", "LowPriceAccepted", low_price.LowPriceAccepted)
def _low_price_accepted(rows: Rows, event: low_price.LowPriceAccepted, entry: Entry) -> None:
    rows.change(compared_bid, bid_key(event, entry), low_price="accepted", low_price_reason=event.reason)


@on("orders", "LowPriceRejected", low_price.LowPriceRejected)
def _low_price_rejected(rows: Rows, event: low_price.LowPriceRejected, entry: Entry) -> None:
    decision = {"status": "rejected", "low_price": "rejected", "low_price_reason": event.reason}
    rows.change(compared_bid, bid_key(event, entry), **decision)


@on("orders", "ConflictDeclared", evaluation.ConflictDeclared)
def _declared(rows: Rows, event: evaluation.ConflictDeclared, entry: Entry) -> None:
    rows.put(
        conflict,
        {"competition_id": event.competition_id, "evaluator_id": event.evaluator_id},
        conflicted=list(event.conflicted),
        text=event.text,
        declared_at=entry.time,
    )


@on("orders", "ScoresSubmitted", evaluation.ScoresSubmitted)
def _scored(rows: Rows, event: evaluation.ScoresSubmitted, entry: Entry) -> None:
    _give(rows, event)


@on("orders", "ScoresRenewed", evaluation.ScoresRenewed)
def _renewed(rows: Rows, event: evaluation.ScoresRenewed, entry: Entry) -> None:
    _give(rows, event)


def _give(rows: Rows, event: evaluation.ScoresSubmitted | evaluation.ScoresRenewed) -> None:
    whole = rows.get(competitions, {"competition_id": event.competition_id})
    looking_again = whole is not None and whole["second_looks"]
    for line in event.scores:
        key = {"competition_id": event.competition_id, "bid_id": line.bid_id, "criterion": line.criterion}
        rows.put(score, {**key, "evaluator_id": event.evaluator_id}, score=line.score, comment=line.comment)
        asked = rows.get(second_look, key) if looking_again else None
        if asked is not None and event.evaluator_id not in asked["looked"]:
            rows.change(second_look, key, looked=[*asked["looked"], event.evaluator_id])


@on("orders", "RankingDecided", ranking.RankingDecided)
def _ranked(rows: Rows, event: ranking.RankingDecided, entry: Entry) -> None:
    change(rows, entry, status="decided", decided_at=to_text(event.decided_at))
    rows.insert(lot_result, **event.model_dump(mode="json", exclude={"decided_at"}))
    _place(rows, event.order, 1, entry)


@on("orders", "RankingContinued", ranking.RankingContinued)
def _continued(rows: Rows, event: ranking.RankingContinued, entry: Entry) -> None:
    key = {"competition_id": entry.stream_id, "lot_id": event.lot_id}
    row = rows.get(lot_result, key)
    if row is not None:
        rows.change(lot_result, key, order=[*row["order"], *event.order])
    _place(rows, event.order, event.first, entry)


def _place(rows: Rows, order: tuple[str, ...], first: int, entry: Entry) -> None:
    for place, bid_id in enumerate(order, start=first):
        rows.change(compared_bid, {"competition_id": entry.stream_id, "bid_id": bid_id}, place=place)


@on("orders", "StandstillBegan", ranking.StandstillBegan)
def _standstill(rows: Rows, event: ranking.StandstillBegan, entry: Entry) -> None:
    change(
        rows,
        entry,
        status="standstill",
        standstill_until=to_text(event.until),
        standstill_explained=event.explained,
    )


@on("orders", "SecondLookAsked", looking.SecondLookAsked)
def _second_look(rows: Rows, event: looking.SecondLookAsked, entry: Entry) -> None:
    change(rows, entry, second_looks=True)
    for one in event.scores:
        key = {"competition_id": entry.stream_id, "bid_id": one.bid_id, "criterion": one.criterion}
        rows.put(second_look, key, asked_at=entry.time, looked=[])


# -- a ranking that is void (complaints) ------------------------------------------------------------------------------


@on("orders", "CheckReopened", remedy.CheckReopened)
def _check_reopened(rows: Rows, event: remedy.CheckReopened, entry: Entry) -> None:
    _void(rows, event.lots, entry)
    for bid_id in event.bids:
        rows.change(compared_bid, {"competition_id": entry.stream_id, "bid_id": bid_id}, status="opened")
    change(rows, entry, status="opened", **NO_RESULT)


@on("orders", "EvaluationReopened", remedy.EvaluationReopened)
def _evaluation_reopened(rows: Rows, event: remedy.EvaluationReopened, entry: Entry) -> None:
    ranked = rows.get(lot_result, {"competition_id": entry.stream_id, "lot_id": event.lot_id})
    whole = rows.get(competitions, {"competition_id": entry.stream_id})
    if ranked is not None and whole is not None:
        criteria = [one["key"] for one in whole["criteria"] if one["formula"] == "expert_mean"]
        for bid_id in ranked["order"]:
            for criterion in criteria:
                key = {"competition_id": entry.stream_id, "bid_id": bid_id, "criterion": criterion}
                rows.delete(second_look, key)
                for member in whole["evaluators"]:
                    rows.delete(score, {**key, "evaluator_id": member})
    _void(rows, event.lots, entry)
    change(rows, entry, status="evaluation", **NO_RESULT)


def _void(rows: Rows, lots: tuple[str, ...], entry: Entry) -> None:
    """Nothing of a void ranking is shown; the log and its protocol by hash stay."""
    for lot_id in lots:
        key = {"competition_id": entry.stream_id, "lot_id": lot_id}
        ranked = rows.get(lot_result, key)
        for bid_id in ranked["order"] if ranked else ():
            rows.change(compared_bid, {"competition_id": entry.stream_id, "bid_id": bid_id}, place=None)
        rows.delete(lot_result, key)


@on("orders", "StandstillStopped", complaint.StandstillStopped)
def _clock_stopped(rows: Rows, event: complaint.StandstillStopped, entry: Entry) -> None:
    change(rows, entry, stopped_days=event.left_days)


@on("orders", "StandstillResumed", complaint.StandstillResumed)
def _clock_resumed(rows: Rows, event: complaint.StandstillResumed, entry: Entry) -> None:
    until = to_text(event.until)
    change(rows, entry, stopped_days=None, standstill_until=until, standstill_explained=event.explained)

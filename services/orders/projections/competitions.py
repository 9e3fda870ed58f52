"""Competitions from draft to agreed, as lists and pages show them."""

from __future__ import annotations

from typing import Any

from kernel.instants import to_text
from kernel.projection import Entry, Projection, Seen
from kernel.rows import Rows
from services.orders.domain.competition import (
    admission,
    announcement,
    award,
    closing,
    competition,
    evaluation,
    opening,
    publication,
    questions,
    ranking,
)
from services.orders.tables.competition import (
    compared_bid,
    competition_lot,
    competitions,
    conflict,
    lot_result,
    question,
    score,
    trail,
)

competitions_projection = Projection(
    "competitions", (competitions, competition_lot, lot_result, question, compared_bid, conflict, score)
)
on = competitions_projection.on


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(competitions, {"competition_id": entry.stream_id}, changed_at=entry.time, **values)


@on("orders", "CompetitionDrafted", announcement.CompetitionDrafted)
def _drafted(rows: Rows, event: announcement.CompetitionDrafted, entry: Entry) -> None:
    plain = event.model_dump(mode="json", exclude={"lots", "drafted_by"})
    rows.insert(competitions, status="draft", drafted_at=entry.time, changed_at=entry.time, **plain)
    for position, lot in enumerate(event.lots, start=1):
        rows.insert(competition_lot, competition_id=entry.stream_id, position=position, **lot.model_dump())


@on("orders", "CompetitionPublished", publication.CompetitionPublished)
def _published(rows: Rows, event: publication.CompetitionPublished, entry: Entry) -> None:
    wanted = {
        "deadline",
        "deadline_explanation",
        "explained",
        "calendar_version",
        "questions_until",
        "formulas_hash",
        "limits",
        "region_version",
    }
    _change(rows, entry, status="published", published_at=entry.time, **event.model_dump(mode="json", include=wanted))


@on("orders", "EvaluatorsAppointed", announcement.EvaluatorsAppointed)
def _appointed(rows: Rows, event: announcement.EvaluatorsAppointed, entry: Entry) -> None:
    row = rows.get(competitions, {"competition_id": entry.stream_id})
    if row is not None:
        _change(rows, entry, evaluators=[*row["evaluators"], *event.evaluators])


@on("orders", "BiddingOpened", publication.BiddingOpened)
def _bidding_opened(rows: Rows, event: publication.BiddingOpened, entry: Entry) -> None:
    _change(rows, entry, status="open", keys=event.keys)


@on("orders", "CompetitionCancelled", announcement.CompetitionCancelled)
def _cancelled(rows: Rows, event: announcement.CompetitionCancelled, entry: Entry) -> None:
    _change(rows, entry, status="cancelled", reason=event.reason)


@on("orders", "QuestionAsked", questions.QuestionAsked)
def _asked(rows: Rows, event: questions.QuestionAsked, entry: Entry) -> None:
    rows.insert(
        question,
        question_id=event.question_id,
        competition_id=event.competition_id,
        text=event.text,
        asked_at=entry.time,
    )


@on("orders", "QuestionAnswered", questions.QuestionAnswered)
def _answered(rows: Rows, event: questions.QuestionAnswered, entry: Entry) -> None:
    rows.change(question, {"question_id": event.question_id}, answer=event.answer, answered_at=entry.time)


@on("orders", "DeadlineMoved", closing.DeadlineMoved)
def _moved(rows: Rows, event: closing.DeadlineMoved, entry: Entry) -> None:
    _change(
        rows,
        entry,
        deadline=to_text(event.deadline),
        deadline_explanation=event.explanation,
        explained=event.explained,
        calendar_version=event.calendar_version,
        reason=event.reason,
    )


@on("orders", "BiddingClosed", closing.BiddingClosed)
def _closed(rows: Rows, event: closing.BiddingClosed, entry: Entry) -> None:
    _change(rows, entry, status="closed", closed_at=entry.time, reason=None)
    _compared(rows, event.standing, 1, entry)


@on("orders", "StandingBidsListed", closing.StandingBidsListed)
def _listed(rows: Rows, event: closing.StandingBidsListed, entry: Entry) -> None:
    _compared(rows, event.standing, event.first, entry)


def _compared(rows: Rows, lines: tuple[closing.StandingBid, ...], first: int, entry: Entry) -> None:
    for arrival, line in enumerate(lines, start=first):
        rows.insert(compared_bid, competition_id=entry.stream_id, arrival=arrival, status="sealed", **line.model_dump())


@on("orders", "LotsUnsuccessful", closing.LotsUnsuccessful)
def _lots_unsuccessful(rows: Rows, event: closing.LotsUnsuccessful, entry: Entry) -> None:
    _fail_lots(rows, event, entry)


@on("orders", "CompetitionUnsuccessful", closing.CompetitionUnsuccessful)
def _unsuccessful(rows: Rows, event: closing.CompetitionUnsuccessful, entry: Entry) -> None:
    _fail_lots(rows, event, entry)
    _change(rows, entry, status="unsuccessful", reason=event.reason)


def _fail_lots(rows: Rows, event: closing.LotsUnsuccessful | closing.CompetitionUnsuccessful, entry: Entry) -> None:
    for lot_id in event.lot_ids:
        rows.change(competition_lot, {"competition_id": entry.stream_id, "lot_id": lot_id}, failure=event.reason)


@on("orders", "BidsOpened", opening.BidsOpened)
def _opened(rows: Rows, event: opening.BidsOpened, entry: Entry) -> None:
    _change(rows, entry, status="opened", opened_at=to_text(event.opened_at))
    for line in event.bids:
        rows.change(
            compared_bid,
            {"competition_id": entry.stream_id, "bid_id": line.bid_id},
            status="opened",
            failure="",
            price_kopecks=line.price_kopecks,
            volume=line.volume,
            values=line.values,
        )
    for failed in event.failed:
        key = {"competition_id": entry.stream_id, "bid_id": failed.bid_id}
        rows.change(compared_bid, key, status="failed", failure=failed.code)


@on("orders", "BidAdmitted", admission.BidAdmitted)
def _admitted(rows: Rows, event: admission.BidAdmitted, entry: Entry) -> None:
    _checked(rows, event, entry, "admitted")


@on("orders", "BidRejected", admission.BidRejected)
def _rejected(rows: Rows, event: admission.BidRejected, entry: Entry) -> None:
    _checked(rows, event, entry, "rejected")


def _checked(rows: Rows, event: admission.BidAdmitted | admission.BidRejected, entry: Entry, status: str) -> None:
    key = {"competition_id": entry.stream_id, "bid_id": event.bid_id}
    rows.change(compared_bid, key, status=status, checks=[check.model_dump() for check in event.checks])


@on("orders", "EvaluationBegan", admission.EvaluationBegan)
def _began(rows: Rows, event: admission.EvaluationBegan, entry: Entry) -> None:
    _change(rows, entry, status="evaluation")


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
    for line in event.scores:
        key = {
            "competition_id": event.competition_id,
            "evaluator_id": event.evaluator_id,
            "bid_id": line.bid_id,
            "criterion": line.criterion,
        }
        rows.put(score, key, score=line.score, comment=line.comment)


@on("orders", "RankingDecided", ranking.RankingDecided)
def _ranked(rows: Rows, event: ranking.RankingDecided, entry: Entry) -> None:
    _change(rows, entry, status="decided", decided_at=to_text(event.decided_at))
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
    _change(
        rows,
        entry,
        status="standstill",
        standstill_until=to_text(event.until),
        standstill_explained=event.explained,
    )


@on("orders", "CompetitionAwarded", award.CompetitionAwarded)
def _awarded(rows: Rows, event: award.CompetitionAwarded, entry: Entry) -> None:
    _change(rows, entry, status="awarded")
    key = {"competition_id": entry.stream_id, "lot_id": event.lot_id}
    rows.change(competition_lot, key, unallocated=event.unallocated)


@on("orders", "CompetitionAgreed", award.CompetitionAgreed)
def _agreed(rows: Rows, event: award.CompetitionAgreed, entry: Entry) -> None:
    _change(rows, entry, status="agreed")


# -- the trail: every event of a competition, by name -----------------------------------------------------------------

trail_projection = Projection("trail", (trail,))


class Any_(Seen):
    """Nothing of the data."""


def _trail(rows: Rows, event: Any_, entry: Entry) -> None:
    rows.insert(
        trail,
        competition_id=entry.stream_id,
        version=entry.version,
        event=entry.name,
        event_id=entry.event_id,
        at=entry.time,
    )


for _name in competition.events:
    trail_projection.on("orders", _name, Any_)(_trail)

"""Competitions from draft to agreed, as lists and pages show them; what the commission does is in evaluation.py."""

from __future__ import annotations

from typing import Any, Protocol

from kernel.instants import to_text
from kernel.projection import Entry, Projection, Seen
from kernel.rows import Rows
from services.orders.domain.competition import (
    admission,
    amendment,
    announcement,
    award,
    closing,
    competition,
    correction,
    opening,
    publication,
    questions,
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
from services.orders.tables.procedure import second_look

competitions_projection = Projection(
    "competitions",
    (competitions, competition_lot, lot_result, question, compared_bid, conflict, score, second_look),
)
on = competitions_projection.on


def change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(competitions, {"competition_id": entry.stream_id}, changed_at=entry.time, **values)


@on("orders", "CompetitionDrafted", announcement.CompetitionDrafted)
def _drafted(rows: Rows, event: announcement.CompetitionDrafted, entry: Entry) -> None:
    plain = event.model_dump(mode="json", exclude={"lots", "drafted_by"})
    rows.insert(
        competitions,
        status="draft",
        amendments=0,
        second_looks=False,
        drafted_at=entry.time,
        changed_at=entry.time,
        **plain,
    )
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
    change(rows, entry, status="published", published_at=entry.time, **event.model_dump(mode="json", include=wanted))


@on("orders", "CompetitionAmended", amendment.CompetitionAmended)
def _amended(rows: Rows, event: amendment.CompetitionAmended, entry: Entry) -> None:
    wanted = {"title", "requirements", "criteria", "formulas_hash", "questions_until", "confirm_until"}
    change(rows, entry, amendments=event.amendment, **event.model_dump(mode="json", include=wanted))
    for position, lot in enumerate(event.lots, start=1):
        key = {"competition_id": entry.stream_id, "lot_id": lot.lot_id}
        rows.put(competition_lot, key, position=position, failure="", **lot.model_dump(exclude={"lot_id"}))
    for lot_id in event.taken_out:
        rows.change(competition_lot, {"competition_id": entry.stream_id, "lot_id": lot_id}, failure="taken_out")


@on("orders", "EvaluatorsAppointed", announcement.EvaluatorsAppointed)
def _appointed(rows: Rows, event: announcement.EvaluatorsAppointed, entry: Entry) -> None:
    row = rows.get(competitions, {"competition_id": entry.stream_id})
    if row is not None:
        change(rows, entry, evaluators=[*row["evaluators"], *event.evaluators])


@on("orders", "BiddingOpened", publication.BiddingOpened)
def _bidding_opened(rows: Rows, event: publication.BiddingOpened, entry: Entry) -> None:
    change(rows, entry, status="open", keys=event.keys)


@on("orders", "CompetitionCancelled", announcement.CompetitionCancelled)
def _cancelled(rows: Rows, event: announcement.CompetitionCancelled, entry: Entry) -> None:
    change(rows, entry, status="cancelled", reason=event.reason, stopped_days=None)


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
    change(
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
    change(rows, entry, status="closed", closed_at=entry.time, reason=None)
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
    change(rows, entry, status="unsuccessful", reason=event.reason)


def _fail_lots(rows: Rows, event: closing.LotsUnsuccessful | closing.CompetitionUnsuccessful, entry: Entry) -> None:
    for lot_id in event.lot_ids:
        rows.change(competition_lot, {"competition_id": entry.stream_id, "lot_id": lot_id}, failure=event.reason)


@on("orders", "BidsOpened", opening.BidsOpened)
def _opened(rows: Rows, event: opening.BidsOpened, entry: Entry) -> None:
    change(rows, entry, status="opened", opened_at=to_text(event.opened_at))
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
    rows.change(
        compared_bid, bid_key(event, entry), status=status, checks=[check.model_dump() for check in event.checks]
    )


@on("orders", "CorrectionAsked", correction.CorrectionAsked)
def _correction_asked(rows: Rows, event: correction.CorrectionAsked, entry: Entry) -> None:
    checks = [check.model_dump() for check in event.checks]
    until = to_text(event.until)
    rows.change(compared_bid, bid_key(event, entry), status="correcting", checks=checks, correct_until=until)


@on("orders", "BidCorrected", correction.BidCorrected)
def _corrected(rows: Rows, event: correction.BidCorrected, entry: Entry) -> None:
    rows.change(compared_bid, bid_key(event, entry), status="corrected", correction=event.text)


@on("orders", "CorrectionLapsed", correction.CorrectionLapsed)
def _lapsed(rows: Rows, event: correction.CorrectionLapsed, entry: Entry) -> None:
    rows.change(compared_bid, bid_key(event, entry), status="rejected")


class OfBid(Protocol):
    @property
    def bid_id(self) -> str: ...


def bid_key(event: OfBid, entry: Entry) -> dict[str, str]:
    return {"competition_id": entry.stream_id, "bid_id": event.bid_id}


@on("orders", "EvaluationBegan", admission.EvaluationBegan)
def _began(rows: Rows, event: admission.EvaluationBegan, entry: Entry) -> None:
    change(rows, entry, status="evaluation")


@on("orders", "CompetitionAwarded", award.CompetitionAwarded)
def _awarded(rows: Rows, event: award.CompetitionAwarded, entry: Entry) -> None:
    change(rows, entry, status="awarded")
    key = {"competition_id": entry.stream_id, "lot_id": event.lot_id}
    rows.change(competition_lot, key, unallocated=event.unallocated)


@on("orders", "CompetitionAgreed", award.CompetitionAgreed)
def _agreed(rows: Rows, event: award.CompetitionAgreed, entry: Entry) -> None:
    change(rows, entry, status="agreed")


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

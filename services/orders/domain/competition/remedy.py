"""What the complaint body decides (complaint.py): taken, declined, or satisfied with a remedy that is carried out.

The body is the one that the region named when the complaint was filed; its staff are auditors of that organisation and
nobody of the buyer. A remedy leads back to the formal check or to the scores of the lot, or cancels; a new ranking, with a
standstill of its own, resolves the complaint.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from kernel.aggregate import Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.instants import Instant, to_text
from kernel.refusal import Refusal, require
from services.orders.domain.competition.announcement import CompetitionCancelled
from services.orders.domain.competition.complaint import (
    COMPLAINT_OVER,
    ComplaintDeclined,
    StandstillResumed,
    becomes,
    complaint_of,
    over_without_remedy,
    superseded,
)
from services.orders.domain.competition.state import (
    LAW,
    LIVING_COMPLAINT,
    Competition,
    Complaint,
    Long,
    Sheet,
    competition,
)
from services.orders.rules import Rules

PART = 1_000
"""Bids in one event: 1,400 of them fill an entry."""

Remedy = Literal["recheck", "rescore", "cancel"]

NOT_THE_BODY = Refusal(
    "not_complaint_body",
    "Жалобы решает орган, который назван в настройках региона.",
    "Complaints are decided by the body that the region's settings name.",
    "region.toml [complaints]",
    kind="forbidden",
)


# -- events -----------------------------------------------------------------------------------------------------------


class ComplaintAccepted(Event):
    """The body looks into it and decides by `decide_by`."""

    competition_id: Id
    complaint_id: Id
    decide_by: Instant
    explanation: dict[str, Any]
    explained: dict[str, str]


class ComplaintSatisfied(Event):
    """The body found it right; `remedy` says what follows."""

    competition_id: Id
    complaint_id: Id
    decision: str
    remedy: Remedy


class ComplaintResolved(Event):
    """What the body decided is carried out."""

    competition_id: Id
    complaint_id: Id


class CheckReopened(Event):
    """The rankings of `lots` are void; `bids` of `lot_id` are checked against the requirements again.

    Several events of one transaction where they are many; together they name every bid that is checked again.
    """

    competition_id: Id
    complaint_id: Id
    lot_id: Id
    lots: tuple[Id, ...]
    bids: tuple[Id, ...]


class EvaluationReopened(Event):
    """The rankings of `lots` are void; the scores of `lot_id` are given again, unseen as before."""

    competition_id: Id
    complaint_id: Id
    lot_id: Id
    lots: tuple[Id, ...]


# -- commands and decisions -------------------------------------------------------------------------------------------


class AcceptComplaint(Command):
    id: Id
    complaint_id: Id


class DeclineComplaint(Command):
    """Of one that isn't accepted yet: it is not taken; of one that is: it was found wrong."""

    id: Id
    complaint_id: Id
    reason: Long


class SatisfyComplaint(Command):
    id: Id
    complaint_id: Id
    decision: Long
    remedy: Remedy


@competition.command(AcceptComplaint, roles={"auditor"}, states={"standstill"}, emits=(ComplaintAccepted,), ground=LAW)
def accept(state: Competition, command: AcceptComplaint, context: Context) -> Decision:
    rules: Rules = context.rules
    _decided_by_body(state, command.complaint_id, context, "pending")
    until = rules.calendar.add_working_days(context.now, rules.days["complaint_decision_working_days"], rules.zone)
    event = ComplaintAccepted(
        competition_id=context.id,
        complaint_id=command.complaint_id,
        decide_by=until.at,
        explanation=until.to_json(),
        explained={"ru": until.explain("ru"), "en": until.explain("en")},
    )
    return decided(event, decide_by=to_text(until.at))


@competition.command(
    DeclineComplaint,
    roles={"auditor"},
    states={"standstill"},
    emits=(ComplaintDeclined, StandstillResumed),
    ground=LAW,
)
def decline(state: Competition, command: DeclineComplaint, context: Context) -> Decision:
    _decided_by_body(state, command.complaint_id, context, *LIVING_COMPLAINT)
    event = ComplaintDeclined(competition_id=context.id, complaint_id=command.complaint_id, reason=command.reason)
    return over_without_remedy(state, event, context)


@competition.command(
    SatisfyComplaint,
    roles={"auditor"},
    states={"standstill"},
    emits=(
        ComplaintSatisfied,
        ComplaintDeclined,
        ComplaintResolved,
        CheckReopened,
        EvaluationReopened,
        CompetitionCancelled,
    ),
    ground=LAW,
)
def satisfy(state: Competition, command: SatisfyComplaint, context: Context) -> Decision:
    found = _decided_by_body(state, command.complaint_id, context, "accepted")
    satisfied = ComplaintSatisfied(
        competition_id=context.id,
        complaint_id=command.complaint_id,
        decision=command.decision,
        remedy=command.remedy,
    )
    others = superseded(state, context.id, "Итог, который обжалован, отменён по другой жалобе.", command.complaint_id)
    place = {"competition_id": context.id, "complaint_id": command.complaint_id}
    if command.remedy == "cancel":
        cancelled = CompetitionCancelled(competition_id=context.id, reason=command.decision)
        return decided(satisfied, *others, ComplaintResolved(**place), cancelled)
    where: dict[str, Any] = {**place, "lot_id": found.lot_id, "lots": tuple(state.ranked)}
    if command.remedy == "rescore":
        return decided(satisfied, *others, EvaluationReopened(**where))
    bids = _checked_again(state, found.lot_id)
    parts = [CheckReopened(**where, bids=bids[start : start + PART]) for start in range(0, len(bids), PART)]
    return decided(satisfied, *others, *parts)


def _checked_again(state: Competition, lot_id: str) -> tuple[str, ...]:
    """The lot's bids that were checked. A price that was decided on stays decided: it is no requirement's matter."""
    checked = state.bids_of(lot_id, "admitted", "rejected")
    return tuple(bid.bid_id for bid in checked if bid.low_price != "rejected")


def resolved(state: Competition, competition_id: str) -> Iterable[ComplaintResolved]:
    """The complaints that a new ranking carries out."""
    return (
        ComplaintResolved(competition_id=competition_id, complaint_id=complaint_id)
        for complaint_id, one in state.complaints.items()
        if one.status == "satisfied"
    )


def _decided_by_body(state: Competition, complaint_id: str, context: Context, *states: str) -> Complaint:
    """The complaint, where the actor is of the body that decides it and it is in one of `states`."""
    found = complaint_of(state, complaint_id)
    require(context.actor.organisation == found.body_id, NOT_THE_BODY)
    require(found.status in states, COMPLAINT_OVER, state=found.status)
    return found


# -- what events change -----------------------------------------------------------------------------------------------


@competition.event(ComplaintAccepted)
def _accepted(state: Competition, event: ComplaintAccepted) -> Competition:
    return becomes(state, event.complaint_id, "accepted")


@competition.event(ComplaintSatisfied)
def _satisfied(state: Competition, event: ComplaintSatisfied) -> Competition:
    return becomes(state, event.complaint_id, "satisfied")


@competition.event(ComplaintResolved)
def _resolved(state: Competition, event: ComplaintResolved) -> Competition:
    return becomes(state, event.complaint_id, "resolved")


@competition.event(CheckReopened, to="opened")
def _check_reopened(state: Competition, event: CheckReopened) -> Competition:
    again = set(event.bids)
    bids = tuple(changed(bid, status="opened") if bid.bid_id in again else bid for bid in state.bids)
    return changed(_without_result(state), bids=bids)


@competition.event(EvaluationReopened, to="evaluation")
def _evaluation_reopened(state: Competition, event: EvaluationReopened) -> Competition:
    of_lot = {bid.bid_id for bid in state.bids_of(event.lot_id)}

    def without(sheet: Sheet) -> Sheet:
        return changed(sheet, scores={bid_id: row for bid_id, row in sheet.scores.items() if bid_id not in of_lot})

    looks = {bid_id: row for bid_id, row in state.second_looks.items() if bid_id not in of_lot}
    sheets = {member: without(sheet) for member, sheet in state.sheets.items()}
    return changed(_without_result(state), sheets=sheets, second_looks=looks)


def _without_result(state: Competition) -> Competition:
    return changed(state, ranked={}, standstill_until=None, stopped_days=None, renewed=True)

"""Complaints in the standstill: filed and withdrawn by who bid; they stop its clock. The body's part is in remedy.py.

DOMAIN §2(b): pending → accepted → satisfied → resolved | declined | withdrawn. Whoever bid for a lot may complain about its
result while the standstill runs. From the first complaint on the clock stands still; when the last one is declined or
withdrawn it goes on with the working days that were left. A complaint that is satisfied ends the standstill: the
bids of its lot are checked again, or scored again, or the competition is cancelled (remedy), and the complaint is
resolved by the new ranking or the cancellation. Other complaints of that moment are about a result that is no more: they
are declined with it, and the new result has a standstill of its own.

A complaint's draft is its author's own business: nothing of it is stored before it is filed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel.aggregate import Command, Context, Decision, Due, Event, changed, decided
from kernel.calendar import Deadline
from kernel.ids import Id
from kernel.instants import Instant, to_text
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain.competition.award import AwardCompetition
from services.orders.domain.competition.closing import GRACE
from services.orders.domain.competition.state import (
    LAW,
    LIVING_COMPLAINT,
    Competition,
    Complaint,
    Long,
    competition,
)
from services.orders.rules import Rules

MAX_PER_BIDDER = 3
"""Complaints of one bidder in one competition: more would only hold it up."""

COMPLAINED_LATE = Refusal(
    "complained_late",
    "Обжаловать итог можно было до {until}.",
    "The result could be complained about until {until}.",
    "region.toml standstill_working_days",
    kind="late",
)
NO_BIDDER = Refusal(
    "no_bidder_of_lot",
    "Обжаловать итог лота может тот, кто подавал на него заявку.",
    "Who bid for a lot may complain about its result.",
    "DOMAIN §2: complaints in the standstill",
    kind="forbidden",
)
TOO_MANY_COMPLAINTS = Refusal(
    "too_many_complaints",
    "От вас уже {limit} жалобы в этом конкурсе, больше не принимается.",
    "You have filed {limit} complaints in this competition already, no more are taken.",
)
NOT_THE_COMPLAINT = Refusal(
    "complaint_unknown",
    "В этом конкурсе нет жалобы {complaint_id}.",
    "This competition has no complaint {complaint_id}.",
    kind="missing",
)
COMPLAINT_OVER = Refusal(
    "complaint_state",
    "Жалоба уже в состоянии «{state}».",
    "The complaint is “{state}” already.",
)


# -- events -----------------------------------------------------------------------------------------------------------


class ComplaintFiled(Event):
    """`number` counts in its competition; `body_id` is who decides, by the region as it was then."""

    competition_id: Id
    complaint_id: Id
    number: int
    lot_id: Id
    provider_id: Id
    text: str
    body_id: Id
    accept_by: Instant
    accept_explanation: dict[str, Any]
    region_version: str


class StandstillStopped(Event):
    """The clock stands still from `stopped_at` on, `left_days` working days before `ends_at`: `explanation` counts them."""

    competition_id: Id
    stopped_at: Instant
    left_days: int
    explanation: dict[str, Any]
    ends_at: Instant | None = None


class StandstillResumed(Event):
    """No complaint is left: the days that were left run again, to `until`."""

    competition_id: Id
    until: Instant
    explanation: dict[str, Any]
    explained: dict[str, str]
    calendar_version: str


class ComplaintDeclined(Event):
    """Not taken, found wrong, or about a result that is no more (`superseded`)."""

    competition_id: Id
    complaint_id: Id
    reason: str
    superseded: bool = False


class ComplaintWithdrawn(Event):
    competition_id: Id
    complaint_id: Id
    reason: str


# -- commands ---------------------------------------------------------------------------------------------------------


class FileComplaint(Command):
    id: Id
    lot_id: Id
    text: Long


class WithdrawComplaint(Command):
    id: Id
    complaint_id: Id
    reason: Long


# -- decisions --------------------------------------------------------------------------------------------------------


@competition.command(
    FileComplaint,
    roles={"provider"},
    states={"standstill"},
    emits=(ComplaintFiled, StandstillStopped),
    ground=LAW,
)
def file(state: Competition, command: FileComplaint, context: Context) -> Decision:
    rules: Rules = context.rules
    provider_id = context.actor.organisation
    require(provider_id is not None, NOT_YOURS)
    assert provider_id is not None and state.standstill_until is not None
    state.lot(command.lot_id)
    require(any(bid.provider_id == provider_id for bid in state.bids_of(command.lot_id)), NO_BIDDER)
    own = sum(one.provider_id == provider_id for one in state.complaints.values())
    require(own < MAX_PER_BIDDER, TOO_MANY_COMPLAINTS, limit=MAX_PER_BIDDER)
    # While the clock stands still its end is open: others may join in.
    in_time = state.stopped_days is not None or context.received_at <= state.standstill_until
    require(in_time, COMPLAINED_LATE, until=to_text(state.standstill_until))
    complaint_id, number = context.new_id(), len(state.complaints) + 1
    accept = rules.calendar.add_working_days(context.now, rules.days["complaint_acceptance_working_days"], rules.zone)
    filed = ComplaintFiled(
        competition_id=context.id,
        complaint_id=complaint_id,
        number=number,
        lot_id=command.lot_id,
        provider_id=provider_id,
        text=command.text,
        body_id=rules.complaint_body,
        accept_by=accept.at,
        accept_explanation=accept.to_json(),
        region_version=rules.version,
    )
    stopped = () if state.stopped_days is not None else (_stopped(state, context),)
    return decided(filed, *stopped, complaint_id=complaint_id, number=number)


def _stopped(state: Competition, context: Context) -> StandstillStopped:
    left = _working_days_left(state.standstill_until, context)
    return StandstillStopped(
        competition_id=context.id,
        stopped_at=context.received_at,
        left_days=left.days,
        explanation=left.to_json(),
        ends_at=state.standstill_until,
    )


def _working_days_left(until: Instant | None, context: Context) -> Deadline:
    """The fewest working days after the day of receipt that reach the standstill's end."""
    rules: Rules = context.rules
    assert until is not None
    days = 0
    while (counted := rules.calendar.add_working_days(context.received_at, days, rules.zone)).at < until:
        days += 1
    return counted


@competition.command(
    WithdrawComplaint,
    roles={"provider"},
    states={"standstill"},
    emits=(ComplaintWithdrawn, StandstillResumed),
    ground=LAW,
)
def withdraw(state: Competition, command: WithdrawComplaint, context: Context) -> Decision:
    found = complaint_of(state, command.complaint_id)
    require(found.provider_id == context.actor.organisation, NOT_YOURS)
    require(found.status in LIVING_COMPLAINT, COMPLAINT_OVER, state=found.status)
    event = ComplaintWithdrawn(competition_id=context.id, complaint_id=command.complaint_id, reason=command.reason)
    return over_without_remedy(state, event, context)


def over_without_remedy(
    state: Competition, event: ComplaintDeclined | ComplaintWithdrawn, context: Context
) -> Decision:
    """The complaint is over without a remedy; with the last one the clock goes on."""
    after = competition.evolve(state, event)
    if after.living_complaints or state.stopped_days is None:
        return decided(event)
    rules: Rules = context.rules
    until = rules.calendar.add_working_days(context.now, state.stopped_days, rules.zone)
    resumed = StandstillResumed(
        competition_id=context.id,
        until=until.at,
        explanation=until.to_json(),
        explained={"ru": until.explain("ru"), "en": until.explain("en")},
        calendar_version=until.calendar_version,
    )
    due = (Due(until.at + GRACE, AwardCompetition(id=context.id)),)
    return decided(event, resumed, due=due, standstill_until=to_text(until.at))


def superseded(state: Competition, competition_id: str, reason: str, *but: str) -> list[ComplaintDeclined]:
    """What becomes of living complaints when the result that they are about is no more."""
    return [
        ComplaintDeclined(competition_id=competition_id, complaint_id=complaint_id, reason=reason, superseded=True)
        for complaint_id in state.living_complaints
        if complaint_id not in but
    ]


def complaint_of(state: Competition, complaint_id: str) -> Complaint:
    found = state.complaints.get(complaint_id)
    require(found is not None, NOT_THE_COMPLAINT, complaint_id=complaint_id)
    assert found is not None
    return found


# -- what events change -----------------------------------------------------------------------------------------------


@competition.computes(ComplaintFiled)
def _filed_again(state: Competition, event: ComplaintFiled) -> Mapping[str, Any]:
    return {"number": len(state.complaints) + 1}


@competition.computes(StandstillStopped)
def _stopped_again(state: Competition, event: StandstillStopped) -> Mapping[str, Any]:
    return {"left_days": event.explanation["days"], "ends_at": state.standstill_until}


@competition.computes(StandstillResumed)
def _resumed_again(state: Competition, event: StandstillResumed) -> Mapping[str, Any]:
    # What was left when the clock stopped runs again: neither more nor less.
    return {"explanation": {**event.explanation, "days": state.stopped_days}}


@competition.event(ComplaintFiled)
def _filed(state: Competition, event: ComplaintFiled) -> Competition:
    filed = Complaint(event.provider_id, event.lot_id, event.body_id)
    return changed(state, complaints={**state.complaints, event.complaint_id: filed})


@competition.event(StandstillStopped)
def _clock_stopped(state: Competition, event: StandstillStopped) -> Competition:
    return changed(state, stopped_days=event.left_days)


@competition.event(StandstillResumed)
def _clock_resumed(state: Competition, event: StandstillResumed) -> Competition:
    return changed(state, stopped_days=None, standstill_until=event.until)


def becomes(state: Competition, complaint_id: str, status: str) -> Competition:
    one = changed(state.complaints[complaint_id], status=status)
    return changed(state, complaints={**state.complaints, complaint_id: one})


@competition.event(ComplaintDeclined)
def _declined(state: Competition, event: ComplaintDeclined) -> Competition:
    return becomes(state, event.complaint_id, "declined")


@competition.event(ComplaintWithdrawn)
def _withdrawn(state: Competition, event: ComplaintWithdrawn) -> Competition:
    return becomes(state, event.complaint_id, "withdrawn")

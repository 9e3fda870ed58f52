"""One correction of a bid: a deficiency that the announcement lists as correctable, put right within the region's hours.

DOMAIN §2(b): a listed deficiency may be corrected once within 24 hours. The officer's check asks for it instead of
rejecting, where nothing else is wrong; the bidder says what it has put right; the officer checks again, and then the bid
is admitted or rejected. Who says nothing in time is rejected for what the first check found. A term that would end on a
day off ends with the next working day (Civil Code art. 193).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kernel.aggregate import Command, Context, Decision, Due, Event, decided
from kernel.ids import Id
from kernel.instants import Instant, to_text
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain.competition.closing import GRACE
from services.orders.domain.competition.state import LAW, Bid, Check, Competition, Long, competition
from services.orders.rules import Rules

NOT_ASKED = Refusal(
    "correction_not_asked",
    "Исправить эту заявку не предлагали или исправление уже получено.",
    "This bid was not to be corrected, or its correction is here already.",
    "DOMAIN §2: a listed deficiency may be corrected once",
)
CORRECTED_LATE = Refusal(
    "corrected_late",
    "Исправить недочёт можно было до {until}.",
    "The deficiency could be corrected until {until}.",
    "region.toml formal_correction_hours",
    kind="late",
)


class CorrectionAsked(Event):
    """The check found nothing but deficiencies that may be corrected; `hours` from the check lead to `until`.

    Where that instant fell on a day off, `explanation` is how it was moved to a working day (kernel.calendar.Deadline).
    """

    competition_id: Id
    bid_id: Id
    bidder: str
    checks: tuple[Check, ...]
    hours: int
    until: Instant
    explanation: dict[str, Any] | None = None


class BidCorrected(Event):
    competition_id: Id
    bid_id: Id
    text: str


class CorrectionLapsed(Event):
    """Nothing came in time: the bid is rejected for what the check had found."""

    competition_id: Id
    bid_id: Id


class CorrectBid(Command):
    """What the bidder has put right; its new papers are where the announcement says."""

    id: Id
    bid_id: Id
    text: Long


class LapseCorrection(Command):
    """Due when the time for a correction is over."""

    id: Id
    bid_id: Id


def may_be_corrected(state: Competition, bid: Bid, checks: Iterable[Check]) -> bool:
    """Whether all that isn't met is listed as correctable, and nothing of this bid was corrected before."""
    listed = {requirement.code for requirement in state.requirements if requirement.correctable}
    unmet = {check.requirement for check in checks if not check.met}
    return bool(unmet) and unmet <= listed and bid.correct_until is None


def ask_correction(bid: Bid, bidder: str, checks: tuple[Check, ...], context: Context) -> Decision:
    """The decision that asks for it, with the command that ends the wait."""
    rules: Rules = context.rules
    hours = rules.days["formal_correction_hours"]
    until, explanation = correction_term(context.now, hours, rules)
    event = CorrectionAsked(
        competition_id=context.id,
        bid_id=bid.bid_id,
        bidder=bidder,
        checks=checks,
        hours=hours,
        until=until,
        explanation=explanation,
    )
    due = (Due(until + GRACE, LapseCorrection(id=context.id, bid_id=bid.bid_id)),)
    return decided(event, due=due, admitted=False, correct_until=to_text(until))


def correction_term(start: datetime, hours: int, rules: Rules) -> tuple[datetime, dict[str, Any] | None]:
    """`hours` after `start`, or the end of the next working day where that is a day off, with how it was counted."""
    until = start + timedelta(hours=hours)
    if rules.calendar.is_working(until.astimezone(ZoneInfo(rules.zone)).date()):
        return until, None
    counted = rules.calendar.add_working_days(until, 0, rules.zone)
    return counted.at, counted.to_json()


@competition.command(CorrectBid, roles={"provider"}, states={"opened"}, emits=(BidCorrected,), ground=LAW)
def correct(state: Competition, command: CorrectBid, context: Context) -> Decision:
    bid = state.bid(command.bid_id)
    require(bid.provider_id == context.actor.organisation, NOT_YOURS)
    require(bid.status == "correcting", NOT_ASKED)
    assert bid.correct_until is not None
    require(context.received_at <= bid.correct_until, CORRECTED_LATE, until=to_text(bid.correct_until))
    return decided(BidCorrected(competition_id=context.id, bid_id=bid.bid_id, text=command.text))


@competition.command(LapseCorrection, roles={"system"}, states={"opened"}, emits=(CorrectionLapsed,), ground=LAW)
def lapse(state: Competition, command: LapseCorrection, context: Context) -> Decision:
    if state.bid(command.bid_id).status != "correcting":
        return decided()
    return decided(CorrectionLapsed(competition_id=context.id, bid_id=command.bid_id))


@competition.event(CorrectionAsked)
def _asked(state: Competition, event: CorrectionAsked) -> Competition:
    return state.with_bid(
        event.bid_id,
        status="correcting",
        bidder=event.bidder,
        reasons=unmet_reasons(event.checks),
        correct_until=event.until,
    )


@competition.event(BidCorrected)
def _corrected(state: Competition, event: BidCorrected) -> Competition:
    return state.with_bid(event.bid_id, status="corrected")


@competition.event(CorrectionLapsed)
def _lapsed(state: Competition, event: CorrectionLapsed) -> Competition:
    return state.with_bid(event.bid_id, status="rejected")


def unmet_reasons(checks: Iterable[Check]) -> tuple[str, ...]:
    """What a paper says of checks that found something."""
    return tuple(f"{check.requirement}: {check.reason}" for check in checks if not check.met)

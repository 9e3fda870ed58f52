"""The closing: at the deadline plus the longest call deadline, so that every bid received in time stands before it.

A bid is in time when the gateway received it before the deadline; its call may then take up to ten seconds. The closing
waits that long and takes the exclusive form of the lock that bids hold shared (DESIGN D3): whatever was received in
time is decided by then and is in the log before `BiddingClosed`. The list names the standing version of each bid in the
order in which those versions stand in the log, which is also the order that settles a tie. Where it is longer than an
entry may be, it goes on in `StandingBidsListed`, written by the same transaction; `BiddingClosed` counts all lines and
names their hash, so nobody can take a part for the whole, nor add to it.

What keeps a competition from closing moves its deadline, visibly: an unanswered question (DOMAIN §2), or keys that the
custodians haven't published, without which nobody could bid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kernel import canonical
from kernel.aggregate import Command, Context, Decision, Due, Event, changed, decided
from kernel.ids import Id
from kernel.instants import Instant
from services.orders.domain.competition.opening import PATIENCE, OpenBids
from services.orders.domain.competition.state import LAW, Bid, Competition, Part, competition
from services.orders.rules import Rules

GRACE = timedelta(seconds=10)
"""The longest call deadline: a bid that was received in time has been decided by then."""

PART = 250
"""Lines of the closing's list in one event: 300 of them fill an entry."""

LOOK_AHEAD = timedelta(hours=1)
"""How long before the deadline it is looked at whether it has to move, so that it moves before it passes."""


class StandingBid(Part):
    """One line of the closing's list."""

    bid_id: Id
    lot_id: Id
    provider_id: Id
    bid_version: int


class DeadlineMoved(Event):
    """`explanation` is how the new deadline was counted (kernel.calendar.Deadline)."""

    competition_id: Id
    deadline: Instant
    previous: Instant
    reason: str
    unanswered: tuple[Id, ...]
    explanation: dict[str, Any]
    explained: dict[str, str]
    calendar_version: str


class BiddingClosed(Event):
    """`standing` begins the list; `count` lines in all, whose hash (`list_hash`) is `standing_hash`.

    Where `count` is null the event is older than lists in parts, and `standing` is the whole list.
    """

    competition_id: Id
    deadline: Instant
    standing: tuple[StandingBid, ...]
    count: int | None = None
    standing_hash: str = ""


class StandingBidsListed(Event):
    """The closing's list goes on: `first` is the place of the first line here, counted from 1."""

    competition_id: Id
    first: int
    standing: tuple[StandingBid, ...]


class LotsUnsuccessful(Event):
    """Some lots have come to nothing while the competition goes on with the others; their volume is free again."""

    competition_id: Id
    lot_ids: tuple[Id, ...]
    reason: str


class CompetitionUnsuccessful(Event):
    """`lot_ids`: the lots that came to nothing with this event (none is left)."""

    competition_id: Id
    lot_ids: tuple[Id, ...]
    reason: str


class HoldForQuestions(Command):
    """Due shortly before the deadline that it was made for."""

    id: Id
    deadline: Instant


class CloseBidding(Command):
    """Due ten seconds after the deadline that it was made for."""

    id: Id
    deadline: Instant


@dataclass(frozen=True)
class Standing:
    """The bids that stand, in the order of the log; `sealed`: whether all of their events are in it already."""

    bids: tuple[StandingBid, ...]
    sealed: bool


def list_hash(lines: Iterable[StandingBid]) -> str:
    """The SHA-256 of the canonical bytes of a whole list of standing bids."""
    return hashlib.sha256(canonical.dumps([line.model_dump() for line in lines])).hexdigest()


def closing_dues(competition_id: str, deadline: datetime) -> tuple[Due, ...]:
    """The commands that a deadline brings with it; a moved one brings its own, and these find that it moved."""
    return (
        Due(deadline - LOOK_AHEAD, HoldForQuestions(id=competition_id, deadline=deadline)),
        Due(deadline + GRACE, CloseBidding(id=competition_id, deadline=deadline)),
    )


@competition.command(
    HoldForQuestions, roles={"system"}, states={"published", "open"}, emits=(DeadlineMoved,), ground=LAW
)
def hold(state: Competition, command: HoldForQuestions, context: Context) -> Decision:
    if state.deadline != command.deadline:
        return decided()
    reason = _what_blocks(state)
    return _move(state, reason, context) if reason else decided()


@competition.command(
    CloseBidding,
    roles={"system"},
    states={"published", "open"},
    emits=(DeadlineMoved, BiddingClosed, StandingBidsListed, LotsUnsuccessful, CompetitionUnsuccessful),
    ground=LAW,
)
def close(state: Competition, command: CloseBidding, context: Context) -> Decision:
    if state.deadline != command.deadline:
        return decided()
    if context.now < command.deadline + GRACE:
        return decided(due=(Due(command.deadline + GRACE, command),))
    # Only a system that slept through the hour before the deadline finds something here.
    if reason := _what_blocks(state):
        return _move(state, reason, context)
    standing: Standing = context.facts
    if not standing.sealed:
        # The order of the log isn't known yet: the sealer is a moment behind, so once more.
        return decided(due=(Due(context.now, command),))
    closed = _list(standing.bids, command.deadline, context)
    with_bids = {bid.lot_id for bid in standing.bids}
    empty = tuple(lot.lot_id for lot in state.lots if lot.lot_id not in with_bids)
    if not with_bids:
        return decided(*closed, CompetitionUnsuccessful(competition_id=context.id, lot_ids=empty, reason="no_bids"))
    due = (Due(context.now + PATIENCE, OpenBids(id=context.id)),)
    if empty:
        return decided(*closed, LotsUnsuccessful(competition_id=context.id, lot_ids=empty, reason="no_bids"), due=due)
    return decided(*closed, due=due)


def _list(bids: tuple[StandingBid, ...], deadline: datetime, context: Context) -> list[Event]:
    """The closing with the beginning of the list, and what its entry has no place for."""
    closed = BiddingClosed(
        competition_id=context.id,
        deadline=deadline,
        standing=bids[:PART],
        count=len(bids),
        standing_hash=list_hash(bids),
    )
    following = [
        StandingBidsListed(competition_id=context.id, first=start + 1, standing=bids[start : start + PART])
        for start in range(PART, len(bids), PART)
    ]
    return [closed, *following]


def _what_blocks(state: Competition) -> str:
    if state.status == "published":
        return "keys_missing"
    return "unanswered_questions" if state.unanswered else ""


def _move(state: Competition, reason: str, context: Context) -> Decision:
    """Move the deadline: by the term of an answer, or by the whole acceptance period if nobody could bid yet."""
    rules: Rules = context.rules
    assert state.deadline is not None
    days = "answer_working_days" if reason == "unanswered_questions" else "minimum_acceptance_working_days"
    # Counted from the old deadline: what was announced is never shortened, and from now if that has passed.
    counted = rules.calendar.add_working_days(max(state.deadline, context.now), rules.days[days], rules.zone)
    event = DeadlineMoved(
        competition_id=context.id,
        deadline=counted.at,
        previous=state.deadline,
        reason=reason,
        unanswered=state.unanswered,
        explanation=counted.to_json(),
        explained={"ru": counted.explain("ru"), "en": counted.explain("en")},
        calendar_version=counted.calendar_version,
    )
    return decided(event, due=closing_dues(context.id, counted.at))


@competition.event(DeadlineMoved)
def _moved(state: Competition, event: DeadlineMoved) -> Competition:
    return changed(state, deadline=event.deadline)


@competition.event(BiddingClosed, to="closed")
def _closed(state: Competition, event: BiddingClosed) -> Competition:
    return changed(state, bids=_bids(event.standing, 1), closed_at=event.deadline)


@competition.event(StandingBidsListed)
def _listed(state: Competition, event: StandingBidsListed) -> Competition:
    return changed(state, bids=(*state.bids, *_bids(event.standing, event.first)))


def _bids(lines: tuple[StandingBid, ...], first: int) -> tuple[Bid, ...]:
    return tuple(
        Bid(line.bid_id, line.lot_id, line.provider_id, line.bid_version, arrival)
        for arrival, line in enumerate(lines, start=first)
    )


@competition.event(LotsUnsuccessful)
def _lots_unsuccessful(state: Competition, event: LotsUnsuccessful) -> Competition:
    return changed(state, failed_lots=(*state.failed_lots, *event.lot_ids))


@competition.event(CompetitionUnsuccessful, to="unsuccessful")
def _unsuccessful(state: Competition, event: CompetitionUnsuccessful) -> Competition:
    return changed(state, failed_lots=(*state.failed_lots, *event.lot_ids))

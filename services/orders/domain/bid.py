"""A bid: sealed on the bidder's side, replaced or withdrawn until the deadline, read by nobody before it.

One bid per provider and lot (its stream's id follows from both; a lot that is announced again finds the same streams,
and versions go on counting). A bid is in time when the gateway received it before the deadline; the commands hold the
shared form of their competition's lock and read the deadline after it, the closing takes the exclusive form (DESIGN
D3). A bid from before an amendment stands only once it is confirmed. A late bid is refused, and the attempt is a fact
once per provider and competition. A version takes effect whole: what is sealed is bound to its number, so an older one
can't be shown again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided, refused
from kernel.ids import Id, derived_id
from kernel.instants import to_text
from kernel.refusal import MISSING, NOT_YOURS, Refusal, Refused, require
from kernel.sealing import Sealed
from services.orders.domain.competition.state import MAX_BIDS, NOT_THE_LOT

LAW = "189-FZ ch. 3"
PRIVATE = "after:BiddingClosed:competition_id"
SealedBy = Literal["bidder", "gateway"]

LATE = Refusal(
    "bid_late",
    "Срок подачи {deadline} прошёл; заявка получена {received_at}. Попытка записана.",
    "The deadline {deadline} has passed; the bid was received at {received_at}. The attempt is logged.",
    "189-FZ; DOMAIN §2: a late bid is refused and the attempt is logged",
    kind="late",
)
CHANGE_LATE = Refusal(
    "bid_change_late",
    "Срок подачи {deadline} прошёл: заявку уже нельзя отозвать.",
    "The deadline {deadline} has passed: the bid can't be withdrawn any more.",
    "DOMAIN §2: withdrawn until the deadline",
    kind="late",
)
NOT_OPEN = Refusal(
    "bidding_not_open",
    "Приём заявок не идёт: состояние конкурса «{state}».",
    "Bids are not taken: the competition is “{state}”.",
)
NOT_ACTIVE = Refusal(
    "provider_not_active",
    "Заявки подают действующие участники реестра; ваше состояние: {state}.",
    "Bids are taken from active entries of the register; yours is: {state}.",
    "189-FZ art. 8",
    kind="forbidden",
)
STANDING_ALREADY = Refusal(
    "bid_standing",
    "Ваша заявка на этот лот уже подана: её можно заменить или отозвать.",
    "Your bid for this lot stands already: it can be replaced or withdrawn.",
)
NO_BID = Refusal(
    "no_standing_bid",
    "На этот лот в этом конкурсе у вас нет действующей заявки.",
    "You have no standing bid for this lot in this competition.",
    kind="missing",
)
WRONG_VERSION = Refusal(
    "bid_version_wrong",
    "Заявка запечатана как редакция {given}, а следующая редакция {wanted}. Запечатайте её заново.",
    "The bid is sealed as version {given}, the next version is {wanted}. Seal it again.",
    kind="stale",
)
NOTHING_TO_CONFIRM = Refusal(
    "nothing_to_confirm",
    "После вашей заявки извещение не менялось: подтверждать нечего.",
    "The announcement has not been amended since your bid: there is nothing to confirm.",
)
CONFIRMED_LATE = Refusal(
    "confirmed_late",
    "Подтвердить заявку можно было до {until}. До конца приёма её можно заменить.",
    "The bid could be confirmed until {until}. Until the deadline it can be replaced.",
    "region.toml bid_confirmation_working_days",
    kind="late",
)
TOO_MANY_BIDS = Refusal(
    "too_many_bids",
    "На конкурс подано {limit} заявок, больше не принимается.",
    "This competition has taken {limit} bids and takes no more.",
)


# -- events -----------------------------------------------------------------------------------------------------------


class BidSubmitted(Event, readers=PRIVATE):
    """`amendment`: the last amendment of the announcement that the bid was made after, 0 where there was none."""

    competition_id: Id
    lot_id: Id
    provider_id: Id
    bid_version: int
    sealed: Sealed
    sealed_by: SealedBy
    amendment: int = 0


class BidReplaced(Event, readers=PRIVATE):
    competition_id: Id
    lot_id: Id
    provider_id: Id
    bid_version: int
    sealed: Sealed
    sealed_by: SealedBy
    amendment: int = 0


class BidConfirmed(Event, readers=PRIVATE):
    """The version `bid_version` stands after the amendment too, at its old place in the log."""

    competition_id: Id
    lot_id: Id
    provider_id: Id
    bid_version: int
    amendment: int


class BidWithdrawn(Event, readers=PRIVATE):
    competition_id: Id
    lot_id: Id
    provider_id: Id
    bid_version: int


class LateBidRefused(Event, readers=PRIVATE):
    """The first late attempt of a provider in a competition; further ones are only counted."""

    competition_id: Id
    lot_id: Id
    provider_id: Id


# -- commands ---------------------------------------------------------------------------------------------------------


class ForLot(Command):
    competition_id: Id
    lot_id: Id
    provider_id: Id


class SubmitBid(ForLot):
    """`bid_version` is the number that `sealed` is bound to (opening.associated_data): 1, then one more each time."""

    bid_version: int = Field(ge=1, le=1_000_000)
    sealed: Sealed
    sealed_by: SealedBy


class ReplaceBid(ForLot):
    bid_version: int = Field(ge=1, le=1_000_000)
    sealed: Sealed
    sealed_by: SealedBy


class WithdrawBid(ForLot):
    pass


class ConfirmBid(ForLot):
    """The standing version stays, although the announcement was amended after it."""


# -- state and decisions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BiddingNow:
    """What the tables say, read under the competition's lock.

    `status` "" where there is no such competition; `late_attempts` counts this one, 0 where the call is in time.
    """

    status: str
    deadline: datetime | None
    has_lot: bool
    provider_status: str
    bids: int
    late_attempts: int = 0
    amendments: int = 0
    confirm_until: datetime | None = None


@dataclass(frozen=True)
class Bid:
    """`sealed` is the standing version's form, kept for the opening."""

    status: str = NEW
    competition_id: str = ""
    lot_id: str = ""
    provider_id: str = ""
    bid_version: int = 0
    amendment: int = 0
    sealed: dict[str, str] | None = None


bid = Aggregate("Bid", Bid)


def bid_id_of(lot_id: str, provider_id: str) -> str:
    """The one bid of a provider for a lot."""
    return derived_id("bid", lot_id, provider_id)


def _stream(command: ForLot) -> str:
    return bid_id_of(command.lot_id, command.provider_id)


@bid.command(
    SubmitBid,
    roles={"provider"},
    states={NEW, "withdrawn", "late", "standing"},
    emits=(BidSubmitted, LateBidRefused),
    stream=_stream,
    ground=LAW,
)
def submit(state: Bid, command: SubmitBid, context: Context) -> Decision:
    now = _check_own(command, context)
    if now.late_attempts:
        return _late(command, now, context)
    # A bid that still stands from an earlier competition on the same lot is over with it.
    require(not _stands(state, command), STANDING_ALREADY)
    _check_bidding(state, command, now)
    event = BidSubmitted(**_fields(command), amendment=now.amendments)
    return decided(event, bid_id=context.id, bid_version=command.bid_version)


@bid.command(
    ReplaceBid,
    roles={"provider"},
    states={"standing"},
    emits=(BidReplaced, LateBidRefused),
    stream=_stream,
    ground=LAW,
)
def replace_bid(state: Bid, command: ReplaceBid, context: Context) -> Decision:
    now = _check_own(command, context)
    if now.late_attempts:
        return _late(command, now, context)
    require(_stands(state, command), NO_BID)
    _check_bidding(state, command, now)
    event = BidReplaced(**_fields(command), amendment=now.amendments)
    return decided(event, bid_id=context.id, bid_version=command.bid_version)


@bid.command(WithdrawBid, roles={"provider"}, states={"standing"}, emits=(BidWithdrawn,), stream=_stream, ground=LAW)
def withdraw(state: Bid, command: WithdrawBid, context: Context) -> Decision:
    now = _check_own(command, context)
    require(_stands(state, command), NO_BID)
    assert now.deadline is not None
    require(context.received_at < now.deadline, CHANGE_LATE, deadline=to_text(now.deadline))
    require(now.status == "open", NOT_OPEN, state=now.status)
    return decided(
        BidWithdrawn(
            competition_id=command.competition_id,
            lot_id=command.lot_id,
            provider_id=command.provider_id,
            bid_version=state.bid_version,
        ),
        bid_id=context.id,
    )


@bid.command(ConfirmBid, roles={"provider"}, states={"standing"}, emits=(BidConfirmed,), stream=_stream, ground=LAW)
def confirm(state: Bid, command: ConfirmBid, context: Context) -> Decision:
    """DOMAIN §2: an amendment marks earlier bids `to_confirm`."""
    now = _check_own(command, context)
    require(_stands(state, command), NO_BID)
    require(now.status == "open", NOT_OPEN, state=now.status)
    require(state.amendment < now.amendments, NOTHING_TO_CONFIRM)
    assert now.confirm_until is not None
    require(context.received_at <= now.confirm_until, CONFIRMED_LATE, until=to_text(now.confirm_until))
    event = BidConfirmed(
        competition_id=command.competition_id,
        lot_id=command.lot_id,
        provider_id=command.provider_id,
        bid_version=state.bid_version,
        amendment=now.amendments,
    )
    return decided(event, bid_id=context.id, bid_version=state.bid_version)


def _check_own(command: ForLot, context: Context) -> BiddingNow:
    """Whose bid, and for what: the same order of refusals in all commands, what is foreign first."""
    require(context.actor.organisation == command.provider_id, NOT_YOURS)
    now: BiddingNow = context.facts
    require(now.status not in ("", "draft"), MISSING, what="Competition", id=command.competition_id)
    require(now.has_lot, NOT_THE_LOT, lot_id=command.lot_id)
    return now


def _stands(state: Bid, command: ForLot) -> bool:
    return state.status == "standing" and state.competition_id == command.competition_id


def is_late(status: str, deadline: datetime | None, received_at: datetime) -> bool:
    """Whether a bid received then is late: for a competition that took bids, from its deadline on."""
    took_bids = status not in ("", "draft", "published", "cancelled")
    return took_bids and deadline is not None and received_at >= deadline


def _late(command: ForLot, now: BiddingNow, context: Context) -> Decision:
    assert now.deadline is not None
    refusal = LATE.having(deadline=to_text(now.deadline), received_at=to_text(context.received_at))
    if now.late_attempts > 1:
        return changed(refused(refusal), keep=True)
    event = LateBidRefused(
        competition_id=command.competition_id, lot_id=command.lot_id, provider_id=command.provider_id
    )
    return refused(refusal, event)


def _check_bidding(state: Bid, command: SubmitBid | ReplaceBid, now: BiddingNow) -> None:
    if now.status != "open":
        # Received before the deadline but decided after the closing: its call took longer than any call may.
        raise Refused(NOT_OPEN.having(state=now.status))
    require(now.provider_status == "active", NOT_ACTIVE, state=now.provider_status or "—")
    wanted = state.bid_version + 1
    require(command.bid_version == wanted, WRONG_VERSION, given=command.bid_version, wanted=wanted)
    require(_stands(state, command) or now.bids < MAX_BIDS, TOO_MANY_BIDS, limit=MAX_BIDS)


def _fields(command: SubmitBid | ReplaceBid) -> dict[str, Any]:
    return {
        "competition_id": command.competition_id,
        "lot_id": command.lot_id,
        "provider_id": command.provider_id,
        "bid_version": command.bid_version,
        "sealed": command.sealed,
        "sealed_by": command.sealed_by,
    }


# -- what events change -----------------------------------------------------------------------------------------------


@bid.event(BidSubmitted, to="standing")
def _submitted(state: Bid, event: BidSubmitted) -> Bid:
    return _standing(state, event)


@bid.event(BidReplaced, to="standing")
def _replaced(state: Bid, event: BidReplaced) -> Bid:
    return _standing(state, event)


def _standing(state: Bid, event: BidSubmitted | BidReplaced) -> Bid:
    return changed(
        state,
        competition_id=event.competition_id,
        lot_id=event.lot_id,
        provider_id=event.provider_id,
        bid_version=event.bid_version,
        amendment=event.amendment,
        sealed=event.sealed.to_dict(),
    )


@bid.event(BidConfirmed)
def _confirmed(state: Bid, event: BidConfirmed) -> Bid:
    return changed(state, amendment=event.amendment)


@bid.event(BidWithdrawn, to="withdrawn")
def _withdrawn(state: Bid, event: BidWithdrawn) -> Bid:
    return changed(state, sealed=None)


@bid.event(LateBidRefused)
def _late_refused(state: Bid, event: LateBidRefused) -> Bid:
    if state.status:
        return state
    return changed(
        state,
        status="late",
        competition_id=event.competition_id,
        lot_id=event.lot_id,
        provider_id=event.provider_id,
    )

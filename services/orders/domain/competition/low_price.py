"""Abnormally low prices: asked to be justified within the region's days, and decided by a person with a reason.

DOMAIN §2(b): a price at least so far below the mean of the others, or below the next one, is flagged (189-FZ leaves the
percentages to the region, they were frozen at publication) and its bidder is asked. Nothing is rejected automatically:
whatever the bidder says, and also if it says nothing in time, an officer accepts or rejects, and no ranking is decided
before that. A rejection changes what the others are compared with, so whoever stands out then is asked as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from pydantic import Field

from kernel.aggregate import Command, Context, Decision, Event, decided
from kernel.ids import Id
from kernel.instants import Instant, to_text
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain import scoring
from services.orders.domain.competition.state import (
    LAW,
    Competition,
    Long,
    Part,
    by_own_officer,
    competition,
)
from services.orders.rules import Rules

CHUNK = 200
"""Prices in one event: 300 of them fill an entry."""

NOT_ASKED = Refusal(
    "justification_not_asked",
    "Обосновать цену этой заявки не просили, или решение уже принято.",
    "The price of this bid was not to be justified, or that is decided already.",
    "DOMAIN §2: abnormally low offers",
)
JUSTIFIED_LATE = Refusal(
    "justified_late",
    "Обосновать цену можно было до {until}.",
    "The price could be justified until {until}.",
    "region.toml low_price_justification_working_days",
    kind="late",
)
JUSTIFICATION_AWAITED = Refusal(
    "justification_awaited",
    "Участник может обосновать цену до {until}: решать рано.",
    "The bidder may justify its price until {until}: it is too early to decide.",
    "region.toml low_price_justification_working_days",
)
LOW_PRICES_UNDECIDED = Refusal(
    "low_prices_undecided",
    "Сначала решите по необычно низким ценам; осталось: {left}.",
    "Decide on the abnormally low prices first; left: {left}.",
    "DOMAIN §2: abnormally low offers",
)

BELOW = "auto_low_price"
"""What a rejection is called among the reasons of a bid; no announced requirement's code begins so."""


class LowPrice(Part):
    """A price that stands out: `reasons` are below_mean, below_next (scoring.abnormally_low)."""

    bid_id: Id
    price_kopecks: int
    reasons: tuple[str, ...] = Field(min_length=1)


class JustificationAsked(Event):
    """Bids of one lot whose prices are abnormally low; `explanation` is how `until` was counted."""

    competition_id: Id
    lot_id: Id
    prices: tuple[LowPrice, ...]
    until: Instant
    explanation: dict[str, Any]
    explained: dict[str, str]
    calendar_version: str


class PriceJustified(Event):
    competition_id: Id
    bid_id: Id
    text: str


class LowPriceAccepted(Event):
    competition_id: Id
    bid_id: Id
    reason: str


class LowPriceRejected(Event):
    competition_id: Id
    bid_id: Id
    reason: str


class JustifyPrice(Command):
    id: Id
    bid_id: Id
    text: Long


class DecideLowPrice(Command):
    """The officer's decision on a price that was asked to be justified."""

    id: Id
    bid_id: Id
    accepted: bool
    reason: Long


# -- the computation, purely ------------------------------------------------------------------------------------------


def low_prices(state: Competition, lot_id: str) -> tuple[LowPrice, ...]:
    """The admitted bids of a lot that stand out by the frozen limits and haven't been asked yet, by arrival."""
    if not state.criteria_of("price"):
        return ()
    admitted = state.bids_of(lot_id, "admitted")
    flagged = scoring.abnormally_low(
        {bid.bid_id: Fraction(bid.price_kopecks) for bid in admitted},
        Fraction(state.frozen.abnormally_low_below_mean_percent),
        Fraction(state.frozen.abnormally_low_below_next_percent),
    )
    return tuple(
        LowPrice(bid_id=bid.bid_id, price_kopecks=bid.price_kopecks, reasons=tuple(flagged[bid.bid_id]))
        for bid in admitted
        if bid.bid_id in flagged and not bid.low_price
    )


def ask(state: Competition, lot_ids: Iterable[str], context: Context) -> list[JustificationAsked]:
    """The events that ask all who stand out in these lots; none where nobody does."""
    rules: Rules = context.rules
    days = rules.days["low_price_justification_working_days"]
    until = rules.calendar.add_working_days(context.now, days, rules.zone)
    return [
        JustificationAsked(
            competition_id=context.id,
            lot_id=lot_id,
            prices=prices[start : start + CHUNK],
            until=until.at,
            explanation=until.to_json(),
            explained={"ru": until.explain("ru"), "en": until.explain("en")},
            calendar_version=until.calendar_version,
        )
        for lot_id in lot_ids
        if (prices := low_prices(state, lot_id))
        for start in range(0, len(prices), CHUNK)
    ]


def check_all_decided(state: Competition) -> None:
    """Refuse while a price that stands out waits for its bidder or its officer."""
    left = sum(bid.status == "admitted" and bid.low_price in ("asked", "justified") for bid in state.bids)
    require(not left, LOW_PRICES_UNDECIDED, left=left)


# -- decisions --------------------------------------------------------------------------------------------------------


@competition.command(JustifyPrice, roles={"provider"}, states={"evaluation"}, emits=(PriceJustified,), ground=LAW)
def justify(state: Competition, command: JustifyPrice, context: Context) -> Decision:
    bid = state.bid(command.bid_id)
    require(bid.provider_id == context.actor.organisation, NOT_YOURS)
    require(bid.low_price in ("asked", "justified"), NOT_ASKED)
    assert bid.justify_until is not None
    require(context.received_at <= bid.justify_until, JUSTIFIED_LATE, until=to_text(bid.justify_until))
    return decided(PriceJustified(competition_id=context.id, bid_id=bid.bid_id, text=command.text))


@competition.command(
    DecideLowPrice,
    roles={"officer"},
    states={"evaluation"},
    emits=(LowPriceAccepted, LowPriceRejected, JustificationAsked),
    ground=LAW,
)
def decide_low_price(state: Competition, command: DecideLowPrice, context: Context) -> Decision:
    by_own_officer(state, context)
    bid = state.bid(command.bid_id)
    require(bid.low_price in ("asked", "justified"), NOT_ASKED)
    assert bid.justify_until is not None
    waited = bid.low_price == "justified" or context.now > bid.justify_until
    require(waited, JUSTIFICATION_AWAITED, until=to_text(bid.justify_until))
    fields: Mapping[str, Any] = {"competition_id": context.id, "bid_id": bid.bid_id, "reason": command.reason}
    if command.accepted:
        return decided(LowPriceAccepted(**fields))
    rejected = LowPriceRejected(**fields)
    return decided(rejected, *ask(_rejected(state, rejected), (bid.lot_id,), context))


# -- what events change -----------------------------------------------------------------------------------------------


@competition.computes(JustificationAsked)
def _asked_again(state: Competition, event: JustificationAsked) -> Mapping[str, Any]:
    # A part that follows another finds those asked already, so it begins where that one ended.
    return {"prices": low_prices(state, event.lot_id)[:CHUNK]}


@competition.event(JustificationAsked)
def _asked(state: Competition, event: JustificationAsked) -> Competition:
    for price in event.prices:
        state = state.with_bid(price.bid_id, low_price="asked", justify_until=event.until)
    return state


@competition.event(PriceJustified)
def _justified(state: Competition, event: PriceJustified) -> Competition:
    return state.with_bid(event.bid_id, low_price="justified")


@competition.event(LowPriceAccepted)
def _accepted(state: Competition, event: LowPriceAccepted) -> Competition:
    return state.with_bid(event.bid_id, low_price="accepted")


@competition.event(LowPriceRejected)
def _rejected(state: Competition, event: LowPriceRejected) -> Competition:
    reasons = (*state.bid(event.bid_id).reasons, f"{BELOW}: {event.reason}")
    return state.with_bid(event.bid_id, low_price="rejected", status="rejected", reasons=reasons)

"""A bid: whose, when, in which version; what a late one leaves behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from kernel.aggregate import Context, Decision
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.sealing import Sealed, generate_keypair, seal
from services.orders.domain.bid import (
    Bid,
    BiddingNow,
    BidReplaced,
    BidSubmitted,
    BidWithdrawn,
    LateBidRefused,
    ReplaceBid,
    SubmitBid,
    WithdrawBid,
    bid,
    bid_id_of,
    is_late,
)
from services.orders.domain.competition.state import MAX_BIDS
from tests.unit.orders.competition_walk import NOON, actor

COMPETITION, LOT, PROVIDER = new_id(), new_id(), new_id()
NPO = actor("provider", PROVIDER)
SEALED: Sealed = seal(b"{}", b"place", [generate_keypair().public for _ in range(3)])
DEADLINE = NOON + timedelta(hours=1)
NOW = BiddingNow("open", DEADLINE, True, "active", 0)
PLACE = {"competition_id": COMPETITION, "lot_id": LOT, "provider_id": PROVIDER}


def submit(version: int = 1, **changes: Any) -> SubmitBid:
    return SubmitBid(**{**PLACE, "bid_version": version, "sealed": SEALED, "sealed_by": "bidder", **changes})


def replaces(version: int) -> ReplaceBid:
    return ReplaceBid(**PLACE, bid_version=version, sealed=SEALED, sealed_by="gateway")


def decide(
    state: Bid, command: Any, by: Actor = NPO, facts: BiddingNow = NOW, at: timedelta = timedelta(0)
) -> Decision:
    context = Context(
        now=NOON + at,
        received_at=NOON + at,
        actor=by,
        new_id=new_id,
        id=bid.commands[type(command)].stream(command),
        facts=facts,
    )
    return bid.decide(state, command, context)


def after(state: Bid, decision: Decision) -> Bid:
    assert decision.refusal is None, decision.refusal
    state = bid.fold(decision.events, state)
    stored: Bid = bid.load_json(bid.dump(state))
    return stored


def refused(decision: Decision) -> str:
    assert decision.refusal is not None, decision.events
    return decision.refusal.code


STANDING = after(Bid(), decide(Bid(), submit()))


def test_a_bid_is_one_per_provider_and_lot_and_keeps_what_was_sealed() -> None:
    decision = decide(Bid(), submit())
    [event] = decision.events
    assert isinstance(event, BidSubmitted) and event.sealed == SEALED
    assert decision.reply["bid_id"] == bid_id_of(LOT, PROVIDER)
    assert BidSubmitted.readers == BidReplaced.readers == "after:BiddingClosed:competition_id"
    assert STANDING.status == "standing" and STANDING.sealed == SEALED.to_dict()


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (BiddingNow("", None, False, "active", 0), "not_found"),
        (BiddingNow("draft", None, True, "active", 0), "not_found"),
        (BiddingNow("open", DEADLINE, False, "active", 0), "lot_unknown"),
        (BiddingNow("published", DEADLINE, True, "active", 0), "bidding_not_open"),
        (BiddingNow("cancelled", DEADLINE, True, "active", 0), "bidding_not_open"),
        (BiddingNow("closed", DEADLINE, True, "active", 0), "bidding_not_open"),
        (BiddingNow("open", DEADLINE, True, "suspended", 0), "provider_not_active"),
        (BiddingNow("open", DEADLINE, True, "", 0), "provider_not_active"),
        (BiddingNow("open", DEADLINE, True, "active", MAX_BIDS), "too_many_bids"),
    ],
)
def test_where_no_bid_is_taken(facts: BiddingNow, code: str) -> None:
    assert refused(decide(Bid(), submit(), facts=facts)) == code


def test_nobody_bids_for_another() -> None:
    assert refused(decide(Bid(), submit(), by=actor("provider", new_id()))) == "not_yours"
    assert refused(decide(Bid(), submit(), by=actor("officer", PROVIDER))) == "forbidden_role"


def test_versions_count_through_replacement_withdrawal_and_a_new_bid() -> None:
    assert refused(decide(STANDING, submit(2))) == "bid_standing"
    assert refused(decide(STANDING, replaces(1))) == "bid_version_wrong"
    second = after(STANDING, decide(STANDING, replaces(2)))
    assert second.bid_version == 2
    withdrawal = decide(second, WithdrawBid(**PLACE))
    assert [type(event) for event in withdrawal.events] == [BidWithdrawn]
    gone = after(second, withdrawal)
    assert gone.sealed is None and refused(decide(gone, replaces(3))) == "wrong_state"
    assert refused(decide(gone, submit(1))) == "bid_version_wrong"
    assert after(gone, decide(gone, submit(3))).bid_version == 3


def test_a_full_competition_still_takes_replacements() -> None:
    full = BiddingNow("open", DEADLINE, True, "active", MAX_BIDS)
    assert decide(STANDING, replaces(2), facts=full).refusal is None


def test_a_lot_that_is_announced_again_finds_no_old_bid_in_its_way() -> None:
    again = submit(2, competition_id=new_id())
    state = after(STANDING, decide(STANDING, again))
    assert state.competition_id == again.competition_id and state.bid_version == 2
    old = WithdrawBid(**PLACE)
    assert refused(decide(state, old)) == "no_standing_bid"


def late(attempts: int) -> BiddingNow:
    return BiddingNow("open", DEADLINE, True, "active", 3, late_attempts=attempts)


def test_a_late_bid_is_refused_and_is_a_fact_once() -> None:
    hour = timedelta(hours=1)
    first = decide(Bid(), submit(), facts=late(1), at=hour)
    assert refused(first) == "bid_late" and [type(event) for event in first.events] == [LateBidRefused]
    again = decide(Bid(), submit(), facts=late(2), at=hour)
    assert refused(again) == "bid_late" and not again.events and again.keep, "counted, though nothing is logged"
    change = decide(STANDING, replaces(2), facts=late(1), at=hour)
    assert refused(change) == "bid_late" and len(change.events) == 1
    state = bid.fold(change.events, STANDING)
    assert state == STANDING, "what stood before the deadline stands"


def test_after_the_deadline_nothing_is_withdrawn() -> None:
    assert refused(decide(STANDING, WithdrawBid(**PLACE), at=timedelta(hours=1))) == "bid_change_late"


@pytest.mark.parametrize(
    ("status", "received", "late_"),
    [
        ("open", -1, False),
        ("open", 0, True),
        ("closed", 1, True),
        ("agreed", 1, True),
        ("closed", -1, False),
        ("published", 1, False),
        ("cancelled", 1, False),
        ("", 1, False),
    ],
)
def test_late_is_from_the_deadline_on(status: str, received: int, late_: bool) -> None:
    assert is_late(status, DEADLINE, DEADLINE + timedelta(microseconds=received)) is late_


@pytest.mark.parametrize("field", ["nonce", "commitment", "ciphertext", "wrap_12", "wrap_13", "wrap_23"])
def test_a_sealed_form_is_strict(field: str) -> None:
    form = SEALED.to_dict()
    for wrong in ("", "AAAA", form[field][:-4], form[field] + "AAAA", "*" + form[field][1:]):
        with pytest.raises(ValidationError):
            submit(sealed={**form, field: wrong})
    with pytest.raises(ValidationError):
        submit(sealed={**form, "more": "x"})
    with pytest.raises(ValidationError):
        submit(sealed={name: value for name, value in form.items() if name != field})

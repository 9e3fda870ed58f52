"""The check of a last minute catches what it is for: each kind of wrong is planted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.surge_check import Answer, Bidder, Logged, wrong

DEADLINE = datetime(2027, 3, 1, 12, tzinfo=UTC)
BEFORE, AFTER = DEADLINE - timedelta(milliseconds=1), DEADLINE


def done(event_id: str = "e1") -> Answer:
    return Answer(BEFORE, 200, event_id=event_id)


LATE = Answer(BEFORE, 409, "bid_late")
UNKNOWN = Answer(BEFORE, 503, "no_answer")


def bidder(provider_id: str, *answers: Answer) -> Bidder:
    return Bidder(provider_id, BEFORE, list(answers), AFTER)


def submitted(provider_id: str = "in", event_id: str = "e1", at: datetime = BEFORE, sequence: int = 1) -> Logged:
    return Logged("BidSubmitted", sequence, at, event_id, provider_id)


def late(provider_id: str = "out", at: datetime = AFTER) -> Logged:
    return Logged("LateBidRefused", 2, at, "e2", provider_id)


CLOSED = Logged("BiddingClosed", 9, AFTER, "e9", count=1)
BIDDERS = [bidder("in", done()), bidder("out", LATE)]
LOG = [submitted(), late(), CLOSED]


def test_who_was_in_time_is_in_and_the_other_is_not() -> None:
    assert wrong(DEADLINE, BIDDERS, LOG) == []


def test_an_unknown_outcome_that_was_asked_again_is_good() -> None:
    assert wrong(DEADLINE, [bidder("in", UNKNOWN, Answer(BEFORE, 0), done()), BIDDERS[1]], LOG) == []
    came_after = [replace(answer, asked_at=AFTER) for answer in (UNKNOWN, LATE)]
    assert wrong(DEADLINE, [BIDDERS[0], bidder("out", *came_after)], LOG) == []


@pytest.mark.parametrize(
    ("bidders", "log", "said"),
    [
        (BIDDERS, [submitted(at=AFTER), late(), CLOSED], "accepted, though received at"),
        (BIDDERS, [submitted(), late(at=BEFORE), CLOSED], "refused as late, though received at"),
        (BIDDERS, [late(), CLOSED], "the log has 0 bids"),
        (BIDDERS, [submitted(event_id="other"), late(), CLOSED], "accepted as e1"),
        (BIDDERS, [submitted(), submitted(sequence=2), late(), CLOSED], "the log has 2 bids"),
        (BIDDERS, [submitted(sequence=10), late(), CLOSED], "accepted after the closing"),
        (BIDDERS, [submitted(), submitted("out", "e3"), late(), CLOSED], "refused as late, the log has 1 bids"),
        (BIDDERS, [submitted(), CLOSED], "the log has 0 bids, 0 late ones"),
        (BIDDERS, [submitted(), late(), submitted("nobody"), CLOSED], "nobody sent it"),
        (BIDDERS, [submitted(), late(), replace(CLOSED, count=2)], "2 bids stood at the closing, 1 had been accepted"),
        (BIDDERS, [submitted(), late()], "closed 0 times"),
        ([bidder("in", UNKNOWN), BIDDERS[1]], LOG, "never told"),
        ([bidder("in"), BIDDERS[1]], LOG, "never told"),
        ([BIDDERS[0], bidder("out", UNKNOWN, LATE)], LOG, "lost"),
        ([BIDDERS[0], bidder("out", Answer(BEFORE, 409, "wrong_state"))], LOG, "refused with 409 wrong_state"),
    ],
)
def test_what_is_wrong_is_found(bidders: list[Bidder], log: list[Logged], said: str) -> None:
    assert any(said in fault for fault in wrong(DEADLINE, bidders, log))

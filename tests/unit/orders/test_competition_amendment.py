"""Amendments (DOMAIN §2(b)): they extend the deadline by the region's rule and mark earlier bids to be confirmed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel.ids import new_id
from services.orders.domain import scoring
from services.orders.domain.bid import BidConfirmed, BiddingNow, BidSubmitted, ConfirmBid
from services.orders.domain.competition import closing, questions
from services.orders.domain.competition.amendment import AmendBasis, AmendCompetition, CompetitionAmended
from services.orders.domain.competition.state import CriterionLine, Requirement
from tests.unit.orders.competition_walk import LICENCE, OFFICER, SECOND_OFFICER, Walk, actor, calendar, lot
from tests.unit.orders.test_competition_bid import DEADLINE, PLACE, STANDING, after, decide, refused, replaces

ZONE = "Europe/Moscow"
STAFF = Requirement(code="staff", text="Три сотрудника со специальным образованием")


def amend(walk: Walk, **changes: Any) -> AmendCompetition:
    return AmendCompetition(id=walk.id, reason="Уточнены требования к сотрудникам", **changes)


def basis(walk: Walk, *more: Any, status: str = "approved", taken: tuple[str, ...] = ()) -> AmendBasis:
    return AmendBasis(status, (*walk.lots, *more), taken)


def test_an_amendment_far_from_the_deadline_leaves_it_and_asks_for_confirmation() -> None:
    walk = Walk().open()
    before = walk.state.deadline
    [event] = walk.do(amend(walk, requirements=(LICENCE, STAFF)), SECOND_OFFICER, basis(walk))
    assert isinstance(event, CompetitionAmended)
    assert (event.amendment, event.parts, event.taken_out) == (1, ("requirements",), ())
    assert event.confirm_until == calendar().add_working_days(walk.now, 5, ZONE).at
    assert event.confirm_explained["ru"] and event.confirm_explanation["days"] == 5
    assert walk.state.deadline == before and walk.state.requirements == (LICENCE, STAFF)
    assert walk.state.amendments == 1 and walk.status == "open"


def test_an_amendment_near_the_deadline_extends_it_by_the_regions_days() -> None:
    walk = Walk().open()
    before = walk.state.deadline
    walk.now = before - timedelta(hours=3)
    amended, moved = walk.do(amend(walk, title="Уборка и мытьё окон"), OFFICER, basis(walk))
    assert isinstance(amended, CompetitionAmended) and isinstance(moved, closing.DeadlineMoved)
    assert moved.reason == "amended" and moved.previous == before
    assert moved.deadline == walk.state.deadline == calendar().add_working_days(walk.now, 7, ZONE).at
    assert moved.deadline >= amended.confirm_until, "a region's loading refuses days that would break this"
    assert {type(command) for at, command in walk.dues if at > before} >= {closing.CloseBidding}
    # The old deadline's closing finds that it has moved.
    assert walk.do(closing.CloseBidding(id=walk.id, deadline=before), now=before + closing.GRACE) == ()


def test_an_amendment_can_be_asked_about() -> None:
    walk = Walk().open()
    walk.now = walk.state.deadline - timedelta(hours=3)
    ask = questions.AskQuestion(id=walk.id, text="Что значит новое требование?")
    asker = actor("provider", new_id())
    assert walk.refused(ask, asker) == "questions_over"
    walk.do(amend(walk, requirements=()), OFFICER, basis(walk))
    assert walk.state.questions_until == calendar().working_days_before(walk.state.deadline, 3, ZONE).at
    walk.do(ask, asker)


def test_new_criteria_are_frozen_by_hash_again() -> None:
    walk = Walk().open()
    price = CriterionLine(key="price", title="Цена", formula="price_gap", weight=100, counts="kopecks")
    [event] = walk.do(amend(walk, criteria=(price,)), OFFICER, basis(walk))
    assert isinstance(event, CompetitionAmended)
    assert event.formulas_hash == scoring.formulas_hash([price.for_scoring()]) and walk.state.criteria == (price,)


def test_lots_come_in_and_go_out() -> None:
    first, second, third = lot(), lot(title="Уборка, Кемь"), lot(title="Уборка, Онега")
    walk = Walk(lots=(first, second)).open()
    [event] = walk.do(amend(walk, lot_ids=(second.lot_id, third.lot_id)), OFFICER, basis(walk, third))
    assert isinstance(event, CompetitionAmended)
    assert event.taken_out == (first.lot_id,) and event.parts == ("lots",)
    assert walk.state.lots == (second, third)


@pytest.mark.parametrize(
    ("changes", "found", "code"),
    [
        ({}, {}, "nothing_amended"),
        ({"requirements": (LICENCE,)}, {}, "nothing_amended"),
        ({"requirements": (LICENCE, LICENCE)}, {}, "named_twice"),
        ({"lot_ids": (new_id(),)}, {}, "lot_not_of_order"),
        ({"lot_ids": "own"}, {"status": "formed"}, "order_not_approved"),
        ({"lot_ids": "own"}, {"taken": "own"}, "lot_in_competition"),
    ],
)
def test_what_no_amendment_may_be(changes: dict[str, Any], found: dict[str, Any], code: str) -> None:
    walk = Walk().open()
    own = (walk.lots[0].lot_id,)
    changes = {name: own if value == "own" else value for name, value in changes.items()}
    found = {name: own if value == "own" else value for name, value in found.items()}
    assert walk.refused(amend(walk, **changes), OFFICER, basis(walk, **found)) == code


def test_only_its_own_body_amends_and_only_before_the_deadline() -> None:
    walk = Walk().open()
    change = amend(walk, requirements=())
    assert walk.refused(change, actor("officer", new_id()), basis(walk)) == "not_yours"
    assert walk.refused(change, OFFICER, basis(walk), now=walk.state.deadline) == "amended_late"
    walk.closed(walk.bid())
    assert walk.refused(change, OFFICER, basis(walk)) == "wrong_state"


# -- the bid ----------------------------------------------------------------------------------------------------------

AMENDED = BiddingNow("open", DEADLINE, True, "active", 1, 0, 1, DEADLINE - timedelta(minutes=30))


def test_a_bid_from_before_an_amendment_is_confirmed_once() -> None:
    confirm = ConfirmBid(**PLACE)
    decision = decide(STANDING, confirm, facts=AMENDED)
    [event] = decision.events
    assert isinstance(event, BidConfirmed) and (event.amendment, event.bid_version) == (1, 1)
    assert BidConfirmed.readers == BidSubmitted.readers, "nobody else sees who bids before the closing"
    confirmed = after(STANDING, decision)
    assert confirmed.amendment == 1 and confirmed.sealed == STANDING.sealed
    assert refused(decide(confirmed, confirm, facts=AMENDED)) == "nothing_to_confirm"


def test_what_no_confirmation_may_be() -> None:
    confirm = ConfirmBid(**PLACE)
    assert refused(decide(STANDING, confirm)) == "nothing_to_confirm"
    assert refused(decide(STANDING, confirm, facts=AMENDED, at=timedelta(minutes=31))) == "confirmed_late"
    assert refused(decide(STANDING, confirm, by=actor("provider", new_id()), facts=AMENDED)) == "not_yours"
    elsewhere = ConfirmBid(**{**PLACE, "competition_id": new_id()})
    assert refused(decide(STANDING, elsewhere, facts=AMENDED)) == "no_standing_bid"
    closed = BiddingNow("closed", DEADLINE, True, "active", 1, 0, 1, DEADLINE)
    assert refused(decide(STANDING, confirm, facts=closed)) == "bidding_not_open"


def test_a_replacement_after_an_amendment_knows_of_it() -> None:
    replaced = after(STANDING, decide(STANDING, replaces(2), facts=AMENDED))
    assert replaced.amendment == 1

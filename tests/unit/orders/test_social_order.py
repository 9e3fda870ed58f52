"""The social order's figures: the ways add up, lots add up, prices stay below the normative cost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kernel.aggregate import Context, Decision
from kernel.ids import new_id
from kernel.refusal import Refused
from services.orders.domain.social_order import (
    ApproveSocialOrder,
    CorrectSocialOrder,
    FormSocialOrder,
    LotNow,
    OrderLot,
    SocialOrder,
    SocialOrderFormed,
    Split,
    check_split,
    social_order,
)
from tests.unit.orders.competition_walk import BODY, NOON, OFFICER, SECOND_OFFICER, actor, rules


def lot(volume: int, price: int = 41_200, **changes: Any) -> dict[str, Any]:
    return {"lot_id": new_id(), "title": "A part", "volume": volume, "limit_price_kopecks": price, **changes}


def forming(*lots: dict[str, Any], **changes: Any) -> FormSocialOrder:
    by_competition = sum(each["volume"] for each in lots)
    whole: dict[str, Any] = {
        "id": new_id(), "body_name": "The department", "year": 2027, "territory": "belomorsk", "service_code": "DOM-01",
        "volume": by_competition + 30, "by_assignment": 20, "by_competition": by_competition, "by_certificate": 10,
        "lots": lots,
    }  # fmt: skip
    return FormSocialOrder(**{**whole, **changes})


def decide(state: SocialOrder, command: Any, facts: Any = None, who: Any = OFFICER) -> Decision:
    context = Context(now=NOON, received_at=NOON, actor=who, new_id=new_id, id=command.id, facts=facts, rules=rules())
    return social_order.decide(state, command, context)


def code(decision: Decision) -> str:
    return decision.refusal.code if decision.refusal else "done"


def formed(*lots: dict[str, Any]) -> SocialOrder:
    decision = decide(SocialOrder(), forming(*lots), "СЗ-2027-000001")
    return social_order.fold(decision.events)  # type: ignore[no-any-return]


def test_forming_takes_service_unit_and_cost_from_the_catalogue() -> None:
    [event] = decide(SocialOrder(), forming(lot(100)), "СЗ-2027-000001").events
    assert isinstance(event, SocialOrderFormed)
    assert (event.unit, event.form, event.service_kind, event.cost_kopecks) == ("visit", "home", "domestic", 41_200)
    assert event.body_id == BODY and event.standard_version == "1" and event.lots[0].number == 1


@pytest.mark.parametrize(
    ("lots", "changes", "expected"),
    [
        ([lot(100)], {"volume": 131}, "split_unequal"),
        ([lot(100)], {"by_assignment": 19}, "split_unequal"),
        ([lot(99)], {"by_competition": 100, "volume": 130}, "lots_unequal"),
        ([lot(100, 41_201)], {}, "limit_above_cost"),
        ([lot(100)], {"service_code": "DOM-99"}, "service_unknown"),
        ([lot(100)], {"year": 2026}, "service_unknown"),
    ],
)
def test_figures_that_do_not_hold_are_refused(
    lots: list[dict[str, Any]], changes: dict[str, Any], expected: str
) -> None:
    assert code(decide(SocialOrder(), forming(*lots, **changes), "x")) == expected


def test_a_lot_named_twice_is_refused() -> None:
    same = lot(50)
    assert code(decide(SocialOrder(), forming(same, same), "x")) == "lot_twice"


def test_a_region_says_how_many_lots_an_order_may_have() -> None:
    three = forming(lot(1), lot(2), lot(3))
    check_split(three, 41_200, 3)
    with pytest.raises(Refused, match="too_many_lots"):
        check_split(three, 41_200, 2)


@pytest.mark.parametrize("wrong", [{"volume": -1}, {"by_assignment": -20}, {"volume": 10**10}, {"extra": 1}])
def test_input_out_of_bounds_is_not_even_a_command(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        forming(lot(100), **wrong)


@given(st.lists(st.integers(1, 10**6), max_size=8), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(-5, 5))
def test_a_split_is_taken_exactly_when_its_ways_add_up(
    volumes: list[int], by_assignment: int, by_certificate: int, off: int
) -> None:
    by_competition = sum(volumes)
    total = by_assignment + by_certificate + by_competition + off
    if total <= 0:
        return
    split = Split(
        volume=total,
        by_assignment=by_assignment,
        by_competition=by_competition,
        by_certificate=by_certificate,
        lots=tuple(OrderLot(**lot(volume)) for volume in volumes),
    )
    try:
        check_split(split, 41_200, 8)
        taken = True
    except Refused:
        taken = False
    assert taken == (off == 0)


def test_who_prepared_or_corrected_does_not_approve() -> None:
    state = formed(lot(100))
    on = ApproveSocialOrder(id=new_id())
    assert code(decide(state, on)) == "four_eyes"
    assert code(decide(state, on, who=actor("officer", new_id()))) == "not_yours"
    assert code(decide(state, on, who=SECOND_OFFICER)) == "done"
    again = forming(lot(90)).model_dump(include={"volume", "by_assignment", "by_competition", "by_certificate", "lots"})
    corrected = decide(state, CorrectSocialOrder(id=new_id(), reason="less need", **again), [], SECOND_OFFICER)
    state = social_order.fold(corrected.events, state)
    assert code(decide(state, on, who=SECOND_OFFICER)) == "four_eyes" and code(decide(state, on)) == "done"


@given(st.integers(1, 200), st.integers(0, 100))
def test_a_lot_never_becomes_less_than_agreements_have_taken(volume: int, agreed: int) -> None:
    first = lot(100)
    state = formed(first)
    now = [LotNow(first["lot_id"], 1, "A part", 100, 41_200, living=False, agreed_volume=agreed)]
    figures = forming({**first, "volume": volume}).model_dump(
        exclude={"id", "body_name", "year", "territory", "service_code"}
    )
    command = CorrectSocialOrder(id=new_id(), reason="other need", **figures)
    assert code(decide(state, command, now)) == ("done" if volume >= agreed else "lot_agreed")

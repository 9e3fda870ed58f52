"""189-FZ art. 19: the three ways add up to the order's volume, and no volume is spent twice, whatever is commanded at once.

Hypothesis chooses what a few officers do at one time, burst after burst, on one order: corrections that move volume
between ways and lots, approvals, competitions drafted, amended and cancelled, agreements. After each burst the tables
hold what the law asks for; in the end they are what a replay of the log makes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.ids import new_id
from tests.component.orders.country import COST, Body, at_once, differences, provider
from tests.support import Market

PRICE = [{"key": "price", "title": "Цена", "formula": "lowest_price", "weight": 100, "counts": "kopecks"}]
OPERATIONS = st.tuples(
    st.sampled_from(("correct", "approve", "draft", "amend", "cancel", "agree")), st.integers(0, 2), st.integers(1, 60)
)
EXPECTED = {
    "done", "four_eyes", "wrong_state", "lot_lives", "lot_agreed", "order_not_approved", "lot_in_competition",
    "lot_not_of_order", "volume_spent", "nothing_amended", "not_found",
}  # fmt: skip


class Yard:
    """One order of a body and what its officers do with it."""

    def __init__(self, market: Market, body: Body, provider_id: str) -> None:
        self.market, self.body, self.provider_id = market, body, provider_id
        order = body.ordered(30, 40, 50)
        self.order_id = order["id"]
        self.lot_ids = [lot["lot_id"] for lot in order["lots"]]
        self.competitions: list[str] = []

    def operation(self, what: str, which: int, volume: int) -> Callable[[], dict[str, Any]]:
        """The call, ready to be sent; who gives it depends on the figures alone."""
        officer = (self.body.officer, self.body.second)[volume % 2]
        name, data = getattr(self, f"_{what}")(which, volume)
        return lambda: self.market.answer(name, data, officer)

    def _correct(self, which: int, volume: int) -> tuple[str, dict[str, Any]]:
        """One lot gets another volume, and the certificates what is left; one lot more or less now and then."""
        volumes = [30, 40, 50]
        volumes[which] = volume
        kept = self.lot_ids if volume % 5 else self.lot_ids[:2]
        lots = [
            {"lot_id": lot_id, "title": "A part", "volume": size, "limit_price_kopecks": COST}
            for lot_id, size in zip(kept, volumes, strict=False)
        ]
        total = sum(lot["volume"] for lot in lots)
        split = {"volume": 200, "by_assignment": 10, "by_competition": total, "by_certificate": 190 - total}
        return "orders.correct_social_order", {
            "id": self.order_id, "reason": "the need has moved", "lots": lots, **split
        }  # fmt: skip

    def _approve(self, which: int, volume: int) -> tuple[str, dict[str, Any]]:
        return "orders.approve_social_order", {"id": self.order_id}

    def _draft(self, which: int, volume: int) -> tuple[str, dict[str, Any]]:
        id = new_id()
        self.competitions.append(id)
        members = [new_id() for _ in range(3)]
        return "orders.draft_competition", {
            "id": id, "order_id": self.order_id, "lot_ids": [self.lot_ids[which]], "title": "At once",
            "criteria": PRICE, "evaluators": members,
        }  # fmt: skip

    def _competition(self, which: int) -> str:
        return self.competitions[which % len(self.competitions)] if self.competitions else new_id()

    def _amend(self, which: int, volume: int) -> tuple[str, dict[str, Any]]:
        id = self._competition(volume)
        self.market.answer("orders.publish_competition", {"id": id}, self.body.officer)
        return "orders.amend_competition", {"id": id, "reason": "other lots", "lot_ids": [self.lot_ids[which]]}

    def _cancel(self, which: int, volume: int) -> tuple[str, dict[str, Any]]:
        return "orders.cancel_competition", {"id": self._competition(which), "reason": "the need has gone"}

    def _agree(self, which: int, volume: int) -> tuple[str, dict[str, Any]]:
        award_id = self.body.award(self.lot_ids[which], self.provider_id, volume)
        return "orders.draft_agreement", self.body.draft(award_id)

    def check(self) -> None:
        [order] = self.market.sql(
            "SELECT volume, by_assignment, by_competition, by_certificate FROM orders.social_orders WHERE order_id = %s",
            (self.order_id,),
        )
        volume, *ways = order
        assert sum(ways) == volume
        lots = self.market.sql(_LOTS, (self.order_id,))
        assert sum(size for _, size, *_ in lots) == ways[1], "the lots add up to the competition's way"
        for _, size, agreed, claims, announced, spent in lots:
            assert 0 <= agreed <= size and agreed == spent, "agreements take what is there, once"
            assert claims == len(announced) <= 1, "a lot is in one living competition"
            assert all(other == size for other in announced), "what is announced is what the order says"


@pytest.fixture(scope="module")
def yard_of(country: Market) -> Callable[[], Yard]:
    body, npo = Body(country), provider(country).organisation or ""
    return lambda: Yard(country, body, npo)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(bursts=st.lists(st.lists(OPERATIONS, min_size=2, max_size=5), min_size=2, max_size=4))
def test_the_ways_add_up_and_no_volume_is_spent_twice(
    yard_of: Callable[[], Yard], bursts: list[list[tuple[str, int, int]]]
) -> None:
    yard = yard_of()
    for burst in bursts:
        outcomes = at_once(*(yard.operation(*each) for each in burst))
        assert set(outcomes) <= EXPECTED, outcomes
        yard.check()


def test_the_tables_are_what_the_log_says(country: Market, yard_of: Callable[[], Yard]) -> None:
    assert differences(country) == []


# A living competition is one that still claims lots; its own row of a lot says what it announced.
_LOTS = """
SELECT l.lot_id, l.volume, l.agreed_volume, l.claims,
       array(SELECT c.volume FROM orders.competition_lot c JOIN orders.competitions k USING (competition_id)
             WHERE c.lot_id = l.lot_id AND c.failure = '' AND k.status IN ('draft', 'published', 'open')),
       (SELECT coalesce(sum(a.volume), 0)::int FROM orders.agreements a WHERE a.lot_id = l.lot_id AND a.status <> 'void')
FROM orders.lot l WHERE l.order_id = %s
"""

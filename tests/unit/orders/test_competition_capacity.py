"""Free capacity at the award (DOMAIN §2(b)): each takes at most what it offered and has places for."""

from __future__ import annotations

from kernel.ids import new_id
from services.orders.domain.competition import award, closing
from tests.unit.orders.competition_walk import PRICE_ALONE, Walk, content, lot
from tests.unit.orders.test_competition_award import scored


def awarded_to(walk: Walk, capacity: dict[str, int]) -> dict[str, int]:
    """{bid: volume} after the award, where providers have places for so many units."""
    walk.now = walk.state.standstill_until + closing.GRACE
    walk.do(award.AwardCompetition(id=walk.id), facts=award.Takers(capacity=capacity))
    return walk.given_to()


def test_each_takes_at_most_what_it_has_places_for_and_the_rest_goes_down() -> None:
    """DOMAIN §2(b): each at most what it offered and has free capacity for."""
    walk, (first, second, third) = scored(40_000, 41_000, 42_000, volume=1000)
    walk.decided()
    capacity = {first.line.provider_id: 120, second.line.provider_id: 0}
    assert awarded_to(walk, capacity) == {first.bid_id: 120, third.bid_id: 500}
    [event] = [event for event in walk.events if isinstance(event, award.CompetitionAwarded)]
    assert [(offer.offered, offer.free) for offer in event.ranked] == [(500, 120), (500, 0), (500, 500)]
    assert event.unallocated == 380


def test_places_promised_for_one_lot_are_not_there_for_the_next() -> None:
    walk = Walk(lots=(lot(500), lot(500)), criteria=PRICE_ALONE).open()
    provider = new_id()
    here, there = (walk.bid(content(40_000, 400), in_lot=which, provider_id=provider) for which in (0, 1))
    walk.evaluated(here, there).decided()
    assert awarded_to(walk, {provider: 600}) == {here.bid_id: 400, there.bid_id: 200}


def test_where_nobody_has_places_the_lot_comes_to_nothing_and_says_why() -> None:
    walk, _ = scored(40_000, 41_000)
    walk.decided()
    assert awarded_to(walk, {bid.provider_id: 0 for bid in walk.state.bids}) == {}
    end = walk.events[-1]
    assert isinstance(end, closing.CompetitionUnsuccessful) and end.reason == "no_capacity"

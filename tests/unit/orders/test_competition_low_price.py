"""Abnormally low prices and scores far apart (DOMAIN §2(b)): asked about, decided by people, rejected by no machine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.aggregate import changed
from kernel.identity import Actor
from kernel.ids import new_id
from services.orders.domain.competition import admission, low_price, ranking, second_look
from tests.unit.orders.competition_walk import (
    EVALUATORS,
    OFFICER,
    PRICE_ALONE,
    SECOND_OFFICER,
    SealedBid,
    Walk,
    actor,
    calendar,
    content,
)

CHAIR, SECOND, THIRD, FOURTH = EVALUATORS


def evaluated(*prices: int) -> tuple[Walk, list[SealedBid]]:
    walk = Walk(criteria=PRICE_ALONE).open()
    bids = [walk.bid(content(price)) for price in prices]
    walk.evaluated(*bids)
    return walk, bids


def bidder_of(bid: SealedBid) -> Actor:
    return actor("provider", bid.line.provider_id)


def justify(walk: Walk, bid: SealedBid) -> low_price.JustifyPrice:
    return low_price.JustifyPrice(id=walk.id, bid_id=bid.bid_id, text="Помещение и транспорт даны безвозмездно")


def decide(walk: Walk, bid: SealedBid, accepted: bool) -> low_price.DecideLowPrice:
    reason = "Расчёт затрат подтверждён договорами"
    return low_price.DecideLowPrice(id=walk.id, bid_id=bid.bid_id, accepted=accepted, reason=reason)


def test_who_stands_out_is_asked_when_evaluation_begins() -> None:
    walk, (low, _, _) = evaluated(20_000, 40_000, 42_000)
    [asked] = [event for event in walk.events if isinstance(event, low_price.JustificationAsked)]
    assert [price.model_dump() for price in asked.prices] == [
        {"bid_id": low.bid_id, "price_kopecks": 20_000, "reasons": ("below_mean", "below_next")}
    ]
    assert asked.until == calendar().add_working_days(walk.now, 1, "Europe/Moscow").at and asked.explained["ru"]
    assert walk.state.bid(low.bid_id).status == "admitted", "nothing is rejected automatically"
    assert walk.refused(ranking.DecideRanking(id=walk.id), SECOND_OFFICER) == "low_prices_undecided"


@pytest.mark.parametrize("prices", [(40_000,), (40_000, 41_000), (30_000, 30_000)])
def test_nobody_is_asked_where_no_price_stands_out(prices: tuple[int, ...]) -> None:
    walk, _ = evaluated(*prices)
    assert not [event for event in walk.events if isinstance(event, low_price.JustificationAsked)]


def test_a_justified_price_is_accepted_and_the_protocol_says_so() -> None:
    walk, (low, _, _) = evaluated(20_000, 40_000, 42_000)
    assert walk.refused(decide(walk, low, accepted=True), OFFICER) == "justification_awaited"
    walk.do(justify(walk, low), bidder_of(low))
    walk.do(justify(walk, low), bidder_of(low))
    assert walk.refused(decide(walk, low, accepted=True), actor("officer", new_id())) == "not_yours"
    [accepted] = walk.do(decide(walk, low, accepted=True), OFFICER)
    assert isinstance(accepted, low_price.LowPriceAccepted)
    assert walk.refused(decide(walk, low, accepted=False), OFFICER) == "justification_not_asked"
    [result] = ranking.rank_all(walk.state, walk.now)
    assert "аномально низкая: обоснование принято" in result.protocol.decode()
    walk.decided()
    assert walk.state.ranked[walk.lots[0].lot_id][0] == low.bid_id


def test_a_price_may_be_decided_without_a_word_once_its_time_is_over() -> None:
    walk, (low, second, _) = evaluated(20_000, 40_000, 42_000)
    over = walk.state.bid(low.bid_id).justify_until + timedelta(seconds=1)
    assert walk.refused(justify(walk, low), bidder_of(low), received_at=over) == "justified_late"
    walk.do(decide(walk, low, accepted=False), OFFICER, now=over)
    bid = walk.state.bid(low.bid_id)
    assert bid.status == "rejected" and bid.reasons == ("auto_low_price: Расчёт затрат подтверждён договорами",)
    [result] = ranking.rank_all(walk.state, walk.now)
    assert "отклонена: Расчёт затрат подтверждён договорами" in result.protocol.decode()
    walk.decided()
    assert walk.state.ranked[walk.lots[0].lot_id][0] == second.bid_id


def test_who_stands_out_after_a_rejection_is_asked_then() -> None:
    # Beside 20 000 the price of 25 000 is nothing special; without it, it is 40 % below the mean of the others.
    walk, (lowest, next_one, *_) = evaluated(10_000, 25_000, 25_500, 48_000, 49_000, 49_500)
    over = max(bid.justify_until for bid in walk.state.bids if bid.justify_until) + timedelta(seconds=1)
    assert walk.state.bid(next_one.bid_id).low_price == ""
    rejected, asked = walk.do(decide(walk, lowest, accepted=False), OFFICER, now=over)
    assert isinstance(rejected, low_price.LowPriceRejected) and isinstance(asked, low_price.JustificationAsked)
    assert next_one.bid_id in [price.bid_id for price in asked.prices]


def test_only_its_bidder_justifies_and_only_what_was_asked() -> None:
    walk, (low, high, _) = evaluated(20_000, 40_000, 42_000)
    assert walk.refused(justify(walk, low), bidder_of(high)) == "not_yours"
    assert walk.refused(justify(walk, high), bidder_of(high)) == "justification_not_asked"


def test_many_low_prices_are_asked_in_events_that_fit() -> None:
    walk = Walk(criteria=PRICE_ALONE).open()
    bids = [walk.bid(content(1_000 if n < 2 else 40_000)) for n in range(3)]
    walk.opened(*bids)
    one = walk.state.bids[0]
    many = tuple(
        changed(one, bid_id=new_id(), arrival=n, status="admitted", price_kopecks=1_000 + n % 2 * 40_000)
        for n in range(1_000)
    )
    walk.state = changed(walk.state, bids=many)
    events = walk.do(admission.BeginEvaluation(id=walk.id), OFFICER)
    asked = [event for event in events if isinstance(event, low_price.JustificationAsked)]
    assert [len(event.prices) for event in asked] == [200, 200, 100]


# -- scores far apart -------------------------------------------------------------------------------------------------


def scored(*points: tuple[int, int, int]) -> tuple[Walk, list[SealedBid]]:
    walk = Walk().open()
    bids = [walk.bid(content(40_000 + n)) for n in range(len(points))]
    walk.evaluated(*bids)
    for bid, row in zip(bids, points, strict=True):
        for member, score in zip(EVALUATORS[:3], row, strict=True):
            walk.score(member, bid, score)
    return walk, bids


def test_scores_far_apart_are_looked_at_twice_before_anything_is_decided() -> None:
    walk, (far, near) = scored((10, 90, 50), (70, 80, 75))
    decide_ranking = ranking.DecideRanking(id=walk.id)
    assert walk.refused(decide_ranking, SECOND_OFFICER) == "second_look_needed"
    [asked] = walk.do(second_look.AskSecondLook(id=walk.id), CHAIR)
    assert isinstance(asked, second_look.SecondLookAsked)
    assert asked.model_dump()["scores"] == ({"bid_id": far.bid_id, "criterion": "quality"},), "nobody's points"
    assert walk.refused(second_look.AskSecondLook(id=walk.id), OFFICER) == "no_spread_alarm"
    walk.score(CHAIR, far, 60)
    walk.score(SECOND, far, 95)
    assert walk.refused(decide_ranking, SECOND_OFFICER) == "second_look_awaited"
    walk.score(THIRD, near, 75)
    assert walk.refused(decide_ranking, SECOND_OFFICER) == "second_look_awaited", "another bid's score is no look"
    walk.score(THIRD, far, 55)
    walk.do(decide_ranking, SECOND_OFFICER)
    [event] = [event for event in walk.events if isinstance(event, ranking.RankingDecided)]
    assert [(alarm.lowest, alarm.highest) for alarm in event.alarms] == [(55, 95)], "a spread that stays is an alarm"


def test_members_that_come_near_each_other_need_nobody_else() -> None:
    walk, (far, _) = scored((40, 90, 80), (70, 80, 75))
    walk.do(second_look.AskSecondLook(id=walk.id), OFFICER)
    walk.score(CHAIR, far, 70)
    walk.do(ranking.DecideRanking(id=walk.id), SECOND_OFFICER)
    assert walk.status == "standstill"


def test_who_asks_for_a_second_look() -> None:
    walk, _ = scored((10, 90, 50), (70, 80, 75))
    look = second_look.AskSecondLook(id=walk.id)
    assert walk.refused(look, SECOND) == "not_yours"
    assert walk.refused(look, actor("officer", new_id())) == "not_yours"
    calm, _ = scored((70, 80, 75), (70, 80, 75))
    assert calm.refused(second_look.AskSecondLook(id=calm.id), OFFICER) == "no_spread_alarm"

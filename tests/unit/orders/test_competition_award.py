"""The commission, the ranking and the award: who scores, who wins, who decides, and that no volume is given twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.aggregate import changed
from kernel.ids import new_id
from services.orders.domain.competition import admission, award, cancellation, closing, evaluation, opening, ranking
from services.orders.domain.competition.protocol import write
from services.orders.domain.competition.state import MAX_BIDS
from services.orders.domain.competition.state import Bid as StandingBid
from services.orders.domain.formulas import exact
from tests.unit.orders.competition_walk import (
    EVALUATORS,
    OFFICER,
    PRICE_ALONE,
    PRICE_AND_QUALITY,
    SECOND_OFFICER,
    SealedBid,
    Walk,
    actor,
    calendar,
    content,
    lot,
)

CHAIR, SECOND, THIRD, FOURTH = EVALUATORS


def scored(
    *prices: int, points: tuple[tuple[int, int, int], ...] = (), volume: int = 1000
) -> tuple[Walk, list[SealedBid]]:
    """A competition in evaluation whose bids (500 units each, at these prices) three members have scored."""
    walk = Walk(lots=(lot(volume),)).open()
    bids = [walk.bid(content(price, 500)) for price in prices]
    walk.evaluated(*bids)
    for bid, row in zip(bids, points or ((80, 80, 80),) * len(bids), strict=True):
        for member, score in zip(EVALUATORS[:3], row, strict=True):
            walk.score(member, bid, score)
    return walk, bids


def decided(walk: Walk) -> ranking.RankingDecided:
    walk.decided()
    [event] = [event for event in walk.events if isinstance(event, ranking.RankingDecided)]
    return event


def test_conflicts_are_declared_before_anything_is_scored() -> None:
    walk = Walk().open()
    bids = (walk.bid(), walk.bid())
    walk.opened(*bids)
    for bid in bids:
        walk.check(bid)
    walk.do(admission.BeginEvaluation(id=walk.id), OFFICER)
    assert walk.refused(walk.scores(bids[0], 50), CHAIR) == "declare_conflicts_first"
    stranger = actor("evaluator")
    assert walk.refused(walk.scores(bids[0], 50), stranger) == "not_in_commission"
    assert walk.refused(evaluation.DeclareConflicts(id=walk.id, text="нет"), stranger) == "not_in_commission"
    walk.declare(CHAIR)
    walk.score(CHAIR, bids[0], 50)
    assert walk.refused(evaluation.DeclareConflicts(id=walk.id, text="передумал"), CHAIR) == "scored_already"


def test_who_has_a_conflict_scores_nobody_in_that_lot() -> None:
    walk = Walk(lots=(lot(), lot())).open()
    friend, rival, elsewhere = walk.bid(), walk.bid(), walk.bid(in_lot=1)
    walk.evaluated(friend, rival, elsewhere)
    walk.declare(FOURTH, friend.line.provider_id)
    assert walk.refused(walk.scores(friend, 100), FOURTH) == "conflict_of_interest"
    assert walk.refused(walk.scores(rival, 0), FOURTH) == "conflict_of_interest"
    walk.score(FOURTH, elsewhere, 70)


def test_scores_are_for_admitted_bids_and_expert_criteria_and_can_be_mended() -> None:
    walk = Walk().open()
    bid, rejected = walk.bid(), walk.bid(content(60_000))
    walk.opened(bid, rejected)
    for each in (bid, rejected):
        walk.check(each)
    walk.do(admission.BeginEvaluation(id=walk.id), OFFICER)
    walk.declare(CHAIR)
    assert walk.refused(walk.scores(rejected, 10), CHAIR) == "bid_not_admitted"
    assert walk.refused(walk.scores(bid, 10, "price"), CHAIR) == "criterion_not_scored"
    walk.score(CHAIR, bid, 10)
    walk.score(CHAIR, bid, 90)
    assert walk.state.sheets[CHAIR.id].scores == {bid.bid_id: {"quality": 90}}
    assert evaluation.ScoresSubmitted.readers == "after:RankingDecided:competition_id"


def test_without_a_quorum_nothing_is_decided() -> None:
    walk = Walk().open()
    bids = (walk.bid(), walk.bid())
    walk.evaluated(*bids)
    decide = ranking.DecideRanking(id=walk.id)
    for member in (CHAIR, SECOND):
        for bid in bids:
            walk.score(member, bid, 60)
    walk.score(THIRD, bids[0], 60)
    assert walk.refused(decide, SECOND_OFFICER) == "no_quorum", "a sheet that is not whole doesn't count"
    walk.score(THIRD, bids[1], 60)
    walk.do(decide, SECOND_OFFICER)


def test_who_announced_does_not_decide() -> None:
    walk, _ = scored(40_000, 41_000)
    decide = ranking.DecideRanking(id=walk.id)
    assert walk.refused(decide, OFFICER) == "four_eyes"
    assert walk.refused(decide, actor("officer", new_id())) == "not_yours"
    assert walk.refused(decide, SECOND) == "not_yours"
    walk.do(decide, CHAIR)
    assert walk.status == "standstill"


def test_the_ranking_is_exact_and_carries_its_inputs() -> None:
    walk, (cheap, good) = scored(30_000, 40_000, points=((50, 50, 51), (90, 90, 90)))
    event = decided(walk)
    assert event.order == (good.bid_id, cheap.bid_id)
    first, second = event.ranking["ranking"]
    assert first["total"] == {"exact": "84/1", "shown": "84.00"}  # 0.4 · 75 + 0.6 · 90
    assert second["total"]["exact"] == "351/5"  # 0.4 · 100 + 0.6 · 151/3
    assert event.inputs["offers"][0]["values"] == {"price": 30_000, "quality": [50, 50, 51]}
    assert event.judges == tuple(member.id for member in EVALUATORS[:3])
    assert walk.status == "standstill"


def test_a_tie_goes_to_the_earlier_standing_version() -> None:
    walk, (earlier, later) = scored(40_000, 40_000)
    event = decided(walk)
    assert event.order == (earlier.bid_id, later.bid_id)
    assert event.ranking["ranking"][0]["level_with"] == [later.bid_id]


def test_flags_and_alarms_are_recorded_and_reject_nothing() -> None:
    walk, (low, _, _) = scored(10_000, 40_000, 41_000, points=((10, 90, 50), (80, 80, 80), (80, 80, 110 - 30)))
    event = decided(walk)
    assert event.ranking["abnormally_low"] == {low.bid_id: ["below_mean", "below_next"]}
    assert [(alarm.bid_id, alarm.lowest, alarm.highest) for alarm in event.alarms] == [(low.bid_id, 10, 90)]
    assert low.bid_id in event.order


def test_one_admitted_bid_needs_no_scores() -> None:
    walk = Walk().open()
    bid, rejected = walk.bid(), walk.bid(content(60_000))
    walk.opened(bid, rejected)
    for each in (bid, rejected):
        walk.check(each)
    walk.do(admission.BeginEvaluation(id=walk.id), OFFICER)
    event = decided(walk)
    assert event.sole and event.order == (bid.bid_id,) and event.inputs == {}
    assert walk.awarded().given_to() == {bid.bid_id: 500}


def test_the_protocol_says_what_happened_and_can_be_written_again() -> None:
    walk, _ = scored(30_000, 40_000, points=((90, 90, 90), (50, 50, 51)))
    before = walk.state
    event = decided(walk)
    result = ranking.rank_lot(before, event.lot_id, event.decided_at)
    text = result.protocol.decode()
    assert event.protocol_hash == result.fields()["protocol_hash"]
    for part in ("К-2027-000001", "АНО «Забота»", "300,00 руб.", "94,00", "94/1", "допущена", "наименьшая цена"):
        assert part in text, part
    again = write(before, event.lot_id, event.decided_at, event.judges, event.ranking, event.order, len(event.alarms))
    assert again == result.protocol
    assert write(before, event.lot_id, event.decided_at, (), event.ranking, event.order, 1) != result.protocol


def test_the_protocol_gives_the_reasons_of_a_rejection_in_words() -> None:
    walk, bids = scored(30_000, 40_000, points=((90, 90, 90), (50, 50, 51)))
    out = replace(
        walk.state.bid(bids[1].bid_id), status="rejected", reasons=("auto_price: цена высока", "no_debts: долг")
    )
    state = replace(walk.state, bids=tuple(out if bid.bid_id == out.bid_id else bid for bid in walk.state.bids))
    event = decided(walk)
    text = write(state, event.lot_id, event.decided_at, event.judges, {}, (), 0).decode()
    [announced] = [line.text for line in state.requirements if line.code == "no_debts"]
    assert f"отклонена: цена высока; {announced}: долг" in text and "auto_" not in text


def test_what_is_too_large_for_an_entry_goes_by_hash() -> None:
    walk = Walk(lots=(lot(100_000),)).open()
    bids = [walk.bid(content(40_000 + n, 500)) for n in range(160)]
    walk.evaluated(*bids)
    for member in EVALUATORS[:3]:
        for start in range(0, len(bids), evaluation.MAX_SCORES):
            lines = tuple(
                evaluation.Score(bid_id=bid.bid_id, criterion="quality", score=50, comment="ровно")
                for bid in bids[start : start + evaluation.MAX_SCORES]
            )
            walk.do(evaluation.SubmitScores(id=walk.id, scores=lines), member)
    before = walk.state
    event = decided(walk)
    assert event.by_hash and event.inputs == {} and event.ranking == {} and len(event.order) == 160
    [result] = ranking.rank_all(before, event.decided_at)
    assert ("application/json", result.computed) in result.documents
    walk.awarded()
    assert sum(walk.given_to().values()) == 80_000


def test_standstill_is_counted_in_working_days_and_then_the_award_comes_by_itself() -> None:
    walk, bids = scored(40_000, 41_000, 42_000, volume=1200)
    walk.decided()
    began = walk.events[-1]
    assert isinstance(began, ranking.StandstillBegan)
    assert began.until == calendar().add_working_days(walk.now, 5, "Europe/Moscow").at and began.explained["ru"]
    at, due = walk.dues[-1]
    assert at == began.until + closing.GRACE and isinstance(due, award.AwardCompetition)
    walk.awarded()
    [event] = [event for event in walk.events if isinstance(event, award.CompetitionAwarded)]
    assert [(line.bid_id, line.volume) for line in event.awards] == [
        (bids[0].bid_id, 500),
        (bids[1].bid_id, 500),
        (bids[2].bid_id, 200),
    ]
    assert event.awards[0].unit_price_kopecks == 40_000 and event.unallocated == 0


def test_who_is_not_active_any_more_is_passed_over() -> None:
    walk, (first, second) = scored(40_000, 41_000)
    walk.decided().awarded(first.line.provider_id)
    assert walk.given_to() == {second.bid_id: 500}
    none, bids = scored(40_000, 41_000)
    none.decided().awarded(*(bid.line.provider_id for bid in bids))
    assert none.status == "unsuccessful" and isinstance(none.events[-1], closing.CompetitionUnsuccessful)


def settle(walk: Walk, outcome: award.Outcome, number: int = 0) -> tuple[object, ...]:
    command = award.SettleAward(
        id=walk.id, award_id=walk.state.awards[number].award_id, agreement_id=new_id(), outcome=outcome
    )
    return walk.do(command, facts=award.Takers())


def test_the_competition_is_agreed_when_every_award_is_settled() -> None:
    walk, _ = scored(40_000, 41_000)
    walk.decided().awarded()
    assert [type(event) for event in settle(walk, "active", 0)] == [award.AwardSettled]
    assert settle(walk, "active", 0) == (), "the same news twice changes nothing"
    assert [type(event) for event in settle(walk, "void", 1)] == [award.AwardSettled, award.CompetitionAgreed]
    assert walk.status == "agreed"


def test_a_winner_that_declines_leaves_its_volume_to_the_next() -> None:
    walk, (first, second, third) = scored(40_000, 41_000, 42_000, volume=700)
    walk.decided().awarded()
    assert walk.given_to() == {first.bid_id: 500, second.bid_id: 200}
    events = settle(walk, "declined", 0)
    assert [type(event) for event in events] == [award.AwardSettled, award.CompetitionAwarded]
    assert walk.given_to() == {second.bid_id: 500, third.bid_id: 200}
    for number in (1, 2, 3):
        settle(walk, "active", number)
    assert walk.status == "agreed"


def test_when_nobody_is_left_a_declined_award_ends_the_competition() -> None:
    walk, _ = scored(40_000, 41_000)
    walk.decided().awarded()
    settle(walk, "active", 1)
    assert [type(event) for event in settle(walk, "declined", 0)] == [award.AwardSettled, award.CompetitionAgreed]


@pytest.mark.parametrize("apart", [0, 1], ids=["all at one price", "every price another"])
def test_as_many_bids_as_a_competition_takes_are_ranked_and_awarded_in_entries_that_fit(apart: int) -> None:
    walk = Walk(lots=(lot(MAX_BIDS),), criteria=PRICE_ALONE).open()
    walk.evaluated(walk.bid(), walk.bid())
    bids = tuple(
        StandingBid(
            new_id(), walk.lots[0].lot_id, new_id(), 1, arrival, "admitted", 40_000 + apart * arrival, 1, {}, "№ 7"
        )
        for arrival in range(1, MAX_BIDS + 1)
    )
    walk.state = changed(walk.state, bids=bids)
    event = decided(walk)
    [following] = [event for event in walk.events if isinstance(event, ranking.RankingContinued)]
    assert following.first == len(event.order) + 1
    assert (*event.order, *following.order) == tuple(bid.bid_id for bid in bids)
    passed_over, gone = bids[50], bids[MAX_BIDS - 1]
    walk.awarded(passed_over.provider_id, gone.provider_id)
    assert walk.given_to() == {bid.bid_id: 1 for bid in bids if bid not in (passed_over, gone)}
    parts = [event for event in walk.events if isinstance(event, award.CompetitionAwarded)]
    assert [part.part for part in parts] == list(range(len(parts))) and parts[-1].unallocated == 2
    assert all(before.unallocated == after.volume for before, after in pairwise(parts))


def test_what_is_awarded_may_be_cancelled_while_no_agreement_lives() -> None:
    walk, _ = scored(40_000, 41_000)
    walk.decided().awarded()
    cancel = cancellation.CancelCompetition(id=walk.id, reason="Потребность отпала")
    assert walk.refused(cancel, OFFICER, 1) == "agreements_live"
    walk.do(cancel, OFFICER, 0)
    assert walk.status == "cancelled"
    news = award.SettleAward(id=walk.id, award_id=walk.state.awards[0].award_id, agreement_id=new_id(), outcome="void")
    assert walk.refused(news, facts=award.Takers()) == "wrong_state"


def test_nothing_is_awarded_before_standstill_began() -> None:
    walk, _ = scored(40_000, 41_000)
    assert walk.refused(award.AwardCompetition(id=walk.id), facts=award.Takers()) == "wrong_state"
    walk.decided()
    assert walk.refused(ranking.DecideRanking(id=walk.id), SECOND_OFFICER, now=walk.now + timedelta(1)) == "wrong_state"


# -- properties -------------------------------------------------------------------------------------------------------

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ranked_order(offers: list[tuple[int, int]], arrange: list[int]) -> list[str]:
    """The ranking of (price, points) offers when their evaluation happens in the order `arrange`; names by index."""
    walk = Walk(criteria=PRICE_AND_QUALITY).open()
    providers = [f"00000000-0000-7000-8000-{n:012d}" for n in range(len(offers))]
    bids = [
        walk.bid(content(price, 10), provider_id=provider)
        for (price, _), provider in zip(offers, providers, strict=True)
    ]
    walk.closed(*bids)
    found = walk.found(*(bids[n] for n in arrange))
    walk.do(opening.OpenBids(id=walk.id), facts=found)
    for n in arrange:
        walk.check(bids[n])
    walk.do(admission.BeginEvaluation(id=walk.id), OFFICER)
    for member in EVALUATORS[:3]:
        walk.declare(member)
        for n in arrange:
            walk.score(member, bids[n], offers[n][1])
    event = decided(walk)
    totals = [exact(row["total"]["exact"]) for row in event.ranking.get("ranking", [])]
    assert totals == sorted(totals, reverse=True)
    return [walk.state.bid(bid_id).provider_id for bid_id in event.order]


@QUICK
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), min_size=1, max_size=5).flatmap(
        lambda offers: st.tuples(st.just(offers), st.permutations(range(len(offers))))
    )
)
def test_the_ranking_depends_on_no_order_but_that_of_the_log(case: tuple[list[tuple[int, int]], list[int]]) -> None:
    offers, arrange = case
    assert ranked_order(offers, arrange) == ranked_order(offers, list(range(len(offers))))


@QUICK
@given(
    volume=st.integers(1, 2_000),
    offered=st.lists(st.integers(1, 900), min_size=1, max_size=6),
    fates=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(("active", "void", "declined"))), max_size=12),
    inactive=st.integers(0, 63),
)
def test_volume_is_never_given_twice(
    volume: int, offered: list[int], fates: list[tuple[int, award.Outcome]], inactive: int
) -> None:
    walk = Walk(lots=(lot(volume),), criteria=PRICE_ALONE).open()
    bids = [walk.bid(content(40_000 + n, min(size, volume))) for n, size in enumerate(offered)]
    walk.evaluated(*bids).decided()
    resting = [bid.line.provider_id for n, bid in enumerate(bids) if inactive >> n & 1]
    walk.awarded(*resting)
    _check_volume(walk, volume)
    for which, outcome in fates:
        if walk.status != "awarded":
            break
        settle(walk, outcome, which % len(walk.state.awards))
        _check_volume(walk, volume)


def _check_volume(walk: Walk, volume: int) -> None:
    given_to = walk.given_to()
    assert sum(given_to.values()) <= volume
    for bid_id, taken in given_to.items():
        assert 0 < taken <= walk.state.bid(bid_id).volume
    assert len({each.award_id for each in walk.state.awards}) == len(walk.state.awards)


@pytest.mark.parametrize("points", [-1, 101])
def test_a_score_outside_0_to_100_is_no_score(points: int) -> None:
    with pytest.raises(ValueError, match="score"):
        evaluation.Score(bid_id=new_id(), criterion="quality", score=points, comment="x")

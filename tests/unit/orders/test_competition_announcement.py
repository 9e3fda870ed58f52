"""The announcement, questions and the deadline: what is refused, what is frozen, what moves and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.ids import new_id
from kernel.sealing import to_base64
from services.orders.domain import scoring
from services.orders.domain.competition import announcement, cancellation, closing, publication, questions
from services.orders.domain.competition.state import MAX_BIDS, CriterionLine, Requirement
from tests.unit.orders.competition_walk import (
    EVALUATORS,
    NOON,
    OFFICER,
    PRICE_ALONE,
    Walk,
    actor,
    calendar,
    lot,
    rules,
)


def criterion(**changes: Any) -> CriterionLine:
    whole = {"key": "price", "title": "Цена", "formula": "lowest_price", "weight": 100}
    return CriterionLine(**{**whole, **changes})


def test_a_draft_takes_its_lots_from_an_approved_order() -> None:
    walk = Walk()
    [event] = walk.do(walk.draft_command(), OFFICER, walk.basis())
    assert isinstance(event, announcement.CompetitionDrafted)
    assert event.lots == walk.lots and event.number == "К-2027-000001" and event.territory == "belomorsk"
    assert walk.status == "draft" and walk.state.drafted_by == OFFICER.id


@pytest.mark.parametrize(
    ("changes", "basis", "code"),
    [
        ({}, {"order_status": "formed"}, "order_not_approved"),
        ({}, {"body_id": new_id()}, "not_yours"),
        ({"lot_ids": (new_id(),)}, {}, "lot_not_of_order"),
        ({"criteria": (criterion(weight=99),)}, {}, "weights_not_100"),
        ({"criteria": (criterion(weight=50), criterion(key="b", weight="49.99"))}, {}, "weights_not_100"),
        ({"criteria": (criterion(formula="dice"),)}, {}, "unknown_formula"),
        ({"criteria": (criterion(formula="linear"),)}, {}, "price_formula"),
        ({"criteria": (criterion(weight=50), criterion(weight=50))}, {}, "scoring_repeated"),
        ({"evaluators": ("a", "a")}, {}, "named_twice"),
        ({"requirements": (Requirement(code="auto_form", text="x"),)}, {}, "named_twice"),
    ],
)
def test_what_no_draft_may_be(changes: dict[str, Any], basis: dict[str, Any], code: str) -> None:
    walk = Walk()
    assert walk.refused(walk.draft_command(**changes), OFFICER, walk.basis(**basis)) == code


def test_a_lot_that_lives_in_another_competition_is_refused() -> None:
    walk = Walk()
    taken = walk.basis(taken=(walk.lots[0].lot_id,))
    assert walk.refused(walk.draft_command(), OFFICER, taken) == "lot_in_competition"


def test_a_region_allows_formulas_by_name() -> None:
    walk = Walk(criteria=PRICE_ALONE)
    narrow = replace(rules(), formulas=("linear",))
    assert walk.refused(walk.draft_command(), OFFICER, walk.basis(), rules=narrow) == "formula_not_allowed"


def test_publication_freezes_formulas_limits_and_says_how_the_date_was_counted() -> None:
    walk = Walk().published()
    event = walk.events[-1]
    assert isinstance(event, publication.CompetitionPublished)
    earliest = calendar().add_working_days(NOON, 15, "Europe/Moscow")
    assert event.deadline == earliest.at
    # 15 working days after 4 February 2027: Saturday the 20th is worked, the 22nd is off for it, the 23rd a holiday.
    assert {"2027-02-22", "2027-02-23"} <= {day["day"] for day in event.deadline_explanation["skipped"]}
    assert [day["day"] for day in event.deadline_explanation["worked_weekends"]] == ["2027-02-20"]
    assert event.deadline == datetime(2027, 2, 26, 20, 59, 59, tzinfo=UTC)
    assert event.explained["ru"].startswith("15 рабочих дней после 04.02.2027")
    assert event.calendar_version == earliest.calendar_version and event.region_version == rules().version
    assert event.formulas_hash == scoring.formulas_hash([line.for_scoring() for line in walk.criteria])
    assert event.limits.quorum_evaluators == 3
    assert event.custodians == ("custodian_1", "custodian_2", "custodian_3")
    assert [type(command) for _, command in walk.dues] == [closing.HoldForQuestions, closing.CloseBidding]


@pytest.mark.parametrize(
    ("deadline", "code"),
    [
        (NOON, "deadline_in_past"),
        (NOON - timedelta(days=400), "deadline_in_past"),
        (NOON + timedelta(days=1), "deadline_too_early"),
        (datetime(2027, 2, 26, 20, 59, 58, tzinfo=UTC), "deadline_too_early"),
        (datetime(2100, 1, 1, tzinfo=UTC), "calendar_missing"),
    ],
)
def test_a_deadline_in_the_past_or_too_early_is_refused(deadline: datetime, code: str) -> None:
    walk = Walk().drafted()
    assert walk.refused(publication.PublishCompetition(id=walk.id, deadline=deadline), OFFICER) == code


def test_a_later_deadline_may_be_chosen() -> None:
    later = datetime(2027, 3, 31, 12, 0, tzinfo=UTC)
    assert Walk().published(later).state.deadline == later


def test_only_the_own_body_with_a_quorum_publishes() -> None:
    walk = Walk().drafted()
    publish = publication.PublishCompetition(id=walk.id)
    assert walk.refused(publish, actor("officer", new_id())) == "not_yours"
    assert walk.refused(publish, actor("provider", walk.state.body_id)) == "forbidden_role"
    few = Walk()
    few.do(few.draft_command(evaluators=("one", "two")), OFFICER, few.basis())
    assert few.refused(publication.PublishCompetition(id=few.id), OFFICER) == "too_few_evaluators"
    few.do(announcement.AppointEvaluators(id=few.id, evaluators=("three",)), OFFICER)
    few.do(publication.PublishCompetition(id=few.id), OFFICER)


def test_bidding_opens_with_the_third_key_and_not_with_a_bad_one() -> None:
    walk = Walk().published()
    record = publication.RecordBiddingKey(id=walk.id)
    whole = walk.key_texts
    two = {name: whole[name] for name in ("custodian_1", "custodian_2")}
    for keys in ({}, two, {**two, "custodian_3": "bm90IGEga2V5"}, {**two, "custodian_3": whole["custodian_1"]}):
        assert walk.do(record, facts=keys) == ()
    stranger = {**two, "custodian_4": to_base64(bytes(32))}
    assert walk.do(record, facts=stranger) == ()
    [event] = walk.do(record, facts=whole)
    assert isinstance(event, publication.BiddingOpened) and event.keys == whole and walk.status == "open"


def test_a_question_is_answered_to_all_and_its_asker_is_named_to_nobody() -> None:
    walk = Walk().open()
    asker = actor("provider", new_id())
    [asked] = walk.do(questions.AskQuestion(id=walk.id, text="Есть ли лифт?"), asker)
    assert isinstance(asked, questions.QuestionAsked) and questions.QuestionAsked.readers == "auditor"
    assert asker.id not in asked.model_dump_json() and str(asker.organisation) not in asked.model_dump_json()
    reply = questions.AnswerQuestion(id=walk.id, question_id=asked.question_id, answer="Есть")
    assert walk.refused(reply, actor("officer", new_id()), questions.Asked(asked.text)) == "not_yours"
    [answered] = walk.do(reply, OFFICER, questions.Asked(asked.text))
    assert isinstance(answered, questions.QuestionAnswered) and answered.text == "Есть ли лифт?"
    assert walk.refused(reply, OFFICER, questions.Asked(asked.text)) == "question_unknown"


def test_questions_end_three_working_days_before_the_deadline() -> None:
    walk = Walk().open()
    until = walk.state.questions_until
    # 26 February less 3 working days, over the days off of 21-23 February: the worked Saturday.
    assert until == datetime(2027, 2, 20, 20, 59, 59, tzinfo=UTC)
    late = questions.AskQuestion(id=walk.id, text="Можно ли ещё спросить?")
    asker = actor("provider", new_id())
    assert walk.refused(late, asker, received_at=until + timedelta(seconds=1)) == "questions_over"
    walk.do(late, asker, received_at=until)


def test_an_unanswered_question_moves_the_deadline_before_it_passes() -> None:
    walk = Walk().open()
    question_id = walk.ask()
    before, questions_until = walk.state.deadline, walk.state.questions_until
    hold = closing.HoldForQuestions(id=walk.id, deadline=before)
    [moved] = walk.do(hold, now=before - closing.LOOK_AHEAD)
    assert isinstance(moved, closing.DeadlineMoved)
    assert moved.reason == "unanswered_questions" and moved.unanswered == (question_id,) and moved.previous == before
    assert moved.deadline == calendar().add_working_days(before, 2, "Europe/Moscow").at
    assert moved.explained["ru"] and moved.calendar_version
    assert walk.state.questions_until == questions_until, "a moved deadline opens no new round of questions"
    # The old deadline's commands find that it has moved.
    assert walk.do(hold) == ()
    assert walk.do(closing.CloseBidding(id=walk.id, deadline=before), now=before + closing.GRACE) == ()
    assert walk.status == "open"
    reply = questions.AnswerQuestion(id=walk.id, question_id=question_id, answer="Да, можно")
    walk.do(reply, OFFICER, questions.Asked("Что с ключами?"))
    assert walk.do(closing.HoldForQuestions(id=walk.id, deadline=walk.state.deadline)) == ()
    assert walk.closed().status == "unsuccessful"


def test_keys_that_dont_come_move_the_deadline_by_the_whole_period() -> None:
    walk = Walk().published()
    before = walk.state.deadline
    [moved] = walk.do(closing.HoldForQuestions(id=walk.id, deadline=before), now=before - closing.LOOK_AHEAD)
    assert isinstance(moved, closing.DeadlineMoved) and moved.reason == "keys_missing"
    assert moved.deadline == calendar().add_working_days(before, 15, "Europe/Moscow").at


def test_the_closing_waits_for_the_longest_call_and_for_the_order_of_the_log() -> None:
    walk = Walk().open()
    close = closing.CloseBidding(id=walk.id, deadline=walk.state.deadline)
    bid = walk.bid()
    standing = closing.Standing((bid.line,), sealed=True)
    early = walk.decide(close, facts=standing, now=walk.state.deadline + timedelta(seconds=9))
    assert early.events == () and early.due[0].at == walk.state.deadline + closing.GRACE
    now = walk.state.deadline + closing.GRACE
    unsealed = walk.decide(close, facts=closing.Standing((bid.line,), sealed=False), now=now)
    assert unsealed.events == () and unsealed.due[0].at == now
    [event] = walk.do(close, facts=standing, now=now)
    assert isinstance(event, closing.BiddingClosed) and event.standing == (bid.line,) and walk.status == "closed"


def test_lots_without_bids_are_named_and_a_competition_without_any_is_unsuccessful() -> None:
    walk = Walk(lots=(lot(), lot())).open()
    walk.closed(walk.bid())
    closed, lost = walk.events[-2:]
    assert isinstance(closed, closing.BiddingClosed) and isinstance(lost, closing.LotsUnsuccessful)
    assert lost.lot_ids == (walk.lots[1].lot_id,) and lost.reason == "no_bids" and walk.status == "closed"
    none = Walk(lots=(lot(), lot())).open().closed()
    assert [type(event) for event in none.events[-2:]] == [closing.BiddingClosed, closing.CompetitionUnsuccessful]
    assert none.status == "unsuccessful"


@given(st.integers(1, MAX_BIDS) | st.sampled_from((closing.PART, closing.PART + 1, 2 * closing.PART, MAX_BIDS)))
@settings(max_examples=15, deadline=None)
def test_the_parts_of_the_closings_list_are_the_standing_bids_in_their_order(count: int) -> None:
    walk = Walk().open()
    lot_id = walk.lots[0].lot_id
    lines = tuple(
        closing.StandingBid(bid_id=new_id(), lot_id=lot_id, provider_id=new_id(), bid_version=1_000_000)
        for _ in range(count)
    )
    walk.now = walk.state.deadline + closing.GRACE
    close = closing.CloseBidding(id=walk.id, deadline=walk.state.deadline)
    closed, *following = walk.do(close, facts=closing.Standing(lines, sealed=True))  # each fits into an entry
    assert isinstance(closed, closing.BiddingClosed)
    listed = [*closed.standing]
    for event in following:
        assert isinstance(event, closing.StandingBidsListed) and event.first == len(listed) + 1
        listed += event.standing
    assert tuple(listed) == lines
    assert (closed.count, closed.standing_hash) == (count, closing.list_hash(lines))
    assert [(bid.bid_id, bid.arrival) for bid in walk.state.bids] == [
        (line.bid_id, place) for place, line in enumerate(lines, start=1)
    ]
    assert walk.status == "closed"


def test_a_competition_may_be_cancelled_by_its_body_and_then_does_nothing_more() -> None:
    walk = Walk().open()
    cancel = cancellation.CancelCompetition(id=walk.id, reason="Изменилась потребность")
    assert walk.refused(cancel, actor("officer", new_id())) == "not_yours"
    walk.do(cancel, OFFICER)
    assert walk.status == "cancelled"
    close = closing.CloseBidding(id=walk.id, deadline=walk.state.deadline)
    assert walk.refused(close, facts=closing.Standing((), True)) == "wrong_state"


def test_members_are_added_and_none_is_named_twice() -> None:
    walk = Walk().open()
    again = announcement.AppointEvaluators(id=walk.id, evaluators=(EVALUATORS[0].id,))
    assert walk.refused(again, OFFICER) == "named_twice"

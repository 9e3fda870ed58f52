"""Complaints (DOMAIN §2(b)): they stop the clock of the standstill, another body decides, what it decides is carried out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.identity import Actor
from kernel.ids import new_id
from services.orders.domain.competition import (
    admission,
    award,
    cancellation,
    complaint,
    evaluation,
    ranking,
    remedy,
)
from services.orders.domain.competition.announcement import CompetitionCancelled
from services.orders.domain.competition.closing import GRACE
from tests.unit.orders.competition_walk import (
    ACTIVE,
    EVALUATORS,
    OFFICER,
    SECOND_OFFICER,
    SealedBid,
    Walk,
    actor,
    calendar,
    content,
    lot,
    rules,
)

ZONE = "Europe/Moscow"
JUDGE = actor("auditor", rules().complaint_body)
TEXT = "Оценка опыта не соответствует содержанию заявки"


def standing_still(points: tuple[int, int] = (90, 60)) -> tuple[Walk, list[SealedBid]]:
    """In standstill since Monday, 1 March 2027, 12:00 in Moscow: it ends with Tuesday, 9 March (the 8th is a holiday)."""
    walk = Walk().open()
    bids = [walk.bid(content(40_000, 500)), walk.bid(content(41_000, 500))]
    walk.evaluated(*bids)
    walk.now = datetime(2027, 3, 1, 9, tzinfo=UTC)
    for bid, score in zip(bids, points, strict=True):
        for member in EVALUATORS[:3]:
            walk.score(member, bid, score)
    walk.decided()
    assert walk.state.standstill_until == datetime(2027, 3, 9, 20, 59, 59, tzinfo=UTC)
    return walk, bids


def bidder_of(bid: SealedBid) -> Actor:
    return actor("provider", bid.line.provider_id)


def file(walk: Walk, bid: SealedBid, **more: Any) -> str:
    command = complaint.FileComplaint(id=walk.id, lot_id=bid.line.lot_id, text=TEXT)
    filed = walk.do(command, bidder_of(bid), **more)[0]
    assert isinstance(filed, complaint.ComplaintFiled)
    return filed.complaint_id


def decline(walk: Walk, complaint_id: str) -> remedy.DeclineComplaint:
    return remedy.DeclineComplaint(id=walk.id, complaint_id=complaint_id, reason="Доводы не подтвердились")


def satisfied(walk: Walk, complaint_id: str, what: remedy.Remedy) -> tuple[object, ...]:
    walk.do(remedy.AcceptComplaint(id=walk.id, complaint_id=complaint_id), JUDGE)
    order = remedy.SatisfyComplaint(id=walk.id, complaint_id=complaint_id, decision="Жалоба обоснованна", remedy=what)
    return walk.do(order, JUDGE)


# -- the clock --------------------------------------------------------------------------------------------------------


def test_a_complaint_stops_the_clock_and_the_days_that_were_left_run_after_it() -> None:
    walk, (_, second) = standing_still()
    first_end = walk.state.standstill_until
    walk.now = datetime(2027, 3, 3, 12, tzinfo=UTC)  # a Wednesday: Thursday, Friday and Tuesday are left
    complaint_id = file(walk, second)
    stopped = walk.events[-1]
    assert isinstance(stopped, complaint.StandstillStopped)
    assert stopped.left_days == 3 and stopped.explanation["counted_from"] == "2027-03-03"
    assert walk.do(award.AwardCompetition(id=walk.id), facts=award.Takers(), now=first_end + GRACE) == (), (
        "nobody wins meanwhile"
    )
    walk.now = datetime(2027, 3, 12, 12, tzinfo=UTC)  # a Friday
    declined, resumed = walk.do(decline(walk, complaint_id), JUDGE)
    assert isinstance(declined, complaint.ComplaintDeclined) and not declined.superseded
    assert isinstance(resumed, complaint.StandstillResumed)
    assert resumed.until == calendar().add_working_days(walk.now, 3, ZONE).at == walk.state.standstill_until
    at, due = walk.dues[-1]
    assert at == resumed.until + GRACE and isinstance(due, award.AwardCompetition)
    early = walk.decide(due, facts=award.Takers(), now=first_end + GRACE)
    assert early.events == () and early.due[0].at == at, "the first end's due command finds that there is another"
    walk.awarded()
    assert walk.status == "awarded"


def test_a_complaint_of_the_last_day_leaves_no_day_but_that_of_the_decision() -> None:
    walk, (_, second) = standing_still()
    end = walk.state.standstill_until
    complaint_id = file(walk, second, now=end - timedelta(hours=1), received_at=end - timedelta(hours=1))
    assert walk.state.stopped_days == 0
    walk.now = datetime(2027, 3, 12, 12, tzinfo=UTC)
    walk.do(decline(walk, complaint_id), JUDGE)
    assert walk.state.standstill_until == datetime(2027, 3, 12, 20, 59, 59, tzinfo=UTC)


def test_what_was_received_in_time_is_decided_before_the_award() -> None:
    walk, (_, second) = standing_still()
    end = walk.state.standstill_until
    early = walk.decide(award.AwardCompetition(id=walk.id), facts=award.Takers(), now=end)
    assert early.events == () and early.due[0].at == end + GRACE
    file(walk, second, now=end + timedelta(seconds=9), received_at=end)
    assert walk.do(award.AwardCompetition(id=walk.id), facts=award.Takers(), now=end + GRACE) == ()


def test_the_clock_goes_on_with_the_last_of_several_complaints() -> None:
    walk, (first, second) = standing_still()
    one, two = file(walk, first), file(walk, second)
    assert [type(event) for event in walk.do(decline(walk, one), JUDGE)] == [complaint.ComplaintDeclined]
    withdrawal = complaint.WithdrawComplaint(id=walk.id, complaint_id=two, reason="Получили разъяснения")
    assert walk.refused(withdrawal, bidder_of(first)) == "not_yours"
    assert [type(event) for event in walk.do(withdrawal, bidder_of(second))] == [
        complaint.ComplaintWithdrawn,
        complaint.StandstillResumed,
    ]
    assert walk.refused(withdrawal, bidder_of(second)) == "complaint_state"


# -- who complains, who decides ---------------------------------------------------------------------------------------


def test_who_bid_for_the_lot_may_complain_until_the_end() -> None:
    walk, (_, second) = standing_still()
    command = complaint.FileComplaint(id=walk.id, lot_id=second.line.lot_id, text=TEXT)
    assert walk.refused(command, actor("provider", new_id())) == "no_bidder_of_lot"
    late = walk.state.standstill_until + timedelta(seconds=1)
    assert walk.refused(command, bidder_of(second), received_at=late) == "complained_late"
    for _ in range(complaint.MAX_PER_BIDDER):
        file(walk, second)
    assert walk.refused(command, bidder_of(second)) == "too_many_complaints"


def test_the_region_says_who_decides_and_a_running_complaint_keeps_its_body() -> None:
    walk, (_, second) = standing_still()
    complaint_id = file(walk, second)
    accept = remedy.AcceptComplaint(id=walk.id, complaint_id=complaint_id)
    assert walk.refused(accept, actor("auditor", new_id())) == "not_complaint_body"
    assert walk.refused(accept, OFFICER) == "forbidden_role"
    other_region = replace(rules(), complaint_body=new_id())
    [accepted] = walk.do(accept, JUDGE, rules=other_region)
    assert isinstance(accepted, remedy.ComplaintAccepted)
    assert accepted.decide_by == calendar().add_working_days(walk.now, 5, ZONE).at and accepted.explained["ru"]
    assert walk.refused(accept, JUDGE) == "complaint_state"
    unknown = remedy.AcceptComplaint(id=walk.id, complaint_id=new_id())
    assert walk.refused(unknown, JUDGE) == "complaint_unknown"


def test_what_is_not_accepted_can_be_declined_but_not_satisfied() -> None:
    walk, (_, second) = standing_still()
    complaint_id = file(walk, second)
    order = remedy.SatisfyComplaint(id=walk.id, complaint_id=complaint_id, decision="Обоснованна", remedy="cancel")
    assert walk.refused(order, JUDGE) == "complaint_state"
    walk.do(decline(walk, complaint_id), JUDGE)


# -- what follows -----------------------------------------------------------------------------------------------------


def test_scores_are_given_again_unseen_and_the_new_ranking_resolves_the_complaint() -> None:
    walk, (first, second) = standing_still()
    complaint_id = file(walk, second)
    events = satisfied(walk, complaint_id, "rescore")
    assert [type(event) for event in events] == [remedy.ComplaintSatisfied, remedy.EvaluationReopened]
    assert walk.status == "evaluation" and walk.state.ranked == {} and walk.state.stopped_days is None
    assert all(sheet.scores == {} for sheet in walk.state.sheets.values())
    assert walk.refused(ranking.DecideRanking(id=walk.id), SECOND_OFFICER) == "no_quorum"
    for member in EVALUATORS[:3]:
        walk.score(member, first, 60)
        walk.score(member, second, 95)
    assert isinstance(walk.events[-1], evaluation.ScoresRenewed)
    assert evaluation.ScoresRenewed.readers == "auditor", "the first ranking opened the scores before it, not these"
    walk.decided()
    assert walk.state.ranked[second.line.lot_id] == (second.bid_id, first.bid_id)
    assert walk.state.complaints[complaint_id].status == "resolved"
    kinds = [type(event) for event in walk.events[-3:]]
    assert kinds == [ranking.RankingDecided, remedy.ComplaintResolved, ranking.StandstillBegan]
    walk.awarded()
    assert walk.given_to() == {second.bid_id: 500, first.bid_id: 500}


def test_bids_of_the_lot_are_checked_again() -> None:
    walk, (first, second) = standing_still()
    complaint_id = file(walk, second)
    events = satisfied(walk, complaint_id, "recheck")
    assert [type(event) for event in events] == [remedy.ComplaintSatisfied, remedy.CheckReopened]
    assert walk.status == "opened"
    assert walk.refused(admission.BeginEvaluation(id=walk.id), OFFICER) == "bids_unchecked"
    walk.check(first, met=False)
    walk.check(second, bidder=ACTIVE)
    walk.do(admission.BeginEvaluation(id=walk.id), OFFICER)
    walk.decided()
    assert walk.state.ranked[second.line.lot_id] == (second.bid_id,)
    assert walk.state.complaints[complaint_id].status == "resolved"


def test_another_lots_bids_and_scores_stay() -> None:
    walk = Walk(lots=(lot(), lot())).open()
    here, rival, elsewhere = walk.bid(), walk.bid(), walk.bid(in_lot=1)
    other = walk.bid(in_lot=1)
    walk.evaluated(here, rival, elsewhere, other)
    for member in EVALUATORS[:3]:
        for bid in (here, rival, elsewhere, other):
            walk.score(member, bid, 70)
    walk.decided()
    satisfied(walk, file(walk, rival), "rescore")
    scored = {bid_id for sheet in walk.state.sheets.values() for bid_id in sheet.scores}
    assert scored == {elsewhere.bid_id, other.bid_id}


def test_the_body_may_cancel_and_other_complaints_have_nothing_left_to_be_about() -> None:
    walk, (first, second) = standing_still()
    one, two = file(walk, first), file(walk, second)
    events = satisfied(walk, one, "cancel")
    assert [type(event) for event in events] == [
        remedy.ComplaintSatisfied,
        complaint.ComplaintDeclined,
        remedy.ComplaintResolved,
        CompetitionCancelled,
    ]
    assert walk.status == "cancelled"
    assert {id: each.status for id, each in walk.state.complaints.items()} == {one: "resolved", two: "declined"}


def test_the_buyer_cannot_cancel_a_complaint_away_unseen() -> None:
    walk, (_, second) = standing_still()
    complaint_id = file(walk, second)
    declined, cancelled = walk.do(cancellation.CancelCompetition(id=walk.id, reason="Денег не стало"), OFFICER)
    assert isinstance(declined, complaint.ComplaintDeclined) and declined.superseded
    assert declined.complaint_id == complaint_id and isinstance(cancelled, CompetitionCancelled)


@pytest.mark.parametrize("phase", ["evaluation", "awarded"])
def test_there_is_nothing_to_complain_about_before_or_after_the_standstill(phase: str) -> None:
    walk, (_, second) = standing_still()
    if phase == "awarded":
        walk.awarded()
    else:
        satisfied(walk, file(walk, second), "rescore")
    command = complaint.FileComplaint(id=walk.id, lot_id=second.line.lot_id, text=TEXT)
    assert walk.refused(command, bidder_of(second)) == "wrong_state"

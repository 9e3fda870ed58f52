"""The agreement's own decisions, whatever answers come and in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.aggregate import Command, Context, Decision
from kernel.ids import new_id
from services.orders.domain.agreement import Agreement, AwardNow, agreement, state
from services.orders.domain.agreement.events import AgreementVoided
from services.orders.domain.competition.closing import GRACE
from tests.unit.orders.competition_walk import BODY, NOON, OFFICER, SECOND_OFFICER, SYSTEM, actor, calendar, rules

PROVIDER = new_id()
NPO = actor("provider", PROVIDER)
ID = new_id()
AWARD = AwardNow(
    number="СГ-2027-000001", competition_id=new_id(), bid_id=new_id(), order_id=new_id(), lot_id=new_id(), body_id=BODY,
    provider_id=PROVIDER, provider_kind="npo", territory="belomorsk", service_code="DOM-01", service_kind="domestic",
    form="home", unit="visit", year=2027, volume=12, unit_price_kopecks=35_000, lot_free=12,
)  # fmt: skip


class Paper:
    """One agreement that is given commands."""

    def __init__(self) -> None:
        self.state = Agreement()
        self.events: list[str] = []
        self.now = NOON

    def do(self, command: Command, who: Any = SYSTEM, facts: Any = None) -> Decision:
        context = Context(
            now=self.now, received_at=self.now, actor=who, new_id=new_id, id=ID, facts=facts, rules=rules()
        )
        decision = agreement.decide(self.state, command, context)
        self.state = agreement.fold(decision.events, self.state)
        self.events += [type(event).__name__ for event in decision.events]
        return decision

    def drafted(self, **changes: Any) -> Paper:
        data = {"id": ID, "award_id": new_id(), "starts": "2027-02-01", "ends": "2027-12-31", "places": 2, **changes}
        self.refusal = self.do(state.DraftAgreement(**data), OFFICER, AWARD).refusal
        return self

    def asked(self) -> Decision:
        return self.do(state.RequestReservation(id=ID), OFFICER)


def test_the_amount_is_volume_times_price() -> None:
    assert Paper().drafted().state.amount_kopecks == 12 * 35_000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"starts": "2027-12-31", "ends": "2027-02-01"}, "dates_invalid"),
        ({"starts": "2026-12-31"}, "dates_invalid"),
        ({"ends": "2028-01-01"}, "dates_invalid"),
        ({"ends": "2027-02-30"}, "dates_invalid"),
    ],
)
def test_a_term_outside_the_budget_year_is_refused(changes: dict[str, str], code: str) -> None:
    paper = Paper().drafted(**changes)
    assert paper.refusal is not None and paper.refusal.code == code and paper.state == Agreement()


def test_winners_of_a_cancelled_competition_get_no_agreement() -> None:
    paper = Paper()
    data = {"id": ID, "award_id": new_id(), "starts": "2027-02-01", "ends": "2027-12-31", "places": 2}
    facts = replace(AWARD, competition_status="cancelled")
    refusal = paper.do(state.DraftAgreement(**data), OFFICER, facts).refusal
    assert refusal is not None and refusal.code == "award_cancelled"


def test_asking_waits_until_its_deadline() -> None:
    decision = Paper().drafted().asked()
    [due] = decision.due
    assert due.at == NOON + timedelta(hours=24) and due.command == state.TimeOutReservation(id=ID, attempt=1)


def sent(paper: Paper) -> Decision:
    paper.drafted().asked()
    paper.do(state.AcceptBudget(id=ID, attempt=1))
    return paper.do(state.AcceptPlaces(id=ID))


def test_who_does_not_sign_in_time_has_refused() -> None:
    """DOMAIN §2(b): winner refuses → next in rank; the award hears it from a void that is declined."""
    paper = Paper()
    [due] = sent(paper).due
    until = calendar().add_working_days(NOON, 5, "Europe/Moscow").at
    assert due.at == until + GRACE and paper.state.sign_by == until
    paper.now = until + timedelta(seconds=1)
    late = paper.do(state.SignAgreement(id=ID), NPO).refusal
    assert late is not None and late.code == "signed_late" and "{" not in str(late.to_dict()["ru"])
    paper.now = due.at
    [void] = paper.do(due.command).events
    assert isinstance(void, AgreementVoided) and void.declined and void.reason == "not_signed_in_time"
    assert paper.do(due.command).events == ()


def test_what_is_signed_in_time_does_not_lapse() -> None:
    paper = Paper()
    [due] = sent(paper).due
    paper.now = due.at - GRACE
    paper.do(state.SignAgreement(id=ID), NPO)
    assert paper.do(due.command).events == () and paper.state.status == "signed_by_provider"


def test_the_straight_way_to_active_and_who_signs() -> None:
    paper = Paper().drafted()
    paper.asked()
    paper.do(state.AcceptBudget(id=ID, attempt=1))
    paper.do(state.AcceptPlaces(id=ID))
    paper.do(state.SignAgreement(id=ID), NPO)
    refusal = paper.do(state.CountersignAgreement(id=ID), OFFICER).refusal
    assert refusal is not None and refusal.code == "four_eyes"
    paper.do(state.CountersignAgreement(id=ID), SECOND_OFFICER)
    assert paper.state.status == "active"
    assert paper.events == [
        "AgreementDrafted", "ReservationRequested", "PlacesRequested", "AgreementSent", "AgreementSignedByProvider",
        "AgreementActivated",
    ]  # fmt: skip


def test_an_answer_to_another_asking_changes_nothing() -> None:
    paper = Paper().drafted()
    paper.asked()
    paper.do(state.TimeOutReservation(id=ID, attempt=1))
    paper.asked()
    before = paper.state
    for stale in (
        state.AcceptBudget(id=ID, attempt=1),
        state.TakeBudgetRefusal(id=ID, attempt=1, reason="x"),
        state.TakePlacesRefusal(id=ID, attempt=1, reason="x"),
        state.TimeOutReservation(id=ID, attempt=1),
    ):
        assert paper.do(stale).events == ()
    assert paper.state == before and before.attempt == 2


def test_a_refusal_of_either_leads_back_to_the_draft_with_its_reason() -> None:
    paper = Paper().drafted()
    paper.asked()
    paper.do(state.TakeBudgetRefusal(id=ID, attempt=1, reason="short"))
    paper.asked()
    paper.do(state.AcceptBudget(id=ID, attempt=2))
    paper.do(state.TakePlacesRefusal(id=ID, attempt=2, reason="full"))
    assert paper.state.status == "draft" and paper.events[-4:] == [
        "ReservationFailed", "ReservationRequested", "PlacesRequested", "ReservationFailed",
    ]  # fmt: skip


ANSWERS = st.sampled_from(["ask", "budget", "no_budget", "places", "no_places", "time_out", "void", "sign", "activate"])


@given(st.lists(st.tuples(ANSWERS, st.integers(1, 3)), max_size=25))
def test_it_is_never_sent_without_money_for_its_last_asking_and_places(steps: list[tuple[str, int]]) -> None:
    paper = Paper().drafted()
    money: set[int] = set()
    for step, attempt in steps:
        before = paper.state
        commands: dict[str, tuple[Command, Any]] = {
            "ask": (state.RequestReservation(id=ID), OFFICER),
            "budget": (state.AcceptBudget(id=ID, attempt=attempt), SYSTEM),
            "no_budget": (state.TakeBudgetRefusal(id=ID, attempt=attempt, reason="x"), SYSTEM),
            "places": (state.AcceptPlaces(id=ID), SYSTEM),
            "no_places": (state.TakePlacesRefusal(id=ID, attempt=attempt, reason="x"), SYSTEM),
            "time_out": (state.TimeOutReservation(id=ID, attempt=attempt), SYSTEM),
            "void": (state.VoidAgreement(id=ID, reason="an error"), OFFICER),
            "sign": (state.SignAgreement(id=ID), NPO),
            "activate": (state.CountersignAgreement(id=ID), SECOND_OFFICER),
        }
        decision = paper.do(*commands[step])
        if step == "budget" and before.waiting_for == "budget" and attempt == before.attempt:
            money.add(attempt)
        if "AgreementSent" in [type(event).__name__ for event in decision.events]:
            assert paper.state.attempt in money and paper.state.places_held
        # Whatever was asked ends: in `reserving` there is always something that is waited for, elsewhere nothing.
        assert (paper.state.status == "reserving") == (paper.state.waiting_for != "")
    if "AgreementActivated" in paper.events:
        assert paper.events.count("AgreementSent") == 1 and "AgreementVoided" not in paper.events

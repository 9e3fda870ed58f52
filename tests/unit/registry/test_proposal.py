"""DOMAIN §1: an NPO proposes a new service → expert opinions → the registrar approves, returns or refuses with reasons."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from kernel.ids import new_id
from services.registry.domain.catalogue.proposal import (
    ApproveProposal,
    AskExperts,
    ExpertsAsked,
    GiveOpinion,
    OpinionGiven,
    ProposalApproved,
    ProposalRefused,
    ProposalReturned,
    ProposalWithdrawn,
    ProposeService,
    RefuseProposal,
    ReturnProposal,
    ServiceProposed,
    WithdrawProposal,
    service_proposal,
)
from tests.story import NOON, Given, given
from tests.support import person
from tests.unit.registry.test_catalogue import CLERK, RULES, STANDARD

ID, PROVIDER = new_id(), new_id()
STAFF = person("provider", organisation=PROVIDER)
EXPERTS = [person("evaluator") for _ in range(4)]
ITEMS = [{"name": "Оплата труда", "kopecks": 40_000}, {"name": "Проезд", "kopecks": 9_050}]
NUMBER = "ПУ-2027-000001"


def proposed(**changes: Any) -> ProposeService:
    said: dict[str, Any] = {
        "name": {"ru": "Чтение вслух", "en": "Reading aloud"},
        "kind": "communicative",
        "form": "home",
        "unit": "hour",
        "need": "Просят получатели с потерей зрения",
        "standard": STANDARD,
        "cost_items": ITEMS,
    }
    return ProposeService(id=ID, **{**said, **changes})


def nothing() -> Given:
    return given(service_proposal, id=ID, rules=RULES)


def submitted() -> Given:
    return nothing().when(proposed(), STAFF, facts=(NUMBER, True)).then(ServiceProposed)


def asked() -> Given:
    ask = AskExperts(id=ID, experts=[expert.id for expert in EXPERTS])
    return submitted().when(ask, CLERK).then(ExpertsAsked)


def with_views(*views: str, entry: Given | None = None) -> Given:
    entry = entry or asked()
    for expert, view in zip(EXPERTS, views, strict=False):
        entry = entry.when(GiveOpinion(id=ID, view=view, text="Заключение эксперта"), expert).then(OpinionGiven)
    return entry


def approve(**changes: Any) -> ApproveProposal:
    return ApproveProposal(id=ID, **{"code": "COM-03", "valid_from": date(2027, 4, 1), **changes})


RETURN = ReturnProposal(id=ID, reasons=["нет показателей качества"])
REFUSE = RefuseProposal(id=ID, reasons=["услуга уже есть"], ground="service_not_needed")


def test_a_provider_of_the_register_proposes_and_the_cost_is_the_sum_of_its_items() -> None:
    event = nothing().when(proposed(), STAFF, facts=(NUMBER, True)).event
    assert (event.number, event.revision, event.cost_kopecks, event.provider_id) == (NUMBER, 1, 49_050, PROVIDER)
    # 30 working days after 10 March 2027
    assert (event.term, event.deadline_explanation["last_day"]) == ("proposal_decision", "2027-04-21")
    nothing().when(proposed(), STAFF, facts=(NUMBER, False)).refused("proposer_not_in_register")
    nothing().when(proposed(unit="mile"), STAFF, facts=(NUMBER, True)).refused("unit_unknown")
    nothing().when(proposed(), person("provider"), facts=(NUMBER, True)).refused("not_yours")


def test_only_who_was_asked_gives_an_opinion_and_once_of_a_revision() -> None:
    opinion = GiveOpinion(id=ID, view="for", text="Нужна")
    submitted().when(opinion, EXPERTS[0]).refused("expert_not_asked")
    once = asked().when(opinion, EXPERTS[0]).then(OpinionGiven)
    once.when(opinion, EXPERTS[0]).refused("opinion_given")
    once.when(AskExperts(id=ID, experts=[EXPERTS[0].id]), CLERK).refused("expert_asked_already")
    submitted().when(AskExperts(id=ID, experts=["e", "e"]), CLERK).refused("expert_asked_already")
    returned = once.when(RETURN, CLERK).then(ProposalReturned)
    again = returned.when(proposed(), STAFF, facts=(NUMBER, True)).then(ServiceProposed)
    assert (again.state.revision, again.state.opinions) == (2, ())
    again.when(opinion, EXPERTS[0]).then(OpinionGiven)


def test_a_returned_proposal_says_until_when_and_whether_its_correction_was_in_time() -> None:
    told = asked().when(RETURN, CLERK)
    assert (told.event.term, told.event.answers, told.event.in_time) == (
        "proposal_correction",
        "proposal_decision",
        True,
    )
    returned = told.then(ProposalReturned)
    late = returned.when(proposed(), STAFF, facts=("ПУ-2027-000009", True), now=NOON + timedelta(days=60)).event
    assert (late.answers, late.in_time, late.number) == ("proposal_correction", False, NUMBER)
    returned.when(proposed(), person("provider", organisation=new_id()), facts=(NUMBER, True)).refused("not_yours")


def test_approved_it_carries_all_that_the_new_service_begins_with() -> None:
    event = with_views("for", "for").when(approve(), CLERK).event
    assert (event.code, event.cost_kopecks, event.valid_from) == ("COM-03", 49_050, date(2027, 4, 1))
    assert (event.ground_code, event.basis) == ("service_needed", "ПУ-2027-000001, редакция 1")
    assert event.standard.text.ru == STANDARD["text"]["ru"] and event.in_time
    approved = with_views("for", "for").when(approve(), CLERK).then(ProposalApproved)
    approved.when(REFUSE, CLERK).refused("wrong_state")
    with_views("for", "for").when(approve(valid_from=date(2027, 3, 9)), CLERK).refused("valid_from_past")


def test_refused_and_withdrawn() -> None:
    event = asked().when(REFUSE, CLERK).event
    assert (event.ground_code, event.reasons) == ("service_not_needed", ("услуга уже есть",))
    asked().when(REFUSE.model_copy(update={"ground": None}), CLERK).refused("ground_needed")
    asked().when(REFUSE, CLERK).then(ProposalRefused)
    asked().when(WithdrawProposal(id=ID), person("provider", organisation=new_id())).refused("not_yours")
    assert submitted().when(WithdrawProposal(id=ID), STAFF).then(ProposalWithdrawn).state.status == "withdrawn"


@pytest.mark.parametrize("command", [RETURN, REFUSE, approve()])
def test_a_provider_does_not_decide_on_its_own_proposal(command: Any) -> None:
    with_views("for", "for").when(command, STAFF).refused("forbidden_role")


@examples(st.lists(st.sampled_from(["for", "against", "recused"]), max_size=4))
def test_nothing_is_approved_without_enough_opinions_nor_against_their_majority_without_a_reason(
    views: list[str],
) -> None:
    entry = with_views(*views)
    counted = [view for view in views if view != "recused"]
    told = entry.when(approve(), CLERK)
    if len(counted) < RULES.proposal_opinions:
        told.refused("opinions_missing")
        entry.when(approve(reason="очень нужна"), CLERK).refused("opinions_missing")
    elif counted.count("against") > counted.count("for"):
        told.refused("reason_against_experts")
        entry.when(approve(reason="потребность подтверждена обращениями"), CLERK).then(ProposalApproved)
    else:
        told.then(ProposalApproved)


@examples(st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_the_cost_of_a_unit_is_the_sum_of_its_items_and_a_replay_adds_it_up_again(kopecks: list[int]) -> None:
    items = [{"name": f"Статья {number}", "kopecks": each} for number, each in enumerate(kopecks)]
    event = nothing().when(proposed(cost_items=items), STAFF, facts=(NUMBER, True)).event
    assert event.cost_kopecks == sum(kopecks)
    forged = event.model_copy(update={"cost_kopecks": event.cost_kopecks + 1})
    again = service_proposal.recomputed["ServiceProposed"](service_proposal.initial, forged)
    assert again["cost_kopecks"] == event.cost_kopecks

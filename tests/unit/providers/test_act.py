"""Acts: the agreement's price and volume, months that have begun, two sides for every acceptance and reversal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.ids import new_id
from services.providers.domain.act import Agreement, act
from services.providers.domain.act_terms import (
    ActConfirmed,
    ActDrafted,
    ActDropped,
    ActReturned,
    ActReversed,
    ActSubmitted,
    AskReversal,
    ConfirmAct,
    ConfirmReversal,
    DeclineReversal,
    DraftAct,
    DropAct,
    NewLine,
    ReturnAct,
    ReversalAsked,
    ReversalDeclined,
    SubmitAct,
)
from tests.unit.providers.story import BODY, NPO, OFFICER, PROVIDER, Story, somebody

AGREEMENT = Agreement(
    id=new_id(),
    provider_id=PROVIDER,
    provider_kind="npo",
    body_id=BODY,
    year=2027,
    service_code="DOM-01",
    form="home",
    unit="visit",
    volume=100,
    unit_price_kopecks=41_200,
    starts="2027-02-01",
    ends="2027-11-30",
)


def draft(story: Story, *quantities: int, month: str = "2027-02", **line: Any) -> DraftAct:
    lines = [NewLine(**{"service_code": "DOM-01", "unit": "visit", "quantity": q, **line}) for q in quantities]
    return DraftAct(id=story.id, agreement_id=AGREEMENT.id, month=month, lines=lines)


def submitted(quantity: int = 10) -> Story:
    story = Story(act)
    story.when(draft(story, quantity), NPO, facts=AGREEMENT).then(ActDrafted)
    story.when(SubmitAct(id=story.id), NPO, facts=AGREEMENT).then(ActSubmitted)
    return story


def confirmed() -> Story:
    story = submitted()
    story.when(ConfirmAct(id=story.id), OFFICER).then(ActConfirmed)
    return story


def test_an_act_is_drafted_at_the_agreements_price() -> None:
    story = Story(act)
    [event] = story.when(draft(story, 3, 4), NPO, facts=AGREEMENT).then(ActDrafted)
    assert event.quantity == 7 and event.amount_kopecks == 7 * 41_200
    assert [line.amount_kopecks for line in event.lines] == [3 * 41_200, 4 * 41_200]
    story.when(draft(story, 5, unit_price_kopecks=41_200), NPO, facts=AGREEMENT).then(ActDrafted)
    assert story.state.quantity == 5


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"unit_price_kopecks": 41_201}, "price_not_agreed"),
        ({"service_code": "DOM-02"}, "service_not_agreed"),
        ({"unit": "hour"}, "service_not_agreed"),
    ],
)
def test_what_was_not_agreed_is_no_line_of_an_act(line: dict[str, Any], code: str) -> None:
    story = Story(act)
    story.when(draft(story, 1, **line), NPO, facts=AGREEMENT).refused(code)


@pytest.mark.parametrize(
    ("month", "code"),
    [
        ("2027-01", "month_out_of_term"),
        ("2027-12", "month_out_of_term"),
        ("2027-04", "month_in_future"),
    ],
)
def test_a_month_lies_in_the_term_and_has_begun(month: str, code: str) -> None:
    story = Story(act)
    story.when(draft(story, 1, month=month), NPO, facts=AGREEMENT).refused(code)


def test_a_month_begins_when_it_begins_in_the_region() -> None:
    """22:00 UTC of 31 March is 1 April in Moscow."""
    story, late = Story(act), datetime(2027, 3, 31, 22, 0, tzinfo=UTC)
    story.when(draft(story, 1, month="2027-04"), NPO, facts=AGREEMENT, now=late).then(ActDrafted)


def test_an_agreement_that_stopped_is_acted_up_to_that_month() -> None:
    story = Story(act)
    stopped = replace(AGREEMENT, over="ended", stopped_at=datetime(2027, 2, 20, tzinfo=UTC))
    story.when(draft(story, 1, month="2027-03"), NPO, facts=stopped).refused("agreement_over")
    story.when(draft(story, 1, month="2027-02"), NPO, facts=stopped).then(ActDrafted)
    story.when(SubmitAct(id=story.id), NPO, facts=replace(AGREEMENT, over="voided")).refused("agreement_over")
    other = Story(act)
    other.when(draft(other, 1), NPO, facts=None).refused("agreement_not_active")


def test_submitted_quantities_never_exceed_the_volume() -> None:
    story = Story(act)
    story.when(draft(story, 10), NPO, facts=AGREEMENT).then(ActDrafted)
    story.when(SubmitAct(id=story.id), NPO, facts=replace(AGREEMENT, claimed=91)).refused("volume_exceeded")
    told = story.when(SubmitAct(id=story.id), NPO, facts=replace(AGREEMENT, claimed=90))
    told.then(ActSubmitted)
    assert told.decision.reply == {"left": 0}


def test_an_act_is_confirmed_by_the_officer_of_its_body() -> None:
    story = submitted()
    story.when(ConfirmAct(id=story.id), somebody("officer", new_id())).refused("not_yours")
    story.when(ConfirmAct(id=story.id), NPO).refused("forbidden_role")
    [event] = story.when(ConfirmAct(id=story.id), OFFICER).then(ActConfirmed)
    assert (event.act_id, event.quantity, event.amount_kopecks) == (story.id, 10, 412_000)
    assert (event.year, event.month, event.provider_kind, event.body_id) == (2027, "2027-02", "npo", BODY)
    story.when(ConfirmAct(id=story.id), OFFICER).refused("wrong_state")
    story.when(draft(story, 1), NPO, facts=AGREEMENT).refused("wrong_state")


def test_who_submitted_does_not_confirm_even_with_both_roles() -> None:
    both = replace(NPO, roles=frozenset({"provider", "officer"}))
    story = Story(act)
    story.when(draft(story, 1), both, facts=AGREEMENT).then(ActDrafted)
    story.when(SubmitAct(id=story.id), both, facts=AGREEMENT).then(ActSubmitted)
    story.when(ConfirmAct(id=story.id), replace(both, organisation=BODY)).refused("four_eyes")


def test_a_returned_act_is_corrected_and_submitted_again_or_given_up() -> None:
    story = submitted()
    [event] = story.when(ReturnAct(id=story.id, reason="two visits too many"), OFFICER).then(ActReturned)
    assert event.quantity == 10
    story.when(SubmitAct(id=story.id), NPO, facts=AGREEMENT).refused("wrong_state")
    story.when(draft(story, 8, month="2027-03"), NPO, facts=AGREEMENT).refused("act_of_other_month")
    story.when(draft(story, 8), NPO, facts=AGREEMENT).then(ActDrafted)
    story.when(DropAct(id=story.id), somebody("provider", new_id())).refused("not_yours")
    story.when(DropAct(id=story.id), NPO).then(ActDropped)
    story.when(SubmitAct(id=story.id), NPO, facts=AGREEMENT).refused("wrong_state")


@pytest.mark.parametrize(("asker", "other"), [(NPO, OFFICER), (OFFICER, NPO)])
def test_a_mistake_is_reversed_by_both_sides(asker: Any, other: Any) -> None:
    story = confirmed()
    story.when(AskReversal(id=story.id, reason="wrong month"), asker).then(ReversalAsked)
    story.when(ConfirmReversal(id=story.id), asker).refused("four_eyes")
    colleague = somebody(*asker.roles, asker.organisation)
    story.when(ConfirmReversal(id=story.id), colleague).refused("four_eyes")
    story.when(ConfirmReversal(id=story.id), somebody("officer", new_id())).refused("not_yours")
    [event] = story.when(ConfirmReversal(id=story.id), other).then(ActReversed)
    assert (event.amount_kopecks, event.quantity, event.reason) == (412_000, 10, "wrong month")
    story.when(AskReversal(id=story.id, reason="again"), asker).refused("wrong_state")


def test_a_reversal_that_the_other_side_declines_leaves_the_act() -> None:
    story = confirmed()
    story.when(AskReversal(id=story.id, reason="wrong month"), NPO).then(ReversalAsked)
    story.when(DeclineReversal(id=story.id, reason="it is right"), NPO).refused("four_eyes")
    story.when(DeclineReversal(id=story.id, reason="it is right"), OFFICER).then(ReversalDeclined)
    assert story.state.status == "confirmed" and story.state.reversal_by == ""


def test_only_the_parties_can_ask_for_a_reversal() -> None:
    story = confirmed()
    command = AskReversal(id=story.id, reason="wrong month")
    story.when(command, somebody("provider", new_id())).refused("not_yours")
    story.when(command, somebody("provider", BODY)).refused("not_yours")


def test_an_amount_beyond_all_money_is_refused() -> None:
    story = Story(act)
    dear = replace(AGREEMENT, unit_price_kopecks=10**12)
    story.when(draft(story, 1001), NPO, facts=dear).refused("amount_too_large")
    story.when(draft(story, 600, 600), NPO, facts=dear).refused("amount_too_large")

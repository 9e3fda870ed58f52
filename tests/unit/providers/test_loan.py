"""Premises and loans: what may be asked for, who grants, and how it comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kernel.ids import new_id
from services.providers.domain.loan import LoanFacts, Offer, Period, loan
from services.providers.domain.loan_terms import (
    CancelLoan,
    EndLoan,
    GrantLoan,
    LoanCancelled,
    LoanEnded,
    LoanGranted,
    LoanRefused,
    LoanRequested,
    LoanReturned,
    LoanSigned,
    RefuseLoan,
    RequestLoan,
    ReturnLoan,
    SignLoan,
)
from services.providers.domain.premises import (
    ListPremises,
    PremisesListed,
    PremisesWithdrawn,
    WithdrawPremises,
    premises,
)
from services.providers.domain.rules import days_by_year, years_later
from services.providers.queries.premises import free_periods
from tests.unit.providers.story import LENDER, NOW, NPO, OWNER, PROVIDER, RULES, SYSTEM, Story, somebody

ROOM = Offer("listed", OWNER, "room")
SURFACE = Offer("listed", OWNER, "ad_surface")
PREMISES = new_id()
ZONE = ZoneInfo("Europe/Moscow")


def day(number: int, month: int = 4, year: int = 2027) -> datetime:
    """The beginning of a day in the region."""
    return datetime(year, month, number, tzinfo=ZONE).astimezone(UTC)


def asking(story: Story, starts: datetime = day(1), ends: datetime = day(11)) -> RequestLoan:
    return RequestLoan(id=story.id, premises_id=PREMISES, starts=starts, ends=ends, purpose="a club for children")


def requested(offer: Offer = ROOM, starts: datetime = day(1), ends: datetime = day(11)) -> Story:
    story = Story(loan)
    story.when(asking(story, starts, ends), NPO, facts=LoanFacts(offer, True)).then(LoanRequested)
    return story


def granted() -> Story:
    story = requested()
    story.when(GrantLoan(id=story.id), LENDER, facts=LoanFacts(ROOM, True)).then(LoanGranted)
    return story


def test_a_loan_from_request_to_return() -> None:
    story = requested()
    told = story.when(GrantLoan(id=story.id), LENDER, facts=LoanFacts(ROOM, True))
    told.then(LoanGranted)
    [due] = told.decision.due
    assert (due.at, due.command) == (day(11), EndLoan(id=story.id))
    story.when(SignLoan(id=story.id), somebody("provider", new_id())).refused("not_yours")
    story.when(SignLoan(id=story.id), NPO).then(LoanSigned)
    story.when(EndLoan(id=story.id), SYSTEM, now=day(10)).refused("loan_not_over")
    story.when(EndLoan(id=story.id), SYSTEM, now=day(11)).then(LoanEnded)
    story.when(ReturnLoan(id=story.id, condition="clean"), somebody("premises_owner", new_id())).refused("not_yours")
    story.when(ReturnLoan(id=story.id, condition="clean"), LENDER).then(LoanReturned)


def test_an_early_return_makes_the_due_end_meet_a_settled_loan() -> None:
    story = granted()
    story.when(SignLoan(id=story.id), NPO).then(LoanSigned)
    story.when(ReturnLoan(id=story.id, condition="clean"), LENDER).then(LoanReturned)
    story.when(EndLoan(id=story.id), SYSTEM, now=day(11)).refused("wrong_state")


@pytest.mark.parametrize(
    ("starts", "ends", "code"),
    [
        (day(5), day(5), "period_empty"),
        (day(5), day(4), "period_empty"),
        (day(9, 3), day(20, 3), "loan_in_past"),
        (day(1), day(2, 4, 2032), "loan_too_long"),
    ],
)
def test_periods_that_cannot_be_asked_for(starts: datetime, ends: datetime, code: str) -> None:
    story = Story(loan)
    story.when(asking(story, starts, ends), NPO, facts=LoanFacts(ROOM, True)).refused(code)


def test_a_loan_may_begin_today_and_last_the_whole_length() -> None:
    requested(starts=day(10, 3), ends=day(10, 3, 2032))


def test_only_active_providers_ask_and_only_for_what_is_offered() -> None:
    story = Story(loan)
    story.when(asking(story), NPO, facts=LoanFacts(ROOM, False)).refused("provider_not_active")
    story.when(asking(story), somebody("provider", None), facts=LoanFacts(ROOM, True)).refused("provider_not_active")
    story.when(asking(story), NPO, facts=LoanFacts(None, True)).refused("premises_not_offered")
    story.when(asking(story), NPO, facts=LoanFacts(replace(ROOM, status="withdrawn"), True)).refused(
        "premises_not_offered"
    )
    story.when(asking(story), NPO, facts=LoanFacts(replace(ROOM, owner_id=PROVIDER), True)).refused("own_premises")
    window = replace(ROOM, available_from=day(2), available_until=day(30))
    story.when(asking(story), NPO, facts=LoanFacts(window, True)).refused("loan_out_of_window")
    story.when(asking(story, day(2), day(30)), NPO, facts=LoanFacts(window, True)).then(LoanRequested)


def test_a_grant_that_would_overlap_is_refused_and_names_the_other() -> None:
    story, other = requested(), Period(day(5), day(20), new_id())
    told = story.when(GrantLoan(id=story.id), LENDER, facts=LoanFacts(ROOM, True, overlapping=other))
    told.refused("loan_overlaps")
    refusal = told.decision.refusal
    assert refusal is not None and refusal.details["loan"] == other.loan_id


def test_a_grant_looks_again_at_object_provider_and_time() -> None:
    story, command = requested(), GrantLoan
    story.when(command(id=story.id), somebody("premises_owner", new_id()), facts=None).refused("not_yours")
    gone = LoanFacts(replace(ROOM, status="withdrawn"), True)
    story.when(command(id=story.id), LENDER, facts=gone).refused("premises_not_offered")
    story.when(command(id=story.id), LENDER, facts=LoanFacts(ROOM, False)).refused("provider_not_active")
    story.when(command(id=story.id), LENDER, facts=LoanFacts(ROOM, True), now=day(12)).refused("loan_in_past")


def test_a_request_is_refused_with_a_reason_or_cancelled() -> None:
    story = requested()
    story.when(RefuseLoan(id=story.id, reason="needed for a school"), LENDER).then(LoanRefused)
    story.when(GrantLoan(id=story.id), LENDER, facts=LoanFacts(ROOM, True)).refused("wrong_state")
    story = requested()
    story.when(CancelLoan(id=story.id, reason="another place"), LENDER).refused("not_yours")
    story.when(CancelLoan(id=story.id, reason="another place"), NPO).then(LoanCancelled)
    story = granted()
    story.when(CancelLoan(id=story.id, reason="not signed"), somebody("provider", new_id())).refused("not_yours")
    [event] = story.when(CancelLoan(id=story.id, reason="not signed"), LENDER).then(LoanCancelled)
    assert event.side == "owner"


def test_what_nobody_signed_ends_at_its_end() -> None:
    story = granted()
    story.when(EndLoan(id=story.id), SYSTEM, now=day(11)).then(LoanEnded)
    story.when(SignLoan(id=story.id), NPO).refused("wrong_state")


def test_ad_surfaces_stay_within_the_owners_yearly_quota() -> None:
    """The quota is 30 surface-days; a day that is touched counts whole."""
    story = requested(SURFACE, day(1), day(11))
    used = [Period(day(1, 5), day(22, 5))]
    full = LoanFacts(SURFACE, True, ad_loans=used)
    story.when(GrantLoan(id=story.id), LENDER, facts=full).refused("ad_quota_exceeded")
    no_quota = replace(RULES, ad_surface_days_per_year=None)
    told = story.when(GrantLoan(id=story.id), LENDER, facts=full, rules=no_quota)
    assert told.decision.refusal is None
    fits = LoanFacts(SURFACE, True, ad_loans=[Period(day(1, 5), day(21, 5)), Period(day(1, 5, 2026), day(30, 5, 2026))])
    story.when(GrantLoan(id=story.id), LENDER, facts=fits).then(LoanGranted)


def test_days_are_those_of_the_region_and_fall_into_their_years() -> None:
    assert days_by_year(day(30, 12), day(3, 1, 2028), ZONE) == {2027: 2, 2028: 2}
    assert days_by_year(day(1), day(1) + timedelta(hours=1), ZONE) == {2027: 1}
    assert days_by_year(day(2), day(2), ZONE) == {}
    assert years_later(day(29, 2, 2028), 1, ZONE) == day(28, 2, 2029)


def listing(story: Story, **more: object) -> ListPremises:
    return ListPremises.model_validate(
        {"id": story.id, "kind": "room", "address": "Вокзальная, 4", "territory": "monchegorsk", "area_m2": 86,
         "permitted_use": "club", **more}
    )  # fmt: skip


def test_an_owner_lists_and_withdraws_its_object() -> None:
    story = Story(premises)
    story.when(listing(story), somebody("premises_owner", None)).refused("no_organisation")
    story.when(listing(story, available_from=day(2), available_until=day(1)), LENDER).refused("window_empty")
    [event] = story.when(listing(story, latitude="67.9397"), LENDER).then(PremisesListed)
    assert (event.owner_id, event.latitude) == (OWNER, "67.9397")
    command = WithdrawPremises(id=story.id, reason="sold")
    story.when(command, somebody("premises_owner", new_id())).refused("not_yours")
    story.when(command, LENDER, facts=new_id()).refused("premises_lent")
    story.when(command, LENDER, facts=None).then(PremisesWithdrawn)


def test_free_periods_are_what_loans_leave_of_the_window() -> None:
    taken = [(day(1), day(11)), (day(11), day(15)), (day(20), day(25))]
    assert free_periods(NOW, (None, None), taken) == [(NOW, day(1)), (day(15), day(20)), (day(25), None)]
    assert free_periods(day(12), (day(1, 3), day(22)), taken) == [(day(15), day(20))]
    assert free_periods(NOW, (day(1), day(25)), taken) == [(day(15), day(20))]
    assert free_periods(day(26), (None, day(25)), taken) == []

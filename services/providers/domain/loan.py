"""A loan of premises or of an advertising surface: a provider asks, the owner grants, both have signed, it comes back.

    requested → granted → signed → ended → returned      requested → refused      signed → returned (before its end)
    requested, granted → cancelled                       granted → ended (nobody signed in time)

The owner's grant is his signature, the provider's signing makes the loan. A loan *lives* while it is granted or signed.
Two living loans of one object never overlap in time: the grant looks for another under a lock and names it, and the
database's constraint refuses what would come past that (tables.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kernel.aggregate import NEW, Aggregate, Context, Decision, Due, changed, decided
from kernel.instants import to_text
from kernel.refusal import NOT_YOURS, Refused, require
from services.providers.domain.loan_terms import (
    AD_QUOTA,
    IN_THE_PAST,
    LOAN_LAW,
    NOT_ACTIVE,
    NOT_OFFERED,
    NOT_OVER,
    OUT_OF_WINDOW,
    OVERLAPS,
    OWN_PREMISES,
    PERIOD_EMPTY,
    TOO_LONG,
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
from services.providers.domain.rules import Rules, days_by_year, years_later


@dataclass(frozen=True)
class Period:
    """[starts, ends) of a loan; `loan_id` where it is known which."""

    starts: datetime
    ends: datetime
    loan_id: str = ""


@dataclass(frozen=True)
class Offer:
    """The object of a loan as it is listed."""

    status: str
    owner_id: str
    kind: str
    available_from: datetime | None = None
    available_until: datetime | None = None


@dataclass(frozen=True)
class LoanFacts:
    """What asking and granting need: the object, whether the provider is active, and at granting, under the object's
    lock, a living loan that overlaps and the owner's loans of advertising surfaces that use the yearly quota."""

    offer: Offer | None
    provider_active: bool
    overlapping: Period | None = None
    ad_loans: Sequence[Period] = ()


@dataclass(frozen=True)
class Loan:
    status: str = NEW
    premises_id: str = ""
    provider_id: str = ""
    owner_id: str = ""
    kind: str = ""
    starts: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    ends: datetime = datetime(1970, 1, 1, tzinfo=UTC)


loan = Aggregate("Loan", Loan)


@loan.command(RequestLoan, roles={"provider"}, states={NEW}, emits=(LoanRequested,), ground=LOAN_LAW)
def request_loan(state: Loan, command: RequestLoan, context: Context) -> Decision:
    facts: LoanFacts = context.facts
    offer, provider_id = facts.offer, context.actor.organisation
    if offer is None or offer.status != "listed":
        raise Refused(NOT_OFFERED.having(id=command.premises_id))
    if provider_id is None or not facts.provider_active:
        raise Refused(NOT_ACTIVE)
    require(provider_id != offer.owner_id, OWN_PREMISES)
    _require_period(command.starts, command.ends, offer, context)
    return decided(
        LoanRequested(
            premises_id=command.premises_id,
            provider_id=provider_id,
            owner_id=offer.owner_id,
            kind=offer.kind,
            starts=command.starts,
            ends=command.ends,
            purpose=command.purpose,
        )
    )


def _require_period(starts: datetime, ends: datetime, offer: Offer, context: Context) -> None:
    rules: Rules = context.rules
    require(starts < ends, PERIOD_EMPTY)
    today = context.now.astimezone(rules.zone).date()
    require(starts.astimezone(rules.zone).date() >= today and ends > context.now, IN_THE_PAST)
    require(ends <= years_later(starts, rules.loan_years, rules.zone), TOO_LONG, years=rules.loan_years)
    begins_well = offer.available_from is None or offer.available_from <= starts
    ends_well = offer.available_until is None or ends <= offer.available_until
    require(
        begins_well and ends_well,
        OUT_OF_WINDOW,
        available_from=to_text(offer.available_from) if offer.available_from else "…",
        available_until=to_text(offer.available_until) if offer.available_until else "…",
    )


@loan.command(GrantLoan, roles={"premises_owner"}, states={"requested"}, emits=(LoanGranted,), ground=LOAN_LAW)
def grant_loan(state: Loan, command: GrantLoan, context: Context) -> Decision:
    require(context.actor.organisation == state.owner_id, NOT_YOURS)
    facts: LoanFacts = context.facts
    require(facts.offer is not None and facts.offer.status == "listed", NOT_OFFERED, id=state.premises_id)
    require(facts.provider_active, NOT_ACTIVE)
    require(state.ends > context.now, IN_THE_PAST)
    if facts.overlapping is not None:
        other = facts.overlapping
        told = f" ({to_text(other.starts)} – {to_text(other.ends)})"
        raise Refused(OVERLAPS.having(other=told, loan=other.loan_id))
    if state.kind == "ad_surface":
        _require_quota(state, facts.ad_loans, context.rules)
    return decided(
        LoanGranted(premises_id=state.premises_id, provider_id=state.provider_id, starts=state.starts, ends=state.ends),
        due=[Due(state.ends, EndLoan(id=context.id))],
    )


def _require_quota(state: Loan, loans: Sequence[Period], rules: Rules) -> None:
    """The surface-days of every year that this loan touches stay within the owner's quota."""
    quota = rules.ad_surface_days_per_year
    if quota is None:
        return
    used: dict[int, int] = {}
    for period in loans:
        for year, days in days_by_year(period.starts, period.ends, rules.zone).items():
            used[year] = used.get(year, 0) + days
    for year, asked in days_by_year(state.starts, state.ends, rules.zone).items():
        left = quota - used.get(year, 0)
        require(asked <= left, AD_QUOTA, year=year, quota=quota, left=left, asked=asked)


@loan.command(RefuseLoan, roles={"premises_owner"}, states={"requested"}, emits=(LoanRefused,), ground=LOAN_LAW)
def refuse_loan(state: Loan, command: RefuseLoan, context: Context) -> Decision:
    require(context.actor.organisation == state.owner_id, NOT_YOURS)
    return decided(LoanRefused(reason=command.reason))


@loan.command(CancelLoan, roles={"provider", "premises_owner"}, states={"requested", "granted"}, emits=(LoanCancelled,))
def cancel_loan(state: Loan, command: CancelLoan, context: Context) -> Decision:
    actor = context.actor
    if actor.has("provider") and actor.organisation == state.provider_id:
        return decided(LoanCancelled(side="provider", reason=command.reason))
    # A request is refused by its owner, not cancelled: that is a decision with a name of its own.
    by_owner = actor.has("premises_owner") and actor.organisation == state.owner_id and state.status == "granted"
    require(by_owner, NOT_YOURS)
    return decided(LoanCancelled(side="owner", reason=command.reason))


@loan.command(SignLoan, roles={"provider"}, states={"granted"}, emits=(LoanSigned,), ground=LOAN_LAW)
def sign_loan(state: Loan, command: SignLoan, context: Context) -> Decision:
    require(context.actor.organisation == state.provider_id, NOT_YOURS)
    return decided(LoanSigned())


@loan.command(
    ReturnLoan,
    roles={"premises_owner"},
    states={"signed", "ended"},
    emits=(LoanReturned,),
    ground="Civil Code art. 689, 699",
)
def return_loan(state: Loan, command: ReturnLoan, context: Context) -> Decision:
    """The return act: the owner takes the object back and says how he found it. Before the end it frees the rest."""
    require(context.actor.organisation == state.owner_id, NOT_YOURS)
    return decided(LoanReturned(condition=command.condition))


@loan.command(EndLoan, roles={"system"}, states={"granted", "signed"}, emits=(LoanEnded,), ground=LOAN_LAW)
def end_loan(state: Loan, command: EndLoan, context: Context) -> Decision:
    require(context.now >= state.ends, NOT_OVER)
    return decided(LoanEnded())


@loan.event(LoanRequested, to="requested")
def _requested(state: Loan, event: LoanRequested) -> Loan:
    return changed(
        state,
        premises_id=event.premises_id,
        provider_id=event.provider_id,
        owner_id=event.owner_id,
        kind=event.kind,
        starts=event.starts,
        ends=event.ends,
    )


@loan.event(LoanGranted, to="granted")
def _granted(state: Loan, event: LoanGranted) -> Loan:
    return state


@loan.event(LoanRefused, to="refused")
def _refused(state: Loan, event: LoanRefused) -> Loan:
    return state


@loan.event(LoanCancelled, to="cancelled")
def _cancelled(state: Loan, event: LoanCancelled) -> Loan:
    return state


@loan.event(LoanSigned, to="signed")
def _signed(state: Loan, event: LoanSigned) -> Loan:
    return state


@loan.event(LoanReturned, to="returned")
def _returned(state: Loan, event: LoanReturned) -> Loan:
    return state


@loan.event(LoanEnded, to="ended")
def _ended(state: Loan, event: LoanEnded) -> Loan:
    return state

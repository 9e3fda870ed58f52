"""An agreement's commands, its state, and what each event changes in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, changed
from kernel.ids import Id
from kernel.instants import Instant
from kernel.refusal import NOT_YOURS, require
from services.orders.domain.agreement.events import (
    AgreementActivated,
    AgreementCompleted,
    AgreementDrafted,
    AgreementResumed,
    AgreementSent,
    AgreementSignedByProvider,
    AgreementSuspended,
    AgreementTerminated,
    AgreementVoided,
    DateText,
    LatePlacesKept,
    PlacesRequested,
    ReservationFailed,
    ReservationRequested,
    ReservationTimedOut,
    Step,
)

LAW = "189-FZ art. 21"
BUDGET_LAW = "Budget Code art. 219"

Reason = Annotated[str, StringConstraints(min_length=5, max_length=1000, strip_whitespace=True)]


# -- commands ---------------------------------------------------------------------------------------------------------


class DraftAgreement(Command):
    id: Id
    award_id: Id
    starts: DateText
    ends: DateText
    places: int = Field(ge=0, le=100_000)


class ByOfficer(Command):
    id: Id


class RequestReservation(ByOfficer):
    pass


class VoidAgreement(ByOfficer):
    reason: Reason


class DeclineAgreement(Command):
    id: Id
    reason: Reason


class SignAgreement(Command):
    id: Id


class CountersignAgreement(ByOfficer):
    pass


class SuspendAgreement(ByOfficer):
    reason: Reason


class ResumeAgreement(ByOfficer):
    pass


class CompleteAgreement(ByOfficer):
    pass


class TerminateAgreement(ByOfficer):
    reason: Reason


class AcceptBudget(Command):
    id: Id
    attempt: int


class TakeBudgetRefusal(Command):
    id: Id
    attempt: int
    reason: str


class AcceptPlaces(Command):
    id: Id


class TakePlacesRefusal(Command):
    id: Id
    attempt: int
    reason: str


class TimeOutReservation(Command):
    id: Id
    attempt: int


class LapseSigning(Command):
    """Due when the term for the provider's signature is over."""

    id: Id
    attempt: int


# -- state ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AwardNow:
    """What an agreement is drafted from: the award, its order and provider, and what its lot has left (locked)."""

    number: str
    competition_id: str
    bid_id: str
    order_id: str
    lot_id: str
    body_id: str
    provider_id: str
    provider_kind: str
    territory: str
    service_code: str
    service_kind: str
    form: str
    unit: str
    year: int
    volume: int
    unit_price_kopecks: int
    lot_free: int
    competition_status: str = "awarded"


@dataclass(frozen=True)
class Agreement:
    """`waiting_for` is the step of the running attempt; `places_held` says whether providers holds places for it."""

    status: str = NEW
    number: str = ""
    competition_id: str = ""
    award_id: str = ""
    lot_id: str = ""
    body_id: str = ""
    provider_id: str = ""
    provider_kind: str = ""
    service_code: str = ""
    service_kind: str = ""
    form: str = ""
    unit: str = ""
    volume: int = 0
    unit_price_kopecks: int = 0
    amount_kopecks: int = 0
    year: int = 0
    starts: str = ""
    ends: str = ""
    places: int = 0
    drafted_by: str = ""
    attempt: int = 0
    waiting_for: Step = ""
    places_held: bool = False
    sign_by: Instant | None = None


agreement = Aggregate("Agreement", Agreement)
BEFORE_ACTIVE = frozenset({"draft", "reserving", "sent", "signed_by_provider"})


def of_body(state: Agreement, context: Context) -> None:
    """Refuse another body's officer."""
    require(context.actor.organisation == state.body_id, NOT_YOURS)


def of_provider(state: Agreement, context: Context) -> None:
    """Refuse another provider's staff."""
    require(context.actor.organisation == state.provider_id, NOT_YOURS)


# -- what events change -----------------------------------------------------------------------------------------------


@agreement.event(AgreementDrafted, to="draft")
def _drafted(state: Agreement, event: AgreementDrafted) -> Agreement:
    known = event.model_dump(exclude={"bid_id", "order_id", "territory"})
    return changed(state, **known)


@agreement.event(ReservationRequested, to="reserving")
def _requested(state: Agreement, event: ReservationRequested) -> Agreement:
    return changed(state, attempt=event.attempt, waiting_for="budget")


@agreement.event(PlacesRequested)
def _places_requested(state: Agreement, event: PlacesRequested) -> Agreement:
    return changed(state, waiting_for="places")


@agreement.event(AgreementSent, to="sent")
def _sent(state: Agreement, event: AgreementSent) -> Agreement:
    return changed(state, waiting_for="", places_held=True, sign_by=event.sign_by)


@agreement.event(ReservationFailed, to="draft")
def _attempt_failed(state: Agreement, event: ReservationFailed) -> Agreement:
    return changed(state, waiting_for="")


@agreement.event(ReservationTimedOut, to="draft")
def _timed_out(state: Agreement, event: ReservationTimedOut) -> Agreement:
    return changed(state, waiting_for="")


@agreement.event(LatePlacesKept)
def _places_kept(state: Agreement, event: LatePlacesKept) -> Agreement:
    return changed(state, places_held=True)


@agreement.event(AgreementSignedByProvider, to="signed_by_provider")
def _signed(state: Agreement, event: AgreementSignedByProvider) -> Agreement:
    return state


@agreement.event(AgreementActivated, to="active")
def _activated(state: Agreement, event: AgreementActivated) -> Agreement:
    return state


@agreement.event(AgreementSuspended, to="suspended")
def _suspended(state: Agreement, event: AgreementSuspended) -> Agreement:
    return state


@agreement.event(AgreementResumed, to="active")
def _resumed(state: Agreement, event: AgreementResumed) -> Agreement:
    return state


@agreement.event(AgreementCompleted, to="completed")
def _completed(state: Agreement, event: AgreementCompleted) -> Agreement:
    return state


@agreement.event(AgreementTerminated, to="terminated")
def _terminated(state: Agreement, event: AgreementTerminated) -> Agreement:
    return state


@agreement.event(AgreementVoided, to="void")
def _void(state: Agreement, event: AgreementVoided) -> Agreement:
    return changed(state, waiting_for="")

"""The events of an agreement. Others let go what they hold for it when they see one of its ends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from kernel.aggregate import Event
from kernel.ids import Id
from kernel.instants import Instant
from kernel.money import Kopecks, PositiveKopecks

DateText = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Step = Literal["", "budget", "places"]


class AgreementDrafted(Event):
    number: str
    competition_id: Id
    award_id: Id
    bid_id: str
    order_id: Id
    lot_id: Id
    body_id: Id
    provider_id: Id
    provider_kind: str
    territory: str
    service_code: str
    service_kind: str
    form: str
    unit: str
    volume: int
    unit_price_kopecks: PositiveKopecks
    amount_kopecks: Kopecks
    year: int
    starts: DateText
    ends: DateText
    places: int
    drafted_by: str


class ReservationRequested(Event):
    agreement_id: Id
    body_id: Id
    year: int
    amount_kopecks: Kopecks
    provider_id: Id
    attempt: int
    deadline: Instant


class PlacesRequested(Event):
    agreement_id: Id
    provider_id: Id
    form: str
    places: int
    attempt: int


class AgreementSent(Event):
    """The provider may sign until `sign_by`, which `explanation` counts (kernel.calendar.Deadline).

    Events from before there was such a term have none.
    """

    agreement_id: Id
    provider_id: Id
    sign_by: Instant | None = None
    explanation: dict[str, Any] | None = None
    explained: dict[str, str] | None = None
    calendar_version: str = ""


class ReservationFailed(Event):
    """An attempt ended by a refusal at `step`; billing lets go what it reserved for it."""

    agreement_id: Id
    body_id: Id
    year: int
    provider_id: Id
    attempt: int
    step: Step
    reason: str


class ReservationTimedOut(Event):
    """An attempt ended without an answer at `step`; billing lets go what it reserved, or will reserve, for it."""

    agreement_id: Id
    body_id: Id
    year: int
    provider_id: Id
    attempt: int
    step: Step


class LatePlacesKept(Event):
    """The answer about places came after its attempt was given up; they stay held for the next attempt."""

    agreement_id: Id
    provider_id: Id


class AgreementSignedByProvider(Event):
    agreement_id: Id
    provider_id: Id
    signed_by: str


class AgreementActivated(Event):
    agreement_id: Id
    body_id: Id
    year: int
    provider_id: Id
    provider_kind: str
    service_code: str
    service_kind: str
    form: str
    unit: str
    volume: int
    unit_price_kopecks: PositiveKopecks
    amount_kopecks: Kopecks
    starts: DateText
    ends: DateText
    places: int
    competition_id: Id
    award_id: Id
    lot_id: Id
    attempt: int
    signed_by: str


class AgreementSuspended(Event):
    agreement_id: Id
    reason: str


class AgreementResumed(Event):
    agreement_id: Id


class AgreementEnded(Event):
    """What is common to the ends of an agreement: enough for others to let go whatever they hold for it.

    `attempt` is the last asking for money, 0 where none was.
    """

    agreement_id: Id
    body_id: Id
    year: int
    provider_id: Id
    competition_id: Id
    award_id: Id
    lot_id: Id
    volume: int
    attempt: int


class AgreementCompleted(AgreementEnded):
    pass


class AgreementTerminated(AgreementEnded):
    reason: str


class AgreementVoided(AgreementEnded):
    """`declined`: the winner refused to sign, or didn't in time, so the next in rank is asked."""

    reason: str
    declined: bool

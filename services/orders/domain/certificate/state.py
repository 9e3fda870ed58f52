"""A certificate's commands, its state, and what each event changes in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, changed
from kernel.ids import Id
from kernel.instants import Instant
from kernel.money import PositiveKopecks
from kernel.refusal import NOT_YOURS, require
from services.orders.domain.certificate import events as e

LAW = "189-FZ art. 20"
BUDGET_LAW = "Budget Code art. 219"
MAX_VOLUME = 100_000
MAX_REDEMPTIONS = 400  # a year of days, and some
MAX_REFUSED = 50  # refusals that are facts; later ones are answered and leave no trace
MAX_CHOICES = 20

Base64 = r"^[A-Za-z0-9+/]{%d}=%s$"
Reason = Annotated[str, StringConstraints(min_length=5, max_length=1000, strip_whitespace=True)]
DateText = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
PublicKey = Annotated[str, StringConstraints(pattern=Base64 % (43, ""))]
Signature = Annotated[str, StringConstraints(pattern=Base64 % (86, "="))]


# -- commands ---------------------------------------------------------------------------------------------------------


class OnCertificate(Command):
    id: Id


class RequestCertificate(OnCertificate):
    """`valid_until` is its last good day. Without `limit_price_kopecks` it is the order's normative cost."""

    order_id: Id
    beneficiary_id: Id
    programme_id: Id
    volume: int = Field(gt=0, le=MAX_VOLUME)
    limit_price_kopecks: PositiveKopecks | None = None
    valid_until: DateText
    public_key: PublicKey


class IssueCertificate(OnCertificate):
    pass


class AcceptCertificateFunds(OnCertificate):
    attempt: int


class TakeFundsRefusal(OnCertificate):
    attempt: int
    reason: str


class TimeOutFunds(OnCertificate):
    attempt: int


class ChooseProvider(OnCertificate):
    provider_id: Id


class RedeemCertificate(OnCertificate):
    """`signature`: by the holder's key over `redeeming.record_text(…)`."""

    redemption_id: Id
    volume: int = Field(gt=0, le=MAX_VOLUME)
    made_at: Instant
    signature: Signature


class AnnulCertificate(OnCertificate):
    reason: Reason


class ExpireCertificate(OnCertificate):
    """Due when its last day is over."""


class CloseCertificate(OnCertificate):
    """Due when no record from before its end is waited for any more."""


# -- state ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """A provider and its price from `since` until `until` (empty: still)."""

    provider_id: str
    provider_kind: str
    unit_price_kopecks: int
    budget_price_kopecks: int
    since: Instant
    until: Instant | None = None


@dataclass(frozen=True)
class Answer:
    """What a provider's redemption was answered. `code` is empty where it was taken."""

    volume: int
    made_at: Instant
    amount_kopecks: int = 0
    own_kopecks: int = 0
    left_volume: int = 0
    code: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Certificate:
    """`volume` = `redeemed_volume` + `returned_volume` + what is left; the same holds of `amount_kopecks`.

    `answers`: {provider/redemption: what it was answered}. `paid_kopecks`: what redemptions took of the budget's amount.
    """

    status: str = NEW
    number: str = ""
    order_id: str = ""
    body_id: str = ""
    year: int = 0
    beneficiary_id: str = ""
    programme_id: str = ""
    service_code: str = ""
    unit: str = ""
    volume: int = 0
    limit_price_kopecks: int = 0
    amount_kopecks: int = 0
    valid_until: Instant | None = None
    public_key: str = ""
    requested_by: str = ""
    attempt: int = 0
    choices: tuple[Choice, ...] = ()
    answers: Mapping[str, Answer] = field(default_factory=dict)
    redeemed_volume: int = 0
    paid_kopecks: int = 0
    returned_volume: int = 0
    returned_kopecks: int = 0
    ended_at: Instant | None = None
    closes_at: Instant | None = None
    closed: bool = False

    @property
    def left_volume(self) -> int:
        """What can still be redeemed."""
        return self.volume - self.redeemed_volume - self.returned_volume

    @property
    def left_kopecks(self) -> int:
        """What of the budget's money is still held for it."""
        return self.amount_kopecks - self.paid_kopecks - self.returned_kopecks

    @property
    def choice(self) -> Choice | None:
        """The provider now."""
        return self.choices[-1] if self.choices and self.choices[-1].until is None else None


certificate = Aggregate("Certificate", Certificate)
BEFORE_ISSUE = frozenset({"requested", "funding"})
GOOD = frozenset({"issued", "provider_chosen", "in_use"})
REDEEMABLE = frozenset({"provider_chosen", "in_use"})


def answer_key(provider_id: str, redemption_id: str) -> str:
    """Where an answer is kept: two providers may use one number."""
    return f"{provider_id}/{redemption_id}"


def of_body(state: Certificate, context: Context) -> None:
    """Refuse another body's officer."""
    require(context.actor.organisation == state.body_id, NOT_YOURS)


def of_certificate(state: Certificate, context: Context) -> dict[str, Any]:
    """What every event of a certificate names."""
    return {"certificate_id": context.id, "body_id": state.body_id, "year": state.year}


# -- what events change -----------------------------------------------------------------------------------------------


@certificate.event(e.CertificateRequested, to="requested")
def _requested(state: Certificate, event: e.CertificateRequested) -> Certificate:
    return changed(state, **{**event.model_dump(exclude={"certificate_id"}), "valid_until": event.valid_until})


@certificate.event(e.CertificateFundsRequested, to="funding")
def _funds_requested(state: Certificate, event: e.CertificateFundsRequested) -> Certificate:
    return changed(state, attempt=event.attempt)


@certificate.event(e.CertificateFundsRefused, to="requested")
def _funds_refused(state: Certificate, event: e.CertificateFundsRefused) -> Certificate:
    return state


@certificate.event(e.CertificateFundsTimedOut, to="requested")
def _funds_timed_out(state: Certificate, event: e.CertificateFundsTimedOut) -> Certificate:
    return state


@certificate.event(e.CertificateIssued, to="issued")
def _issued(state: Certificate, event: e.CertificateIssued) -> Certificate:
    return state


@certificate.event(e.CertificateProviderChosen, to="provider_chosen")
def _chosen(state: Certificate, event: e.CertificateProviderChosen) -> Certificate:
    return _with_choice(state, event)


@certificate.event(e.CertificateProviderChanged, to="provider_chosen")
def _changed(state: Certificate, event: e.CertificateProviderChanged) -> Certificate:
    return _with_choice(state, event)


def _with_choice(state: Certificate, event: e.Chosen) -> Certificate:
    choice = Choice(
        event.provider_id, event.provider_kind, event.unit_price_kopecks, event.budget_price_kopecks, event.since
    )
    return changed(state, choices=(*_choices_until(state, event.since), choice))


def _choices_until(state: Certificate, at: Instant) -> tuple[Choice, ...]:
    """The choices, the last of them ended at `at`."""
    if state.choice is None:
        return state.choices
    return (*state.choices[:-1], changed(state.choice, until=at))


@certificate.event(e.CertificateRedeemed)
def _redeemed(state: Certificate, event: e.CertificateRedeemed) -> Certificate:
    answer = Answer(event.volume, event.made_at, event.amount_kopecks, event.own_kopecks, left_volume=event.left_volume)
    return changed(
        state,
        # A record from before its end may come after it: the certificate stays ended.
        status="in_use" if state.status in REDEEMABLE else state.status,
        redeemed_volume=state.redeemed_volume + event.volume,
        paid_kopecks=state.paid_kopecks + event.amount_kopecks,
        answers={**state.answers, answer_key(event.provider_id, event.redemption_id): answer},
    )


@certificate.event(e.CertificateRedemptionRefused)
def _redemption_refused(state: Certificate, event: e.CertificateRedemptionRefused) -> Certificate:
    answer = Answer(event.volume, event.made_at, code=event.code, details=event.details)
    return changed(state, answers={**state.answers, answer_key(event.provider_id, event.redemption_id): answer})


@certificate.event(e.CertificateUsed, to="used")
def _used(state: Certificate, event: e.CertificateUsed) -> Certificate:
    return changed(state, closed=True)


@certificate.event(e.CertificateExpired, to="expired")
def _expired(state: Certificate, event: e.CertificateExpired) -> Certificate:
    return _ended(state, event)


@certificate.event(e.CertificateAnnulled, to="annulled")
def _annulled(state: Certificate, event: e.CertificateAnnulled) -> Certificate:
    return _ended(state, event)


def _ended(state: Certificate, event: e.Ended) -> Certificate:
    choices = _choices_until(state, event.ended_at)
    return changed(state, choices=choices, ended_at=event.ended_at, closes_at=event.closes_at)


@certificate.event(e.CertificateUnusedReturned)
def _returned(state: Certificate, event: e.CertificateUnusedReturned) -> Certificate:
    return changed(
        state,
        returned_volume=state.returned_volume + event.volume,
        returned_kopecks=state.returned_kopecks + event.amount_kopecks,
        closed=True,
    )

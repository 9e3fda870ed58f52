"""What other services' events make billing do. Everything here may come twice or too late and then does nothing."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.instants import from_text
from kernel.projection import Entry, Seen
from kernel.service import Reactions
from services.billing.domain.budget_line import ReleaseObligation, ReleaseReservation, ReserveBudget, TakeObligation
from services.billing.domain.certificate import FundCertificate, ReleaseCertificate
from services.billing.domain.invoice import RegisterInvoice, ReverseInvoice

reactions = Reactions()


class OfAgreement(Seen):
    agreement_id: str
    body_id: str
    year: int
    attempt: int


class WithAmount(OfAgreement):
    provider_id: str
    amount_kopecks: int


class ActConfirmed(Seen):
    act_id: str
    agreement_id: str
    provider_id: str
    provider_kind: str
    body_id: str
    year: int
    month: str
    amount_kopecks: int


class ActReversed(Seen):
    act_id: str
    agreement_id: str
    provider_id: str
    body_id: str
    year: int
    amount_kopecks: int
    reason: str


class OfCertificate(Seen):
    certificate_id: str
    body_id: str
    year: int
    attempt: int


class FundsRequested(OfCertificate):
    amount_kopecks: int


class Redeemed(Seen):
    act_id: str
    certificate_id: str
    provider_id: str
    provider_kind: str
    body_id: str
    year: int
    month: str
    amount_kopecks: int


# -- an agreement asks, is signed, and ends ---------------------------------------------------------------------------


@reactions.on("orders", "ReservationRequested", WithAmount)
def asked(connection: Connection, event: WithAmount, entry: Entry) -> Iterable[Command]:
    yield ReserveBudget(**event.model_dump())


@reactions.on("orders", "AgreementActivated", WithAmount)
def activated(connection: Connection, event: WithAmount, entry: Entry) -> Iterable[Command]:
    yield TakeObligation(**event.model_dump())


def given_up(connection: Connection, event: OfAgreement, entry: Entry) -> Iterable[Command]:
    """However an asking was given up, its reservation is let go; attempt 0 means that nothing had been asked."""
    if event.attempt > 0:
        yield ReleaseReservation(cause=entry.name, **event.model_dump())


def ended(connection: Connection, event: OfAgreement, entry: Entry) -> Iterable[Command]:
    yield ReleaseObligation(cause=entry.name, **event.model_dump())


for _name in ("AgreementVoided", "ReservationTimedOut", "ReservationFailed"):
    reactions.on("orders", _name, OfAgreement)(given_up)
for _name in ("AgreementCompleted", "AgreementTerminated"):
    reactions.on("orders", _name, OfAgreement)(ended)


# -- an act is accepted, and reversed ---------------------------------------------------------------------------------


@reactions.on("providers", "ActConfirmed", ActConfirmed)
def act_confirmed(connection: Connection, event: ActConfirmed, entry: Entry) -> Iterable[Command]:
    yield RegisterInvoice(confirmed_at=from_text(entry.time), **event.model_dump())


@reactions.on("providers", "ActReversed", ActReversed)
def act_reversed(connection: Connection, event: ActReversed, entry: Entry) -> Iterable[Command]:
    yield ReverseInvoice(**event.model_dump())


# -- a certificate is issued, redeemed, and ends ----------------------------------------------------------------------


@reactions.on("orders", "CertificateFundsRequested", FundsRequested)
def funds_requested(connection: Connection, event: FundsRequested, entry: Entry) -> Iterable[Command]:
    yield FundCertificate(**event.model_dump())


@reactions.on("orders", "CertificateRedeemed", Redeemed)
def redeemed(connection: Connection, event: Redeemed, entry: Entry) -> Iterable[Command]:
    data = event.model_dump(exclude={"certificate_id"})
    yield RegisterInvoice(agreement_id=event.certificate_id, confirmed_at=from_text(entry.time), **data)


def certificate_over(connection: Connection, event: OfCertificate, entry: Entry) -> Iterable[Command]:
    """Attempt 0 means that nothing had been asked."""
    if event.attempt > 0:
        yield ReleaseCertificate(cause=entry.name, **event.model_dump())


for _name in ("CertificateFundsTimedOut", "CertificateUnusedReturned"):
    reactions.on("orders", _name, OfCertificate)(certificate_over)

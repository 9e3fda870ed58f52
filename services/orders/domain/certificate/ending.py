"""The ends of a certificate: expiry, annulment, and the return of what nobody has used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kernel.aggregate import Context, Decision, Due, decided
from kernel.refusal import Refusal, require
from services.orders.domain.certificate.events import (
    CertificateAnnulled,
    CertificateExpired,
    CertificateUnusedReturned,
    End,
    Ended,
)
from services.orders.domain.certificate.state import (
    BEFORE_ISSUE,
    GOOD,
    LAW,
    AnnulCertificate,
    Certificate,
    CloseCertificate,
    ExpireCertificate,
    certificate,
    of_body,
    of_certificate,
)
from services.orders.domain.competition.closing import GRACE
from services.orders.rules import Rules

OVER = Refusal(
    "certificate_term_over",
    "Срок сертификата уже закончился: он гасится сам.",
    "The certificate's term is over already: it expires by itself.",
    LAW,
)


@certificate.command(
    AnnulCertificate,
    roles={"officer"},
    states=BEFORE_ISSUE | GOOD,
    emits=(CertificateAnnulled, CertificateUnusedReturned),
    ground=LAW,
)
def annul(state: Certificate, command: AnnulCertificate, context: Context) -> Decision:
    of_body(state, context)
    require(state.valid_until is None or context.now < state.valid_until, OVER)
    ended = CertificateAnnulled(
        reason=command.reason, annulled_by=context.actor.id, **_ended(state, context, context.now)
    )
    return _then_return(state, context, ended, "annulled")


@certificate.command(
    ExpireCertificate,
    roles={"system"},
    states={"*"},
    emits=(CertificateExpired, CertificateUnusedReturned),
    ground=LAW,
)
def expire(state: Certificate, command: ExpireCertificate, context: Context) -> Decision:
    if state.status not in BEFORE_ISSUE | GOOD:
        return decided()
    ended_at = state.valid_until or context.now
    return _then_return(state, context, CertificateExpired(**_ended(state, context, ended_at)), "expired")


@certificate.command(CloseCertificate, roles={"system"}, states={"*"}, emits=(CertificateUnusedReturned,), ground=LAW)
def close(state: Certificate, command: CloseCertificate, context: Context) -> Decision:
    if state.closed or state.status not in ("expired", "annulled"):
        return decided()
    return decided(_returned(state, context, "expired" if state.status == "expired" else "annulled"))


def _ended(state: Certificate, context: Context, ended_at: datetime) -> dict[str, Any]:
    """What is common to both ends. Where no provider was chosen there can be no record to wait for."""
    same = {
        **of_certificate(state, context),
        "beneficiary_id": state.beneficiary_id,
        "left_volume": state.left_volume,
        "ended_at": ended_at,
    }
    if not state.choices:
        nothing: dict[str, Any] = {"explanation": {}, "explained": {}, "calendar_version": ""}
        return {**same, "closes_at": ended_at, **nothing}
    rules: Rules = context.rules
    until = rules.calendar.add_working_days(ended_at, rules.days["offline_redemption_working_days"], rules.zone)
    return {
        **same,
        "closes_at": until.at,
        "explanation": until.to_json(),
        "explained": {"ru": until.explain("ru"), "en": until.explain("en")},
        "calendar_version": until.calendar_version,
    }


def _then_return(state: Certificate, context: Context, ended: Ended, cause: End) -> Decision:
    if not state.choices:
        return decided(ended, _returned(state, context, cause))
    # Ten seconds, the longest that a call may take: who sent a record in time is decided before the return.
    return decided(ended, due=(Due(ended.closes_at + GRACE, CloseCertificate(id=context.id)),))


def _returned(state: Certificate, context: Context, cause: End) -> CertificateUnusedReturned:
    return CertificateUnusedReturned(
        attempt=state.attempt,
        order_id=state.order_id,
        cause=cause,
        volume=state.left_volume,
        amount_kopecks=state.left_kopecks,
        **of_certificate(state, context),
    )


@certificate.computes(CertificateUnusedReturned)
def _returned_again(state: Certificate, event: CertificateUnusedReturned) -> Mapping[str, Any]:
    return {"volume": state.left_volume, "amount_kopecks": state.left_kopecks}

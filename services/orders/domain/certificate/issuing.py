"""From a beneficiary's programme to an issued certificate: its share of the order, a second pair of eyes, its money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kernel.aggregate import NEW, Context, Decision, Due, decided
from kernel.instants import Instant
from kernel.money import check_bounded
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain.certificate.events import (
    CertificateFundsRefused,
    CertificateFundsRequested,
    CertificateFundsTimedOut,
    CertificateIssued,
    CertificateRequested,
)
from services.orders.domain.certificate.state import (
    BUDGET_LAW,
    LAW,
    AcceptCertificateFunds,
    Certificate,
    ExpireCertificate,
    IssueCertificate,
    RequestCertificate,
    TakeFundsRefusal,
    TimeOutFunds,
    certificate,
    of_body,
    of_certificate,
)
from services.orders.domain.social_order import OWN_WORK
from services.orders.rules import Rules

SHARE_SPENT = Refusal(
    "certificate_share_spent",
    "На сертификаты отдано меньше, чем выдано: в доле заказа осталось {free}, а нужно {volume}.",
    "Less is given to certificates than is issued: the order's share has {free} left, {volume} is needed.",
    "189-FZ art. 19",
)
ORDER_NOT_READY = Refusal(
    "order_not_approved",
    "Заказ ещё не утверждён или уже закрыт: сертификаты по нему не выдаются.",
    "The order isn't approved, or is closed: no certificates are issued from it.",
    LAW,
)
LIMIT_ABOVE_NORM = Refusal(
    "certificate_limit_above_norm",
    "Предельная цена {limit_price_kopecks} коп. выше нормативных затрат {cost_kopecks} коп.",
    "The limit price of {limit_price_kopecks} kopecks is above the normative cost {cost_kopecks}.",
    "189-FZ art. 20; region/catalogue.toml",
    kind="invalid",
)
BAD_TERM = Refusal(
    "certificate_term",
    "Срок по {valid_until} не годится: он не раньше сегодняшнего дня и не позже конца {year} года.",
    "A term until {valid_until} doesn't do: it ends today or later, and within {year}.",
    "Budget Code art. 72",
    kind="invalid",
)


@dataclass(frozen=True)
class ShareNow:
    """The order and what of its certificates' share is free, under the lock of the share's row; a number drawn."""

    number: str
    status: str
    body_id: str
    year: int
    service_code: str
    unit: str
    cost_kopecks: int
    free: int


@certificate.command(RequestCertificate, roles={"officer"}, states={NEW}, emits=(CertificateRequested,), ground=LAW)
def request(state: Certificate, command: RequestCertificate, context: Context) -> Decision:
    """189-FZ art. 19: the share is taken here already, so that two officers can't promise the same volume."""
    share: ShareNow = context.facts
    require(context.actor.organisation == share.body_id, NOT_YOURS)
    require(share.status == "approved", ORDER_NOT_READY)
    require(command.volume <= share.free, SHARE_SPENT, free=share.free, volume=command.volume)
    limit_price = command.limit_price_kopecks or share.cost_kopecks
    require(
        limit_price <= share.cost_kopecks,
        LIMIT_ABOVE_NORM,
        limit_price_kopecks=limit_price,
        cost_kopecks=share.cost_kopecks,
    )
    until = _end_of(command.valid_until, share.year, context)
    event = CertificateRequested(
        certificate_id=context.id,
        body_id=share.body_id,
        year=share.year,
        number=share.number,
        order_id=command.order_id,
        beneficiary_id=command.beneficiary_id,
        programme_id=command.programme_id,
        service_code=share.service_code,
        unit=share.unit,
        volume=command.volume,
        limit_price_kopecks=limit_price,
        amount_kopecks=value_of(command.volume, limit_price),
        valid_until=until,
        public_key=command.public_key,
        requested_by=context.actor.id,
    )
    due = Due(until, ExpireCertificate(id=context.id))
    return decided(event, due=(due,), number=share.number, amount_kopecks=event.amount_kopecks)


def value_of(volume: int, limit_price_kopecks: int) -> int:
    """V = N·Q in kopecks (DOMAIN §2 c); refused above the bound of all money."""
    return check_bounded(volume * limit_price_kopecks)


def _end_of(day: str, year: int, context: Context) -> Instant:
    """The instant at which `day` is over in the region. Nothing is carried over past the order's year."""
    rules: Rules = context.rules
    zone = ZoneInfo(rules.zone)
    try:
        last = date.fromisoformat(day)
        fits = last.year == year and last >= context.now.astimezone(zone).date()
    except ValueError:
        fits = False
    require(fits, BAD_TERM, valid_until=day, year=year)
    return datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)


@certificate.computes(CertificateRequested)
def _requested_again(state: Certificate, event: CertificateRequested) -> Mapping[str, Any]:
    return {"amount_kopecks": value_of(event.volume, event.limit_price_kopecks)}


@certificate.command(
    IssueCertificate, roles={"officer"}, states={"requested"}, emits=(CertificateFundsRequested,), ground=BUDGET_LAW
)
def issue(state: Certificate, command: IssueCertificate, context: Context) -> Decision:
    """Asks for the money; the certificate is issued by billing's answer. After a refusal it can be asked again."""
    of_body(state, context)
    require(context.actor.id != state.requested_by, OWN_WORK)
    attempt = state.attempt + 1
    deadline = context.now + timedelta(hours=context.rules.reservation_timeout_hours)
    event = CertificateFundsRequested(
        amount_kopecks=state.amount_kopecks,
        attempt=attempt,
        deadline=deadline,
        approved_by=context.actor.id,
        **of_certificate(state, context),
    )
    return decided(event, due=(Due(deadline, TimeOutFunds(id=context.id, attempt=attempt)),), attempt=attempt)


@certificate.command(AcceptCertificateFunds, roles={"system"}, states={"*"}, emits=(CertificateIssued,), ground=LAW)
def accept_funds(state: Certificate, command: AcceptCertificateFunds, context: Context) -> Decision:
    if not _awaited(state, command.attempt):
        return decided()  # given up, and let go by the event that gave it up
    return decided(
        CertificateIssued(
            attempt=state.attempt,
            beneficiary_id=state.beneficiary_id,
            volume=state.volume,
            amount_kopecks=state.amount_kopecks,
            **of_certificate(state, context),
        )
    )


@certificate.command(TakeFundsRefusal, roles={"system"}, states={"*"}, emits=(CertificateFundsRefused,))
def take_refusal(state: Certificate, command: TakeFundsRefusal, context: Context) -> Decision:
    if not _awaited(state, command.attempt):
        return decided()
    return decided(
        CertificateFundsRefused(attempt=state.attempt, reason=command.reason, **of_certificate(state, context))
    )


@certificate.command(TimeOutFunds, roles={"system"}, states={"*"}, emits=(CertificateFundsTimedOut,))
def time_out(state: Certificate, command: TimeOutFunds, context: Context) -> Decision:
    if not _awaited(state, command.attempt):
        return decided()
    return decided(CertificateFundsTimedOut(attempt=state.attempt, **of_certificate(state, context)))


def _awaited(state: Certificate, attempt: int) -> bool:
    return state.status == "funding" and state.attempt == attempt

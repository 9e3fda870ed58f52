"""The holder's choice of a provider from the open list, and its change midway at the unused balance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.aggregate import Context, Decision, decided
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain.certificate.events import CertificateProviderChanged, CertificateProviderChosen, Chosen
from services.orders.domain.certificate.state import (
    GOOD,
    LAW,
    MAX_CHOICES,
    Certificate,
    ChooseProvider,
    certificate,
    of_certificate,
)
from services.orders.rules import Rules

NOT_OFFERED = Refusal(
    "provider_not_on_list",
    "Исполнитель не предлагает эту услугу по сертификатам или не действует в реестре.",
    "The provider doesn't offer this service for certificates, or isn't active in the register.",
    LAW,
)
SAME_PROVIDER = Refusal(
    "provider_same", "Этот исполнитель уже выбран.", "This provider is the chosen one already.", LAW, kind="invalid"
)
PRICE_ABOVE_LIMIT = Refusal(
    "price_above_limit",
    "Цена исполнителя {unit_price_kopecks} коп. выше предельной {limit_price_kopecks} коп., а доплата не разрешена.",
    "The provider's price of {unit_price_kopecks} kopecks is above the limit of {limit_price_kopecks}; a surcharge isn't "
    "allowed here.",
    "region.toml: certificates.difference_allowed",
)
CERTIFICATE_OVER = Refusal(
    "certificate_over",
    "Срок сертификата закончился: {valid_until}.",
    "The certificate's term is over: {valid_until}.",
    LAW,
)
TOO_MANY_CHOICES = Refusal(
    "too_many_choices",
    "Исполнителя меняли уже {limit} раз: больше нельзя.",
    "The provider was changed {limit} times: no more.",
    LAW,
)


@dataclass(frozen=True)
class OfferNow:
    """The provider as the register and the open list have it; no price where it isn't on the list."""

    provider_kind: str = ""
    is_active: bool = False
    unit_price_kopecks: int | None = None


@certificate.command(
    ChooseProvider,
    roles={"beneficiary", "officer"},
    states=GOOD,
    emits=(CertificateProviderChosen, CertificateProviderChanged),
    ground=LAW,
)
def choose(state: Certificate, command: ChooseProvider, context: Context) -> Decision:
    """By the beneficiary or who represents them, or by the body's officer from a paper application."""
    _for_beneficiary(state, context)
    require(context.now < (state.valid_until or context.now), CERTIFICATE_OVER, valid_until=_text(state))
    offer: OfferNow = context.facts
    price = offer.unit_price_kopecks
    require(offer.is_active and price is not None, NOT_OFFERED)
    assert price is not None
    before = state.choice
    require(before is None or before.provider_id != command.provider_id, SAME_PROVIDER)
    require(len(state.choices) < MAX_CHOICES, TOO_MANY_CHOICES, limit=MAX_CHOICES)
    rules: Rules = context.rules
    limit = state.limit_price_kopecks
    allowed = price <= limit or rules.difference_allowed
    require(allowed, PRICE_ABOVE_LIMIT, unit_price_kopecks=price, limit_price_kopecks=limit)
    said: dict[str, Any] = {
        **of_certificate(state, context),
        **prices(price, limit),
        "beneficiary_id": state.beneficiary_id,
        "provider_id": command.provider_id,
        "provider_kind": offer.provider_kind,
        "unit_price_kopecks": price,
        "left_volume": state.left_volume,
        "since": context.now,
        "chosen_by": context.actor.id,
    }
    event: Chosen = (
        CertificateProviderChosen(**said)
        if before is None
        else CertificateProviderChanged(previous_id=before.provider_id, **said)
    )
    return decided(event, left_volume=state.left_volume, own_price_kopecks=event.own_price_kopecks)


def prices(price_kopecks: int, limit_kopecks: int) -> dict[str, int]:
    """What of a unit's price the budget pays, and what the beneficiary does (DOMAIN §2 c)."""
    budget = min(price_kopecks, limit_kopecks)
    return {"budget_price_kopecks": budget, "own_price_kopecks": price_kopecks - budget}


@certificate.computes(CertificateProviderChosen)
@certificate.computes(CertificateProviderChanged)
def _chosen_again(state: Certificate, event: Chosen) -> Mapping[str, Any]:
    return {**prices(event.unit_price_kopecks, state.limit_price_kopecks), "left_volume": state.left_volume}


def _for_beneficiary(state: Certificate, context: Context) -> None:
    """A representative's account acts for the beneficiary as staff do for an organisation."""
    of_whom = state.beneficiary_id if context.actor.has("beneficiary") else state.body_id
    require(context.actor.organisation == of_whom, NOT_YOURS)


def _text(state: Certificate) -> str:
    return state.valid_until.isoformat() if state.valid_until else ""

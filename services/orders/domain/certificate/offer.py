"""The open list: which provider renders which service for certificates, and at what price.

A provider comes to the list and leaves it by itself, no competition is needed (189-FZ art. 20). A price counts for the
choices that are made after it; who was chosen before keeps the price of that moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id, derived_id
from kernel.money import PositiveKopecks
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain.certificate.choosing import OfferNow
from services.orders.domain.certificate.state import LAW
from services.orders.domain.social_order import service_in

NOT_ACTIVE = Refusal(
    "provider_not_active",
    "Исполнитель не действует в реестре.",
    "The provider isn't active in the register.",
    "442-FZ art. 25",
    kind="forbidden",
)
OFFER_SAME = Refusal("offer_same", "Цена уже такая.", "The price is so already.", kind="invalid")


class CertificateOfferMade(Event):
    provider_id: Id
    service_code: str
    unit_price_kopecks: PositiveKopecks


class CertificateOfferWithdrawn(Event):
    provider_id: Id
    service_code: str


class OfOffer(Command):
    provider_id: Id
    service_code: str = Field(min_length=1, max_length=40)


class OfferForCertificates(OfOffer):
    """`unit_price_kopecks` is the provider's price for anybody, not what the budget pays of it."""

    unit_price_kopecks: PositiveKopecks


class WithdrawCertificateOffer(OfOffer):
    pass


@dataclass(frozen=True)
class CertificateOffer:
    """A provider's line in the open list of one service."""

    status: str = NEW
    unit_price_kopecks: int = 0


offer = Aggregate("CertificateOffer", CertificateOffer)


def _stream(command: OfOffer) -> str:
    return derived_id("certificate-offer", command.provider_id, command.service_code)


@offer.command(
    OfferForCertificates,
    roles={"provider"},
    states={NEW, "offered", "withdrawn"},
    emits=(CertificateOfferMade,),
    stream=_stream,
    ground=LAW,
)
def make_offer(state: CertificateOffer, command: OfferForCertificates, context: Context) -> Decision:
    """`context.facts` is the provider as the register has it."""
    now: OfferNow = context.facts
    require(context.actor.organisation == command.provider_id, NOT_YOURS)
    require(now.is_active, NOT_ACTIVE)
    service_in(context.rules.catalogue, command.service_code, context.now.year)
    require(state.status != "offered" or state.unit_price_kopecks != command.unit_price_kopecks, OFFER_SAME)
    return decided(CertificateOfferMade(**command.model_dump()))


@offer.command(
    WithdrawCertificateOffer,
    roles={"provider"},
    states={"offered"},
    emits=(CertificateOfferWithdrawn,),
    stream=_stream,
    ground=LAW,
)
def withdraw_offer(state: CertificateOffer, command: WithdrawCertificateOffer, context: Context) -> Decision:
    require(context.actor.organisation == command.provider_id, NOT_YOURS)
    return decided(CertificateOfferWithdrawn(**command.model_dump()))


@offer.event(CertificateOfferMade, to="offered")
def _made(state: CertificateOffer, event: CertificateOfferMade) -> CertificateOffer:
    return changed(state, unit_price_kopecks=event.unit_price_kopecks)


@offer.event(CertificateOfferWithdrawn, to="withdrawn")
def _withdrawn(state: CertificateOffer, event: CertificateOfferWithdrawn) -> CertificateOffer:
    return state

"""The events of an invoice. Each names its budget and provider, so that a reader needs no other event."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from kernel.aggregate import Event
from kernel.ids import Id
from kernel.instants import Instant
from kernel.money import Kopecks
from services.billing.domain.budget_line import Money

DateText = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Stage = Literal["forestalled", "refused", "before_payment", "in_transit", "after_payment"]


class OfAct(Money):
    act_id: Id
    agreement_id: Id
    provider_id: Id
    amount_kopecks: Kopecks


class InvoiceRegistered(OfAct):
    """The act's amount is accrued; `from_account` is what it was taken from. `confirmed_at`: when the act was."""

    number: str
    provider_kind: str
    month: str
    confirmed_at: Instant
    from_account: str


class InvoiceRefused(OfAct):
    """The act can't be accrued: neither the agreement's obligation nor, after its end, the free limit covers it."""

    number: str
    provider_kind: str
    month: str
    confirmed_at: Instant
    from_account: str
    missing_kopecks: Kopecks
    reason: str


class InvoicePrepared(Event):
    by: str


class InvoiceApproved(Event):
    by: str


class InvoiceReturned(Event):
    """The second person sends it back to be prepared again."""

    by: str
    reason: str


class PaymentSent(OfAct):
    payment_id: Id
    number: str


class PaymentSettled(OfAct):
    payment_id: Id
    settled_on: DateText


class InvoiceReversed(OfAct):
    """The act was reversed. `stage` says how far its money had come."""

    reason: str
    stage: Stage


class ReturnReceived(OfAct):
    returned_on: DateText

"""An invoice: one confirmed act on its way to money.

    (ActConfirmed) → registered → prepared → approved → sent → settled
                        └─ refused             reversed (before the money left) · owed → returned (after)

Guarantees: one invoice per act, however often the act's event comes (the stream is `derived_id("invoice", act)`); who
prepared it doesn't approve it; what is paid was obliged before and accrued by an act; a reversal before payment takes
the accrual back, after it the provider owes the money until it is returned. A reversal that overtakes its act leaves
an invoice that can't be registered any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, changed, decided
from kernel.ids import Id, derived_id
from kernel.instants import Instant
from kernel.money import Kopecks, format_kopecks
from kernel.refusal import Refusal, require
from services.billing.domain.invoice_events import (
    DateText,
    InvoiceApproved,
    InvoicePrepared,
    InvoiceRefused,
    InvoiceRegistered,
    InvoiceReturned,
    InvoiceReversed,
    OfAct,
    PaymentSent,
    PaymentSettled,
    ReturnReceived,
    Stage,
)
from services.billing.domain.ledger import Budget, Postings, parse_account, transfer

LAW = "Budget Code art. 219"
Reason = Annotated[str, StringConstraints(min_length=5, max_length=1000, strip_whitespace=True)]

FOUR_EYES = Refusal(
    "four_eyes",
    "Утверждает не тот, кто подготовил счёт к оплате.",
    "Who prepared the invoice for payment doesn't approve it.",
    "four eyes",
    kind="forbidden",
)
STILL_SHORT = Refusal(
    "limit_short",
    "Не хватает {missing_kopecks} коп.",
    "{missing_kopecks} kopecks are missing.",
    LAW,
)
BAD_DATE = Refusal("date_invalid", "Нет такой даты: {text}.", "There is no date {text}.", kind="invalid")


def invoice_id(act_id: str) -> str:
    """The stream of the invoice of an act."""
    return derived_id("invoice", act_id)


# -- commands ---------------------------------------------------------------------------------------------------------


class RegisterInvoice(Command):
    """`agreement_id`: what the act was made under, an agreement or a social certificate (its redemption is the act)."""

    act_id: Id
    agreement_id: Id
    provider_id: Id
    provider_kind: str
    body_id: Id
    year: int
    month: str
    amount_kopecks: Kopecks
    confirmed_at: Instant


class ReverseInvoice(Command):
    act_id: Id
    agreement_id: Id
    provider_id: Id
    body_id: Id
    year: int
    amount_kopecks: Kopecks
    reason: str


class OnInvoice(Command):
    id: Id


class RetryInvoice(OnInvoice):
    pass


class PrepareInvoice(OnInvoice):
    pass


class ApproveInvoice(OnInvoice):
    pass


class ReturnInvoice(OnInvoice):
    reason: Reason


class SendPayment(OnInvoice):
    pass


class SettlePayment(OnInvoice):
    settled_on: DateText


class ReceiveReturn(OnInvoice):
    returned_on: DateText


# -- state ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InvoiceFacts:
    """Under lock: `source` is the account that the act is paid from and gives back to, with its balance; a number."""

    source: str = ""
    source_kopecks: int = 0
    number: str = ""


@dataclass(frozen=True)
class Invoice:
    status: str = NEW
    number: str = ""
    act_id: str = ""
    agreement_id: str = ""
    provider_id: str = ""
    provider_kind: str = ""
    body_id: str = ""
    year: int = 0
    month: str = ""
    amount_kopecks: int = 0
    confirmed_at: str = ""
    prepared_by: str = ""
    payment_id: str = ""
    settled: bool = False

    @property
    def budget(self) -> Budget:
        return Budget(self.body_id, self.year)


invoice = Aggregate("Invoice", Invoice)
UNPAID = frozenset({"registered", "prepared", "approved"})
SOURCES = frozenset({"obliged", "certificates", "limit"})


def _of_act(command: RegisterInvoice | ReverseInvoice) -> str:
    return invoice_id(command.act_id)


# -- from the act to an approved invoice ------------------------------------------------------------------------------


@invoice.command(
    RegisterInvoice,
    roles={"system"},
    states={NEW},
    emits=(InvoiceRegistered, InvoiceRefused),
    stream=_of_act,
    ground=LAW,
)
def register(state: Invoice, command: RegisterInvoice, context: Context) -> Decision:
    facts: InvoiceFacts = context.facts
    return decided(_registration(facts, number=facts.number, **command.model_dump()))


@invoice.command(RetryInvoice, roles={"treasurer"}, states={"refused"}, emits=(InvoiceRegistered,), ground=LAW)
def retry(state: Invoice, command: RetryInvoice, context: Context) -> Decision:
    event = _registration(
        context.facts,
        number=state.number,
        provider_kind=state.provider_kind,
        month=state.month,
        confirmed_at=state.confirmed_at,
        **_identity(state),
    )
    if isinstance(event, InvoiceRefused):
        return Decision(refusal=STILL_SHORT.having(missing_kopecks=event.missing_kopecks))
    return decided(event)


def _registration(facts: InvoiceFacts, **data: Any) -> InvoiceRegistered | InvoiceRefused:
    missing = data["amount_kopecks"] - facts.source_kopecks
    if missing > 0:
        reason = f"Не хватает {format_kopecks(missing)}"
        return InvoiceRefused(from_account=facts.source, missing_kopecks=missing, reason=reason, **data)
    budget = Budget(data["body_id"], data["year"])
    entry = transfer(facts.source, budget.accrued(data["agreement_id"]), data["amount_kopecks"])
    return InvoiceRegistered(from_account=facts.source, postings=entry, **data)


@invoice.command(PrepareInvoice, roles={"treasurer"}, states={"registered"}, emits=(InvoicePrepared,), ground=LAW)
def prepare(state: Invoice, command: PrepareInvoice, context: Context) -> Decision:
    return decided(InvoicePrepared(by=context.actor.id))


@invoice.command(ApproveInvoice, roles={"treasurer"}, states={"prepared"}, emits=(InvoiceApproved,), ground=LAW)
def approve(state: Invoice, command: ApproveInvoice, context: Context) -> Decision:
    require(context.actor.id != state.prepared_by, FOUR_EYES)
    return decided(InvoiceApproved(by=context.actor.id))


@invoice.command(ReturnInvoice, roles={"treasurer"}, states={"prepared"}, emits=(InvoiceReturned,), ground=LAW)
def return_invoice(state: Invoice, command: ReturnInvoice, context: Context) -> Decision:
    return decided(InvoiceReturned(by=context.actor.id, reason=command.reason))


# -- money leaves, arrives, and comes back ----------------------------------------------------------------------------


@invoice.command(SendPayment, roles={"treasurer"}, states={"approved"}, emits=(PaymentSent,), ground=LAW)
def send_payment(state: Invoice, command: SendPayment, context: Context) -> Decision:
    facts: InvoiceFacts = context.facts
    payment_id = context.new_id()
    entry = transfer(state.budget.accrued(state.agreement_id), state.budget.transit, state.amount_kopecks)
    event = PaymentSent(payment_id=payment_id, number=facts.number, postings=entry, **_identity(state))
    return decided(event, payment_id=payment_id, number=facts.number)


@invoice.command(SettlePayment, roles={"treasurer"}, states={"sent", "owed"}, emits=(PaymentSettled,), ground=LAW)
def settle_payment(state: Invoice, command: SettlePayment, context: Context) -> Decision:
    """The bank's answer. Money that was reversed on its way is owed already: its arrival posts nothing more."""
    _check_date(command.settled_on)
    if state.settled:
        return decided()
    entry = transfer(state.budget.transit, state.budget.paid, state.amount_kopecks) if state.status == "sent" else ()
    return decided(
        PaymentSettled(payment_id=state.payment_id, settled_on=command.settled_on, postings=entry, **_identity(state))
    )


@invoice.command(
    ReverseInvoice, roles={"system"}, states={NEW, "*"}, emits=(InvoiceReversed,), stream=_of_act, ground=LAW
)
def reverse(state: Invoice, command: ReverseInvoice, context: Context) -> Decision:
    if state.status in {"reversed", "owed", "returned"}:
        return decided()
    identity = _identity(state) if state.status else command.model_dump(exclude={"reason"})
    stage = _stage(state.status)
    facts: InvoiceFacts = context.facts
    entry = reversal(stage, facts.source, Budget(command.body_id, command.year), identity)
    return decided(InvoiceReversed(reason=command.reason, stage=stage, postings=entry, **identity))


def _stage(status: str) -> Stage:
    if status in UNPAID:
        return "before_payment"
    known: dict[str, Stage] = {
        NEW: "forestalled", "refused": "refused", "sent": "in_transit", "settled": "after_payment",
    }  # fmt: skip
    return known[status]


def reversal(stage: Stage, source: str, budget: Budget, identity: Mapping[str, Any]) -> Postings:
    """The entry of a reversal at `stage`: the accrual goes back to `source`, what left is owed by the provider."""
    amount = identity["amount_kopecks"]
    if stage == "before_payment":
        return transfer(budget.accrued(identity["agreement_id"]), source, amount)
    if stage in {"in_transit", "after_payment"}:
        left = budget.transit if stage == "in_transit" else budget.paid
        return transfer(left, budget.owed(identity["provider_id"]), amount)
    return ()


@invoice.command(ReceiveReturn, roles={"treasurer"}, states={"owed"}, emits=(ReturnReceived,), ground=LAW)
def receive_return(state: Invoice, command: ReceiveReturn, context: Context) -> Decision:
    _check_date(command.returned_on)
    facts: InvoiceFacts = context.facts
    entry = transfer(state.budget.owed(state.provider_id), facts.source, state.amount_kopecks)
    return decided(ReturnReceived(returned_on=command.returned_on, postings=entry, **_identity(state)))


def _identity(state: Invoice) -> dict[str, Any]:
    return {
        "act_id": state.act_id,
        "agreement_id": state.agreement_id,
        "provider_id": state.provider_id,
        "body_id": state.body_id,
        "year": state.year,
        "amount_kopecks": state.amount_kopecks,
    }


def _check_date(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        require(False, BAD_DATE, text=text)


# -- what a replay computes again -------------------------------------------------------------------------------------


@invoice.computes(InvoiceRegistered)
def _registered_again(state: Invoice, event: InvoiceRegistered) -> Mapping[str, Any]:
    budget = Budget(event.body_id, event.year)
    return {"postings": transfer(event.from_account, budget.accrued(event.agreement_id), event.amount_kopecks)}


@invoice.computes(PaymentSent)
def _sent_again(state: Invoice, event: PaymentSent) -> Mapping[str, Any]:
    budget = state.budget
    return {"postings": transfer(budget.accrued(state.agreement_id), budget.transit, state.amount_kopecks)}


@invoice.computes(PaymentSettled)
def _settled_again(state: Invoice, event: PaymentSettled) -> Mapping[str, Any]:
    moved = transfer(state.budget.transit, state.budget.paid, state.amount_kopecks)
    return {"postings": moved if state.status == "sent" else ()}


@invoice.computes(InvoiceReversed)
def _reversed_again(state: Invoice, event: InvoiceReversed) -> Mapping[str, Any]:
    stage = _stage(state.status)
    # Where the accrual came back to depends on whether the agreement lived: the event says it, the amounts follow.
    back = [p.account for p in event.postings if parse_account(p.account).kind in SOURCES]
    source = back[0] if back else Budget(event.body_id, event.year).obliged(event.agreement_id)
    entry = reversal(stage, source, Budget(event.body_id, event.year), event.model_dump())
    return {"stage": stage, "postings": entry}


# -- what events change -----------------------------------------------------------------------------------------------


def _known(state: Invoice, event: OfAct) -> Invoice:
    return changed(
        state,
        act_id=event.act_id,
        agreement_id=event.agreement_id,
        provider_id=event.provider_id,
        body_id=event.body_id,
        year=event.year,
        amount_kopecks=event.amount_kopecks,
    )


@invoice.event(InvoiceRegistered, to="registered")
def _registered(state: Invoice, event: InvoiceRegistered) -> Invoice:
    return _with_act(state, event)


@invoice.event(InvoiceRefused, to="refused")
def _refused(state: Invoice, event: InvoiceRefused) -> Invoice:
    return _with_act(state, event)


def _with_act(state: Invoice, event: InvoiceRegistered | InvoiceRefused) -> Invoice:
    data = event.model_dump(mode="json", include={"number", "provider_kind", "month", "confirmed_at"})
    return changed(_known(state, event), **data)


@invoice.event(InvoicePrepared, to="prepared")
def _prepared(state: Invoice, event: InvoicePrepared) -> Invoice:
    return changed(state, prepared_by=event.by)


@invoice.event(InvoiceApproved, to="approved")
def _approved(state: Invoice, event: InvoiceApproved) -> Invoice:
    return state


@invoice.event(InvoiceReturned, to="registered")
def _returned_to_prepare(state: Invoice, event: InvoiceReturned) -> Invoice:
    return changed(state, prepared_by="")


@invoice.event(PaymentSent, to="sent")
def _sent(state: Invoice, event: PaymentSent) -> Invoice:
    return changed(state, payment_id=event.payment_id)


@invoice.event(PaymentSettled)
def _settled(state: Invoice, event: PaymentSettled) -> Invoice:
    return changed(state, settled=True, status="settled" if state.status == "sent" else state.status)


@invoice.event(InvoiceReversed)
def _reversed(state: Invoice, event: InvoiceReversed) -> Invoice:
    owed = event.stage in {"in_transit", "after_payment"}
    return changed(_known(state, event), status="owed" if owed else "reversed")


@invoice.event(ReturnReceived, to="returned")
def _money_returned(state: Invoice, event: ReturnReceived) -> Invoice:
    return state

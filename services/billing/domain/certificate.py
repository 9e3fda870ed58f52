"""The money of social certificates: held in full when one is issued, paid out redemption by redemption, the rest let go.

    limit ──CertificateFunded──▶ certificates ──InvoiceRegistered──▶ accrued        (a redemption is an invoice's act)
                                      └────────CertificateReleased──▶ limit

Every asking (a certificate's `attempt`) gets exactly one answer, however often it comes. What orders says of a certificate
comes in the order in which it was said, so its end never overtakes its asking or its redemptions. What the beneficiary
pays themselves is none of the budget's money and stands in no account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.aggregate import Command, Context, Decision, changed, decided
from kernel.ids import Id
from kernel.money import Kopecks, format_kopecks
from services.billing.domain.budget_line import LAW, STATES, BudgetLine, Money, budget_id, budget_line
from services.billing.domain.ledger import Budget, Postings, transfer


class OfCertificate(Money):
    certificate_id: Id
    attempt: int
    amount_kopecks: Kopecks


class CertificateFunded(OfCertificate):
    pass


class CertificateFundingRefused(OfCertificate):
    """`missing_kopecks` is how much the limit would have to be raised."""

    free_kopecks: Kopecks
    missing_kopecks: Kopecks
    reason: str


class CertificateReleased(OfCertificate):
    """The certificate, or the asking, is over: what no redemption has taken is free again."""

    cause: str


class OnCertificate(Command):
    """A command that an event of orders gives; never a person."""

    body_id: Id
    year: int
    certificate_id: Id
    attempt: int


class FundCertificate(OnCertificate):
    amount_kopecks: Kopecks


class ReleaseCertificate(OnCertificate):
    cause: str


@dataclass(frozen=True)
class FundFacts:
    """Balances under lock, and the last asking: its `attempt` (0: none) and `status` (held, refused, released)."""

    free_kopecks: int
    held_kopecks: int = 0
    attempt: int = 0
    status: str = ""


def _stream(command: OnCertificate) -> str:
    return budget_id(command.body_id, command.year)


@budget_line.command(
    FundCertificate,
    roles={"system"},
    states=STATES,
    emits=(CertificateFunded, CertificateFundingRefused),
    stream=_stream,
    ground=LAW,
)
def fund(state: BudgetLine, command: FundCertificate, context: Context) -> Decision:
    facts: FundFacts = context.facts
    if command.attempt <= facts.attempt:
        return decided()  # answered already
    missing = command.amount_kopecks - facts.free_kopecks
    if missing > 0:
        reason = f"Не хватает {format_kopecks(missing)}: свободно {format_kopecks(facts.free_kopecks)}"
        short: dict[str, Any] = {"free_kopecks": facts.free_kopecks, "missing_kopecks": missing, "reason": reason}
        return decided(CertificateFundingRefused(**command.model_dump(), **short))
    return decided(CertificateFunded(**command.model_dump(), postings=_holding(command, command.amount_kopecks)))


@budget_line.command(
    ReleaseCertificate, roles={"system"}, states=STATES, emits=(CertificateReleased,), stream=_stream, ground=LAW
)
def release(state: BudgetLine, command: ReleaseCertificate, context: Context) -> Decision:
    facts: FundFacts = context.facts
    if facts.status != "held" or facts.attempt != command.attempt:
        return decided()  # nothing is held: it was refused, or let go before
    amount = facts.held_kopecks
    event = CertificateReleased(**command.model_dump(), amount_kopecks=amount, postings=_letting_go(command, amount))
    return decided(event)


def _holding(of: OnCertificate | OfCertificate, kopecks: int) -> Postings:
    budget = Budget(of.body_id, of.year)
    return transfer(budget.limit, budget.certificate(of.certificate_id), kopecks)


def _letting_go(of: OnCertificate | OfCertificate, kopecks: int) -> Postings:
    budget = Budget(of.body_id, of.year)
    return transfer(budget.certificate(of.certificate_id), budget.limit, kopecks)


@budget_line.computes(CertificateFunded)
def _funded_again(state: BudgetLine, event: CertificateFunded) -> Mapping[str, Any]:
    return {"postings": _holding(event, event.amount_kopecks)}


@budget_line.computes(CertificateReleased)
def _released_again(state: BudgetLine, event: CertificateReleased) -> Mapping[str, Any]:
    return {"postings": _letting_go(event, event.amount_kopecks)}


def _on_line(state: BudgetLine, event: Money) -> BudgetLine:
    return changed(state, body_id=event.body_id, year=event.year)


for _event in (CertificateFunded, CertificateFundingRefused, CertificateReleased):
    budget_line.event(_event, to="open")(_on_line)

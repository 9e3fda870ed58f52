"""billing: the table of contents. What the service does, on one screen."""

from __future__ import annotations

from pathlib import Path

from kernel.refusal import Refusal
from kernel.service import On, Service
from services.billing.domain.budget_line import (
    ReleaseObligation,
    ReleaseReservation,
    ReserveBudget,
    SetLimit,
    TakeObligation,
    budget_line,
)
from services.billing.domain.certificate import FundCertificate, ReleaseCertificate
from services.billing.domain.invoice import (
    ApproveInvoice,
    PrepareInvoice,
    ReceiveReturn,
    RegisterInvoice,
    RetryInvoice,
    ReturnInvoice,
    ReverseInvoice,
    SendPayment,
    SettlePayment,
    invoice,
)
from services.billing.facts import (
    act_facts,
    agreement_facts,
    certificate_facts,
    invoice_facts,
    limit_facts,
    payment_facts,
)
from services.billing.projections.budgets import budgets
from services.billing.projections.certificates import certificate_funds
from services.billing.projections.invoices import invoices_projection
from services.billing.projections.journal import journal
from services.billing.queries import budgets as budget_queries
from services.billing.queries import invoices as invoice_queries
from services.billing.queries import ledger as ledger_queries
from services.billing.reactions import reactions
from services.billing.tables import metadata

BELOW_FLOOR = Refusal(
    "below_floor",
    "Счёт не может уйти ниже своего предела: денег на нём меньше.",
    "The account can't go below its floor: there is less money on it.",
    "Budget Code art. 219",
)


def service() -> Service:
    return Service(
        name="billing",
        metadata=metadata,
        folder=Path(__file__).parent,
        aggregates=(budget_line, invoice),
        commands=(
            On(SetLimit, facts=limit_facts),
            On(ReserveBudget, facts=agreement_facts),
            On(ReleaseReservation, facts=agreement_facts),
            On(TakeObligation, facts=agreement_facts),
            On(ReleaseObligation, facts=agreement_facts),
            On(FundCertificate, facts=certificate_facts),
            On(ReleaseCertificate, facts=certificate_facts),
            On(RegisterInvoice, facts=act_facts),
            On(RetryInvoice, facts=invoice_facts),
            On(PrepareInvoice),
            On(ApproveInvoice),
            On(ReturnInvoice),
            On(SendPayment, facts=payment_facts),
            On(SettlePayment, facts=invoice_facts),
            On(ReverseInvoice, facts=act_facts),
            On(ReceiveReturn, facts=invoice_facts),
        ),
        queries=(
            budget_queries.budget_lines,
            ledger_queries.accounts,
            ledger_queries.journal,
            ledger_queries.trial_balance,
            invoice_queries.invoices,
            invoice_queries.invoice,
            invoice_queries.payments_clock,
        ),
        projections=(journal, budgets, certificate_funds, invoices_projection),
        reactions=reactions,
        constraints={"account_floor": BELOW_FLOOR},
    )

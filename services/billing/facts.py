"""What commands need from tables: balances and answers, read after the rows that decide are held.

Order of locks, the same for all: the stream's own row (the store), the agreement's obligation, the accounts by name.
What is read after them is the newest that was committed and can't change until this transaction ends. The reading
itself is written against `Rows`, so that a test can run the very same rules without a database.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table

from kernel.counters import next_number
from kernel.pipeline import Batch
from kernel.rows import Row, Rows, SqlRows
from kernel.service import Surroundings
from services.billing.domain.budget_line import BudgetFacts, BudgetLine, Held, OfAgreement, SetLimit
from services.billing.domain.certificate import FundFacts, OnCertificate
from services.billing.domain.invoice import Invoice, InvoiceFacts, RegisterInvoice, ReverseInvoice
from services.billing.domain.ledger import Budget
from services.billing.tables import account, certificate_fund, obligation, reservation

# -- budget lines -----------------------------------------------------------------------------------------------------


def limit_facts(connection: Connection, command: SetLimit, state: BudgetLine, at: Surroundings) -> BudgetFacts:
    _lock_accounts(connection, [Budget(command.body_id, command.year).limit])
    return read_limit(_rows(connection), command)


def agreement_facts(connection: Connection, command: OfAgreement, state: BudgetLine, at: Surroundings) -> BudgetFacts:
    budget = Budget(command.body_id, command.year)
    _lock_obligation(connection, command.agreement_id)
    names = (budget.limit, budget.reserved(command.agreement_id), budget.obliged(command.agreement_id))
    _lock_accounts(connection, names)
    return read_agreement(_rows(connection), command)


def read_limit(rows: Rows, command: SetLimit) -> BudgetFacts:
    return BudgetFacts(free_kopecks=_balance(rows, Budget(command.body_id, command.year).limit))


def read_agreement(rows: Rows, command: OfAgreement) -> BudgetFacts:
    budget = Budget(command.body_id, command.year)
    met = _row(rows, reservation, agreement_id=command.agreement_id, attempt=command.attempt)
    return BudgetFacts(
        free_kopecks=_balance(rows, budget.limit),
        obliged_kopecks=_balance(rows, budget.obliged(command.agreement_id)),
        held=None if met is None else Held(met["status"], met["amount_kopecks"]),
    )


def certificate_facts(connection: Connection, command: OnCertificate, state: BudgetLine, at: Surroundings) -> FundFacts:
    budget = Budget(command.body_id, command.year)
    _lock_accounts(connection, (budget.limit, budget.certificate(command.certificate_id)))
    return read_certificate(_rows(connection), command)


def read_certificate(rows: Rows, command: OnCertificate) -> FundFacts:
    budget = Budget(command.body_id, command.year)
    met = _row(rows, certificate_fund, certificate_id=command.certificate_id)
    return FundFacts(
        free_kopecks=_balance(rows, budget.limit),
        held_kopecks=_balance(rows, budget.certificate(command.certificate_id)),
        attempt=0 if met is None else met["attempt"],
        status="" if met is None else met["status"],
    )


# -- invoices ---------------------------------------------------------------------------------------------------------


def act_facts(
    connection: Connection, command: RegisterInvoice | ReverseInvoice, state: Invoice, at: Surroundings
) -> InvoiceFacts:
    """For the commands that an act gives: the account that it is paid from, and a number for a new invoice."""
    budget = Budget(command.body_id, command.year)
    facts = _held_source(connection, budget, command.agreement_id, command.provider_id)
    if isinstance(command, ReverseInvoice):
        return facts
    number = f"СЧ-{command.year}-{next_number(connection, f'invoice-{command.year}'):06d}"
    return InvoiceFacts(facts.source, facts.source_kopecks, number)


def invoice_facts(connection: Connection, command: Any, state: Invoice, at: Surroundings) -> InvoiceFacts:
    """For people's commands on a registered invoice that move money."""
    return _held_source(connection, state.budget, state.agreement_id, state.provider_id)


def payment_facts(connection: Connection, command: Any, state: Invoice, at: Surroundings) -> InvoiceFacts:
    """The same with the number of a payment order."""
    facts = invoice_facts(connection, command, state, at)
    number = f"ПП-{state.year}-{next_number(connection, f'payment-{state.year}'):06d}"
    return InvoiceFacts(facts.source, facts.source_kopecks, number)


def _held_source(connection: Connection, budget: Budget, agreement_id: str, provider_id: str) -> InvoiceFacts:
    _lock_obligation(connection, agreement_id)
    rows = _rows(connection)
    source = source_of(rows, budget, agreement_id)
    touched = (budget.accrued(agreement_id), budget.transit, budget.paid, budget.owed(provider_id), source)
    _lock_accounts(connection, touched)
    return InvoiceFacts(source, _balance(rows, source))


def source_of(rows: Rows, budget: Budget, agreement_id: str) -> str:
    """The account that an act is paid from: the agreement's obligation or the certificate's money, or the free limit
    once that was released."""
    held = _row(rows, certificate_fund, certificate_id=agreement_id)
    if held is not None:
        return budget.certificate(agreement_id) if held["status"] == "held" else budget.limit
    row = _row(rows, obligation, agreement_id=agreement_id)
    return budget.limit if row is not None and row["closed_at"] else budget.obliged(agreement_id)


def read_invoice(rows: Rows, budget: Budget, agreement_id: str) -> InvoiceFacts:
    """Without locks and numbers."""
    source = source_of(rows, budget, agreement_id)
    return InvoiceFacts(source, _balance(rows, source))


# -- both -------------------------------------------------------------------------------------------------------------


def _rows(connection: Connection) -> Rows:
    return SqlRows(Batch(connection))


def _row(rows: Rows, table: Table, **key: Any) -> Row | None:
    return rows.get(table, key)


def _balance(rows: Rows, name: str) -> int:
    row = _row(rows, account, account=name)
    return 0 if row is None else int(row["balance_kopecks"])


def _lock_obligation(connection: Connection, agreement_id: str) -> None:
    connection.exec_driver_sql("SELECT 1 FROM obligation WHERE agreement_id = %s FOR UPDATE", (agreement_id,)).all()


def _lock_accounts(connection: Connection, names: Iterable[str]) -> None:
    connection.exec_driver_sql(
        "SELECT 1 FROM account WHERE account = ANY(%s) ORDER BY account FOR UPDATE", (sorted(names),)
    ).all()

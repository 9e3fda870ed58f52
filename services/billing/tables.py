"""The service's read tables.

`account` holds the balances that decide: every command that moves money locks the rows it touches, and the CHECK
refuses a balance below its floor whatever the program believed. `reservation` and `obligation` remember what was asked
and answered for an agreement, `posting` is the journal, one row a line.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData(schema="billing")


def _id() -> UUID[str]:
    return UUID(as_uuid=False)


account = Table(
    "account",
    metadata,
    Column("account", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body_id", _id(), nullable=False),
    Column("year", Integer, nullable=False),
    # The agreement's or provider's id, where the account is of one.
    Column("part", Text, nullable=False, server_default=""),
    Column("floor_kopecks", BigInteger, nullable=False),
    Column("debit_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("credit_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("balance_kopecks", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("balance_kopecks >= floor_kopecks", name="account_floor"),
    CheckConstraint("balance_kopecks = debit_kopecks - credit_kopecks", name="account_balance"),
    Index("account_budget", "body_id", "year", "kind"),
    Index("account_part", "part"),
)

posting = Table(
    "posting",
    metadata,
    Column("event_id", _id(), primary_key=True),
    Column("line", SmallInteger, primary_key=True),
    Column("at", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("debit_kopecks", BigInteger, nullable=False),
    Column("credit_kopecks", BigInteger, nullable=False),
    Column("body_id", _id(), nullable=False),
    Column("year", Integer, nullable=False),
    Column("agreement_id", _id()),
    Column("act_id", _id()),
    CheckConstraint("(debit_kopecks = 0) <> (credit_kopecks = 0)", name="posting_one_side"),
    Index("posting_account", "account", "event_id"),
    Index("posting_budget", "body_id", "year", "event_id"),
    Index("posting_agreement", "agreement_id", "event_id"),
)

budget = Table(
    "budget",
    metadata,
    Column("budget_id", _id(), primary_key=True),
    Column("body_id", _id(), nullable=False),
    Column("year", Integer, nullable=False),
    Column("limit_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("refusals", Integer, nullable=False, server_default="0"),
    Index("budget_year", "year", "budget_id"),
    Index("budget_body", "body_id", "year"),
)

reservation = Table(
    "reservation",
    metadata,
    Column("agreement_id", _id(), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("body_id", _id(), nullable=False),
    Column("year", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("amount_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("at", Text, nullable=False),
    Index("reservation_budget", "body_id", "year", "status"),
)

obligation = Table(
    "obligation",
    metadata,
    Column("agreement_id", _id(), primary_key=True),
    Column("body_id", _id(), nullable=False),
    Column("year", Integer, nullable=False),
    Column("provider_id", _id()),
    Column("amount_kopecks", BigInteger, nullable=False, server_default="0"),
    Column("closed_at", Text),
)

certificate_fund = Table(
    "certificate_fund",
    metadata,
    Column("certificate_id", _id(), primary_key=True),
    # Of the last asking: its number, and whether its money is held, was refused, or was released.
    Column("attempt", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("amount_kopecks", BigInteger, nullable=False),
    Column("body_id", _id(), nullable=False),
    Column("year", Integer, nullable=False),
    Column("at", Text, nullable=False),
)

invoices = Table(
    "invoices",
    metadata,
    Column("invoice_id", _id(), primary_key=True),
    Column("number", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False),
    Column("act_id", _id(), nullable=False, unique=True),
    Column("agreement_id", _id(), nullable=False),
    Column("provider_id", _id(), nullable=False),
    Column("provider_kind", Text, nullable=False, server_default=""),
    Column("body_id", _id(), nullable=False),
    Column("year", Integer, nullable=False),
    Column("month", Text, nullable=False, server_default=""),
    Column("amount_kopecks", BigInteger, nullable=False),
    Column("confirmed_at", Text),
    Column("registered_at", Text),
    Column("prepared_by", Text),
    Column("approved_by", Text),
    Column("approved_at", Text),
    Column("payment_id", _id()),
    Column("payment_number", Text),
    Column("sent_at", Text),
    Column("settled_at", Text),
    Column("settled_on", Text),
    Column("reversed_at", Text),
    Column("reason", Text),
    Column("missing_kopecks", BigInteger),
    Index("invoices_status", "status", "invoice_id"),
    Index("invoices_body", "body_id", "year", "invoice_id"),
    Index("invoices_provider", "provider_id", "invoice_id"),
    Index("invoices_agreement", "agreement_id", "invoice_id"),
    Index("invoices_kind", "provider_kind", "year"),
)

"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("part", sa.Text(), server_default="", nullable=False),
        sa.Column("floor_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("debit_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("credit_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("balance_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("balance_kopecks = debit_kopecks - credit_kopecks", name="account_balance"),
        sa.CheckConstraint("balance_kopecks >= floor_kopecks", name="account_floor"),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_index("account_budget", "account", ["body_id", "year", "kind"], unique=False)
    op.create_index("account_part", "account", ["part"], unique=False)
    op.create_table(
        "budget",
        sa.Column("budget_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("limit_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("budget_id"),
    )
    op.create_index("budget_body", "budget", ["body_id", "year"], unique=False)
    op.create_index("budget_year", "budget", ["year", "budget_id"], unique=False)
    op.create_table(
        "budget_line",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "document",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True, cache=1), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("causation_id", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("next_try", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("due_order", "due", ["due_at", "id"], unique=False)
    op.create_table(
        "invoice",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "invoices",
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("act_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("provider_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("month", sa.Text(), server_default="", nullable=False),
        sa.Column("amount_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.Text(), nullable=True),
        sa.Column("prepared_by", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("payment_number", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.Text(), nullable=True),
        sa.Column("settled_on", sa.Text(), nullable=True),
        sa.Column("reversed_at", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("missing_kopecks", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("invoice_id"),
        sa.UniqueConstraint("act_id"),
    )
    op.create_index("invoices_agreement", "invoices", ["agreement_id", "invoice_id"], unique=False)
    op.create_index("invoices_body", "invoices", ["body_id", "year", "invoice_id"], unique=False)
    op.create_index("invoices_kind", "invoices", ["provider_kind", "year"], unique=False)
    op.create_index("invoices_provider", "invoices", ["provider_id", "invoice_id"], unique=False)
    op.create_index("invoices_status", "invoices", ["status", "invoice_id"], unique=False)
    op.create_table(
        "log",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(entry) <= 60000", name="log_entry_size"),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("log_subject", "log", ["subject", "sequence"], unique=False)
    op.create_index("log_type", "log", ["type", "sequence"], unique=False)
    op.create_table(
        "log_head",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("one", name="log_head_one_row"),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "obligation",
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("amount_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True, cache=1), nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(event) <= 59700", name="outbox_event_size"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "parked",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("next_try", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("source", "sequence"),
    )
    op.create_index("parked_subject", "parked", ["source", "subject", "sequence"], unique=False)
    op.create_table(
        "posting",
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("debit_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("credit_kopecks", sa.BigInteger(), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("act_id", sa.UUID(as_uuid=False), nullable=True),
        sa.CheckConstraint("(debit_kopecks = 0) <> (credit_kopecks = 0)", name="posting_one_side"),
        sa.PrimaryKeyConstraint("event_id", "line"),
    )
    op.create_index("posting_account", "posting", ["account", "event_id"], unique=False)
    op.create_index("posting_agreement", "posting", ["agreement_id", "event_id"], unique=False)
    op.create_index("posting_budget", "posting", ["body_id", "year", "event_id"], unique=False)
    op.create_table(
        "publication",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("one", name="publication_one_row"),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "reply",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("reply", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("actor", "command", "key"),
    )
    op.create_index("reply_at", "reply", ["at"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("agreement_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("body_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_kopecks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agreement_id", "attempt"),
    )
    op.create_index("reservation_budget", "reservation", ["body_id", "year", "status"], unique=False)
    op.create_table(
        "subscription",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )

"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from kernel.migrations import kernel_tables_1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    kernel_tables_1()
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

"""Invoices, and the clock that shows how long money takes from an act to the provider (DOMAIN §5)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.instants import to_text
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings, query
from services.billing.queries.common import Filters, page, texts, where

Status = Literal["registered", "refused", "prepared", "approved", "sent", "settled", "reversed", "owed", "returned"]
_LISTED = (
    "invoice_id, number, status, act_id, agreement_id, provider_id, provider_kind, body_id, year, month, "
    "amount_kopecks, missing_kopecks, reason, confirmed_at, registered_at, prepared_by, approved_by, approved_at, "
    "payment_id, payment_number, sent_at, settled_at, settled_on, reversed_at"
)


class Invoices(Filters):
    status: Status | None = None
    body_id: Id | None = None
    provider_id: Id | None = None
    agreement_id: Id | None = None
    provider_kind: str | None = Field(None, max_length=40)
    year: int | None = None
    month: str | None = Field(None, pattern=r"^\d{4}-\d{2}$")


@query(Invoices)
def invoices(connection: Connection, asked: Invoices, at: Surroundings) -> dict[str, Any]:
    """A page of invoices: `{"items": […], "next": cursor | None}`."""
    return page(connection, _LISTED, "invoices", "invoice_id", asked)


class OneInvoice(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(OneInvoice)
def invoice(connection: Connection, asked: OneInvoice, at: Surroundings) -> dict[str, Any]:
    """The invoice with its version and its entries in the ledger."""
    found = connection.exec_driver_sql(
        f"SELECT {_LISTED}, s.version FROM invoices JOIN invoice s ON s.id = invoice_id WHERE invoice_id = %s",
        (asked.id,),
    ).mappings()
    rows = texts(found)
    if not rows:
        raise Refused(MISSING.having(what="invoice", id=asked.id))
    lines = connection.exec_driver_sql(
        "SELECT event_id, at, event, account, debit_kopecks, credit_kopecks FROM posting "
        "WHERE agreement_id = %s AND act_id = %s ORDER BY event_id, line",
        (rows[0]["agreement_id"], rows[0]["act_id"]),
    ).mappings()
    return {**rows[0], "postings": texts(lines)}


class PaymentsClock(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    year: int | None = None
    body_id: Id | None = None


@query(PaymentsClock)
def payments_clock(connection: Connection, asked: PaymentsClock, at: Surroundings) -> dict[str, Any]:
    """Per provider kind: hours from the confirmed act to settled money (whole hours, rounded down), and who waits.

    `days_median` and `days_mean` are texts with one decimal, None where nothing was paid yet.
    """
    filters = asked.model_dump(exclude_none=True)
    rows = connection.exec_driver_sql(
        f"""
        SELECT provider_kind, count(*) FILTER (WHERE settled_at IS NOT NULL) AS paid,
               coalesce(sum(amount_kopecks) FILTER (WHERE settled_at IS NOT NULL), 0)::bigint AS paid_kopecks,
               count(*) FILTER (WHERE {_WAITS}) AS waiting,
               coalesce(sum(amount_kopecks) FILTER (WHERE {_WAITS}), 0)::bigint AS waiting_kopecks,
               floor(percentile_cont(0.5) WITHIN GROUP (ORDER BY {_HOURS})
                     FILTER (WHERE settled_at IS NOT NULL))::bigint AS median_hours,
               floor(avg({_HOURS}) FILTER (WHERE settled_at IS NOT NULL))::bigint AS mean_hours,
               floor(max({_HOURS}) FILTER (WHERE settled_at IS NOT NULL))::bigint AS longest_hours,
               floor(max({_WAITED}) FILTER (WHERE {_WAITS}))::bigint AS longest_wait_hours
        FROM invoices {where(filters, "confirmed_at IS NOT NULL")} GROUP BY provider_kind ORDER BY provider_kind
        """,
        {**filters, "now": to_text(at.now)},
    ).mappings()
    return {
        "kinds": [
            {**row, "days_median": _days(row["median_hours"]), "days_mean": _days(row["mean_hours"])} for row in rows
        ]
    }


def _days(hours: int | None) -> str | None:
    """Hours as days with one decimal, half up."""
    if hours is None:
        return None
    tenths = (hours * 10 + 12) // 24
    return f"{tenths // 10}.{tenths % 10}"


# The fixed form of instants (kernel/instants.py) is one that PostgreSQL reads.
_HOURS = "extract(epoch FROM settled_at::timestamptz - confirmed_at::timestamptz) / 3600"
_WAITED = "extract(epoch FROM %(now)s::timestamptz - confirmed_at::timestamptz) / 3600"
_WAITS = "status IN ('registered', 'prepared', 'approved', 'sent', 'refused')"

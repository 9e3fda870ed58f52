"""Invoices as lists, pages and the payments' clock show them. A row depends on its own stream only."""

from __future__ import annotations

from typing import Any

from kernel.instants import to_text
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.billing.domain import invoice_events as i
from services.billing.tables import invoices

invoices_projection = Projection("invoices", (invoices,))
on = invoices_projection.on


@on("billing", "InvoiceRegistered", i.InvoiceRegistered)
def _registered(rows: Rows, event: i.InvoiceRegistered, entry: Entry) -> None:
    _put(rows, event, entry, status="registered", registered_at=entry.time, reason=None, missing_kopecks=None,
         **_act(event))  # fmt: skip


@on("billing", "InvoiceRefused", i.InvoiceRefused)
def _refused(rows: Rows, event: i.InvoiceRefused, entry: Entry) -> None:
    _put(rows, event, entry, status="refused", reason=event.reason, missing_kopecks=event.missing_kopecks,
         **_act(event))  # fmt: skip


@on("billing", "InvoicePrepared", i.InvoicePrepared)
def _prepared(rows: Rows, event: i.InvoicePrepared, entry: Entry) -> None:
    _change(rows, entry, status="prepared", prepared_by=event.by, reason=None)


@on("billing", "InvoiceApproved", i.InvoiceApproved)
def _approved(rows: Rows, event: i.InvoiceApproved, entry: Entry) -> None:
    _change(rows, entry, status="approved", approved_by=event.by, approved_at=entry.time)


@on("billing", "InvoiceReturned", i.InvoiceReturned)
def _returned(rows: Rows, event: i.InvoiceReturned, entry: Entry) -> None:
    _change(rows, entry, status="registered", prepared_by=None, reason=event.reason)


@on("billing", "PaymentSent", i.PaymentSent)
def _sent(rows: Rows, event: i.PaymentSent, entry: Entry) -> None:
    _change(rows, entry, status="sent", payment_id=event.payment_id, payment_number=event.number, sent_at=entry.time)


@on("billing", "PaymentSettled", i.PaymentSettled)
def _settled(rows: Rows, event: i.PaymentSettled, entry: Entry) -> None:
    _change(rows, entry, settled_at=entry.time, settled_on=event.settled_on)
    row = rows.get(invoices, {"invoice_id": entry.stream_id})
    if row is not None and row["status"] == "sent":
        _change(rows, entry, status="settled")


@on("billing", "InvoiceReversed", i.InvoiceReversed)
def _reversed(rows: Rows, event: i.InvoiceReversed, entry: Entry) -> None:
    owed = event.stage in {"in_transit", "after_payment"}
    _put(rows, event, entry, status="owed" if owed else "reversed", reversed_at=entry.time, reason=event.reason)


@on("billing", "ReturnReceived", i.ReturnReceived)
def _money_returned(rows: Rows, event: i.ReturnReceived, entry: Entry) -> None:
    _change(rows, entry, status="returned")


def _put(rows: Rows, event: i.OfAct, entry: Entry, **values: Any) -> None:
    known = event.model_dump(include={"act_id", "agreement_id", "provider_id", "body_id", "year", "amount_kopecks"})
    rows.put(invoices, {"invoice_id": entry.stream_id}, **known, **values)


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(invoices, {"invoice_id": entry.stream_id}, **values)


def _act(event: i.InvoiceRegistered | i.InvoiceRefused) -> dict[str, Any]:
    known = event.model_dump(include={"number", "provider_kind", "month"})
    return {**known, "confirmed_at": to_text(event.confirmed_at)}

"""Acts as lists show them, and the journal of delivery that they add up to."""

from __future__ import annotations

from typing import Any

from kernel.instants import from_text
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.providers.domain.act_terms import (
    ActConfirmed,
    ActDrafted,
    ActDropped,
    ActReturned,
    ActReversed,
    ActSubmitted,
    ReversalAsked,
    ReversalDeclined,
)
from services.providers.tables import act_card, delivery

acts = Projection("acts", (act_card, delivery))


@acts.on("providers", "ActDrafted", ActDrafted)
def _drafted(rows: Rows, event: ActDrafted, entry: Entry) -> None:
    rows.put(
        act_card,
        {"act_id": entry.stream_id},
        **event.model_dump(mode="json"),
        status="draft",
        living=True,
        drafted_at=from_text(entry.time),
    )


@acts.on("providers", "ActSubmitted", ActSubmitted)
def _submitted(rows: Rows, event: ActSubmitted, entry: Entry) -> None:
    _change(rows, entry, status="submitted", submitted_at=from_text(entry.time), reason=None)


@acts.on("providers", "ActReturned", ActReturned)
def _returned(rows: Rows, event: ActReturned, entry: Entry) -> None:
    _change(rows, entry, status="returned", reason=event.reason)


@acts.on("providers", "ActDropped", ActDropped)
def _dropped(rows: Rows, event: ActDropped, entry: Entry) -> None:
    _change(rows, entry, status="dropped", living=False)


@acts.on("providers", "ActConfirmed", ActConfirmed)
def _confirmed(rows: Rows, event: ActConfirmed, entry: Entry) -> None:
    _change(rows, entry, status="confirmed", confirmed_at=from_text(entry.time))
    _deliver(rows, event, event.quantity, event.amount_kopecks)


@acts.on("providers", "ReversalAsked", ReversalAsked)
def _reversal_asked(rows: Rows, event: ReversalAsked, entry: Entry) -> None:
    _change(rows, entry, status="reversal_asked", reversal_side=event.side, reason=event.reason)


@acts.on("providers", "ReversalDeclined", ReversalDeclined)
def _reversal_declined(rows: Rows, event: ReversalDeclined, entry: Entry) -> None:
    _change(rows, entry, status="confirmed", reversal_side=None, reason=event.reason)


@acts.on("providers", "ActReversed", ActReversed)
def _reversed(rows: Rows, event: ActReversed, entry: Entry) -> None:
    _change(rows, entry, status="reversed", living=False, reversed_at=from_text(entry.time), reason=event.reason)
    _deliver(rows, event, -event.quantity, -event.amount_kopecks)


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(act_card, {"act_id": entry.stream_id}, **values)


def _deliver(rows: Rows, event: ActConfirmed | ActReversed, quantity: int, amount_kopecks: int) -> None:
    key = {
        "provider_id": event.provider_id,
        "month": event.month,
        "agreement_id": event.agreement_id,
        "service_code": event.service_code,
    }
    rows.add(delivery, key, quantity=quantity, amount_kopecks=amount_kopecks)

"""Agreements as lists and pages show them. What they take of their lots is counted at the lots (social_orders.py)."""

from __future__ import annotations

from typing import Any

from kernel.instants import to_text
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.orders.domain.agreement import events as e
from services.orders.tables.agreement import agreements

agreements_projection = Projection("agreements", (agreements,))
on = agreements_projection.on


@on("orders", "AgreementDrafted", e.AgreementDrafted)
def _drafted(rows: Rows, event: e.AgreementDrafted, entry: Entry) -> None:
    rows.insert(
        agreements,
        agreement_id=entry.stream_id,
        status="draft",
        drafted_at=entry.time,
        changed_at=entry.time,
        **event.model_dump(exclude={"bid_id"}),
    )


@on("orders", "ReservationRequested", e.ReservationRequested)
def _requested(rows: Rows, event: e.ReservationRequested, entry: Entry) -> None:
    _change(rows, entry, status="reserving", waiting_for="budget", deadline=to_text(event.deadline), reason=None)


@on("orders", "PlacesRequested", e.PlacesRequested)
def _places_requested(rows: Rows, event: e.PlacesRequested, entry: Entry) -> None:
    _change(rows, entry, waiting_for="places")


@on("orders", "AgreementSent", e.AgreementSent)
def _sent(rows: Rows, event: e.AgreementSent, entry: Entry) -> None:
    sign_by = to_text(event.sign_by) if event.sign_by else None
    signing = {"sign_by": sign_by, "sign_explained": event.explained}
    _change(rows, entry, status="sent", waiting_for="", deadline=None, **signing)


@on("orders", "ReservationFailed", e.ReservationFailed)
def _failed(rows: Rows, event: e.ReservationFailed, entry: Entry) -> None:
    _change(rows, entry, status="draft", waiting_for="", deadline=None, reason=event.reason)


@on("orders", "ReservationTimedOut", e.ReservationTimedOut)
def _timed_out(rows: Rows, event: e.ReservationTimedOut, entry: Entry) -> None:
    _change(rows, entry, status="draft", waiting_for="", deadline=None, reason=f"timed_out:{event.step}")


@on("orders", "AgreementSignedByProvider", e.AgreementSignedByProvider)
def _signed(rows: Rows, event: e.AgreementSignedByProvider, entry: Entry) -> None:
    _change(rows, entry, status="signed_by_provider")


@on("orders", "AgreementActivated", e.AgreementActivated)
def _activated(rows: Rows, event: e.AgreementActivated, entry: Entry) -> None:
    _change(rows, entry, status="active", activated_at=entry.time)


@on("orders", "AgreementSuspended", e.AgreementSuspended)
def _suspended(rows: Rows, event: e.AgreementSuspended, entry: Entry) -> None:
    _change(rows, entry, status="suspended", reason=event.reason)


@on("orders", "AgreementResumed", e.AgreementResumed)
def _resumed(rows: Rows, event: e.AgreementResumed, entry: Entry) -> None:
    _change(rows, entry, status="active", reason=None)


@on("orders", "AgreementCompleted", e.AgreementCompleted)
def _completed(rows: Rows, event: e.AgreementCompleted, entry: Entry) -> None:
    _change(rows, entry, status="completed")


@on("orders", "AgreementTerminated", e.AgreementTerminated)
def _terminated(rows: Rows, event: e.AgreementTerminated, entry: Entry) -> None:
    _change(rows, entry, status="terminated", reason=event.reason)


@on("orders", "AgreementVoided", e.AgreementVoided)
def _voided(rows: Rows, event: e.AgreementVoided, entry: Entry) -> None:
    _change(rows, entry, status="void", waiting_for="", deadline=None, reason=event.reason)


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(agreements, {"agreement_id": entry.stream_id}, changed_at=entry.time, **values)

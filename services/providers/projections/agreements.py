"""orders' agreements in force, each with the quantity that acts have claimed of its volume.

A row is filled by two services: its columns from orders depend on the agreement's stream alone, the sums from acts only
add up, so the order in which the two arrive changes nothing.
"""

from __future__ import annotations

from kernel.instants import from_text
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.providers.domain.act_terms import ActConfirmed, ActReturned, ActReversed, ActSubmitted
from services.providers.foreign import AgreementActivated, Plain
from services.providers.tables import known_agreement

agreements = Projection("known_agreements", (known_agreement,))


@agreements.on("orders", "AgreementActivated", AgreementActivated)
def _activated(rows: Rows, event: AgreementActivated, entry: Entry) -> None:
    rows.put(known_agreement, {"agreement_id": entry.stream_id}, **event.model_dump(exclude={"agreement_id"}))


@agreements.on("orders", "AgreementSuspended", Plain)
def _suspended(rows: Rows, event: Plain, entry: Entry) -> None:
    rows.put(known_agreement, {"agreement_id": entry.stream_id}, stopped_at=from_text(entry.time))


@agreements.on("orders", "AgreementResumed", Plain)
def _resumed(rows: Rows, event: Plain, entry: Entry) -> None:
    rows.put(known_agreement, {"agreement_id": entry.stream_id}, stopped_at=None)


@agreements.on("orders", "AgreementCompleted", Plain)
def _completed(rows: Rows, event: Plain, entry: Entry) -> None:
    """Its last months may still be acted: `stopped_at` stays empty, the term is the limit."""
    rows.put(known_agreement, {"agreement_id": entry.stream_id}, over="ended")


@agreements.on("orders", "AgreementTerminated", Plain)
def _terminated(rows: Rows, event: Plain, entry: Entry) -> None:
    rows.put(known_agreement, {"agreement_id": entry.stream_id}, over="ended", stopped_at=from_text(entry.time))


@agreements.on("orders", "AgreementVoided", Plain)
def _voided(rows: Rows, event: Plain, entry: Entry) -> None:
    """Kept also for an agreement that nothing is known of, so that a request for places that comes later is refused."""
    rows.put(known_agreement, {"agreement_id": entry.stream_id}, over="voided")


@agreements.on("providers", "ActSubmitted", ActSubmitted)
def _claimed(rows: Rows, event: ActSubmitted, entry: Entry) -> None:
    rows.add(known_agreement, {"agreement_id": event.agreement_id}, claimed=event.quantity)


@agreements.on("providers", "ActReturned", ActReturned)
def _unclaimed(rows: Rows, event: ActReturned, entry: Entry) -> None:
    rows.add(known_agreement, {"agreement_id": event.agreement_id}, claimed=-event.quantity)


@agreements.on("providers", "ActConfirmed", ActConfirmed)
def _confirmed(rows: Rows, event: ActConfirmed, entry: Entry) -> None:
    rows.add(known_agreement, {"agreement_id": event.agreement_id}, confirmed=event.quantity)


@agreements.on("providers", "ActReversed", ActReversed)
def _reversed(rows: Rows, event: ActReversed, entry: Entry) -> None:
    key = {"agreement_id": event.agreement_id}
    rows.add(known_agreement, key, claimed=-event.quantity, confirmed=-event.quantity)

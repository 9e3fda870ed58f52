"""What this service does when others say something: workspaces follow the register, places follow agreements.

Whether a request can be met is a business answer and therefore an event of the workspace, never an error here.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.projection import Entry
from kernel.service import Reactions
from services.providers.domain.workspace import (
    CloseWorkspace,
    GiveBackPlaces,
    OpenWorkspace,
    ReservePlaces,
    SuspendWorkspace,
)
from services.providers.foreign import PlacesRequested, Plain, WithReason

reactions = Reactions()


@reactions.on("registry", "ProviderIncluded", Plain)
def _included(connection: Connection, event: Plain, entry: Entry) -> Iterable[Command]:
    yield OpenWorkspace(id=entry.stream_id)


@reactions.on("registry", "ProviderRestored", Plain)
def _restored(connection: Connection, event: Plain, entry: Entry) -> Iterable[Command]:
    yield OpenWorkspace(id=entry.stream_id)


@reactions.on("registry", "ProviderSuspended", WithReason)
def _suspended(connection: Connection, event: WithReason, entry: Entry) -> Iterable[Command]:
    yield SuspendWorkspace(id=entry.stream_id, reason=event.reason)


@reactions.on("registry", "ProviderExcluded", WithReason)
def _excluded(connection: Connection, event: WithReason, entry: Entry) -> Iterable[Command]:
    yield CloseWorkspace(id=entry.stream_id, reason=event.reason)


@reactions.on("registry", "ProviderWithdrawn", Plain)
def _withdrew(connection: Connection, event: Plain, entry: Entry) -> Iterable[Command]:
    yield CloseWorkspace(id=entry.stream_id, reason="withdrawn")


@reactions.on("orders", "PlacesRequested", PlacesRequested)
def _requested(connection: Connection, event: PlacesRequested, entry: Entry) -> Iterable[Command]:
    yield ReservePlaces.model_validate(
        {
            "id": event.provider_id,
            "agreement_id": event.agreement_id,
            "form": event.form,
            "places": event.places,
            "attempt": event.attempt,
        }
    )


@reactions.on("orders", "AgreementVoided", Plain)
def _voided(connection: Connection, event: Plain, entry: Entry) -> Iterable[Command]:
    return _give_back(connection, entry.stream_id, "voided")


@reactions.on("orders", "AgreementTerminated", Plain)
def _terminated(connection: Connection, event: Plain, entry: Entry) -> Iterable[Command]:
    return _give_back(connection, entry.stream_id, "terminated")


@reactions.on("orders", "AgreementCompleted", Plain)
def _completed(connection: Connection, event: Plain, entry: Entry) -> Iterable[Command]:
    return _give_back(connection, entry.stream_id, "completed")


def _give_back(connection: Connection, agreement_id: str, reason: str) -> Iterable[Command]:
    """Where nothing is held there is nothing to do: that the agreement is over is in `known_agreement` by now, and a
    request that comes after its end is refused by it (facts.agreement_over)."""
    holder = connection.exec_driver_sql(
        "SELECT provider_id FROM reservation WHERE agreement_id = %s AND status = 'held'", (agreement_id,)
    ).scalar_one_or_none()
    if holder is not None:
        yield GiveBackPlaces(id=str(holder), agreement_id=agreement_id, reason=reason)

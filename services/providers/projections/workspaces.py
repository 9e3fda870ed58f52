"""Workspaces, their places and the agreements that hold them. A provider's rows come from its one stream."""

from __future__ import annotations

from kernel.instants import from_text
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.providers.domain.workspace import (
    PlacesGivenBack,
    PlacesRefused,
    PlacesReserved,
    PlacesSet,
    WorkspaceClosed,
    WorkspaceOpened,
    WorkspaceSuspended,
)
from services.providers.tables import places, reservation, workspace_card

workspaces = Projection("workspaces", (workspace_card, places, reservation))


@workspaces.on("providers", "WorkspaceOpened", WorkspaceOpened)
def _opened(rows: Rows, event: WorkspaceOpened, entry: Entry) -> None:
    rows.put(workspace_card, {"provider_id": entry.stream_id}, status="active", reason="")


@workspaces.on("providers", "WorkspaceSuspended", WorkspaceSuspended)
def _suspended(rows: Rows, event: WorkspaceSuspended, entry: Entry) -> None:
    rows.put(workspace_card, {"provider_id": entry.stream_id}, status="suspended", reason=event.reason)


@workspaces.on("providers", "WorkspaceClosed", WorkspaceClosed)
def _closed(rows: Rows, event: WorkspaceClosed, entry: Entry) -> None:
    rows.put(workspace_card, {"provider_id": entry.stream_id}, status="closed", reason=event.reason)


@workspaces.on("providers", "PlacesSet", PlacesSet)
def _set(rows: Rows, event: PlacesSet, entry: Entry) -> None:
    rows.put(
        places,
        {"provider_id": entry.stream_id, "form": event.form},
        maximum=event.maximum,
        funded=event.funded,
        reserved=event.reserved,
        free=event.free,
    )


@workspaces.on("providers", "PlacesReserved", PlacesReserved)
def _reserved(rows: Rows, event: PlacesReserved, entry: Entry) -> None:
    key = {"provider_id": entry.stream_id, "form": event.form}
    rows.change(places, key, reserved=event.reserved, free=event.free)
    _remember(rows, event, entry, "held", "")


@workspaces.on("providers", "PlacesGivenBack", PlacesGivenBack)
def _given_back(rows: Rows, event: PlacesGivenBack, entry: Entry) -> None:
    key = {"provider_id": entry.stream_id, "form": event.form}
    rows.change(places, key, reserved=event.reserved, free=event.free)
    _remember(rows, event, entry, "given_back", event.reason)


@workspaces.on("providers", "PlacesRefused", PlacesRefused)
def _refused(rows: Rows, event: PlacesRefused, entry: Entry) -> None:
    if event.reason != "differs":  # then the agreement goes on holding what it held
        _remember(rows, event, entry, "refused", event.reason)


def _remember(
    rows: Rows, event: PlacesReserved | PlacesGivenBack | PlacesRefused, entry: Entry, status: str, reason: str
) -> None:
    rows.put(
        reservation,
        {"agreement_id": event.agreement_id},
        provider_id=entry.stream_id,
        form=event.form,
        places=event.places,
        status=status,
        reason=reason,
        at=from_text(entry.time),
    )

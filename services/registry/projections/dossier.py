"""What a card says besides its fields: licences, inspections, documents, staff, experience, flags."""

from __future__ import annotations

from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.registry.domain.register_entry.dossier import (
    DocumentAttached,
    ExperienceStated,
    FlagsSet,
    InspectionRecorded,
    StaffStated,
)
from services.registry.domain.register_entry.licences import (
    LicenceExpired,
    LicenceExpiring,
    LicenceRecorded,
    LicenceRemoved,
)
from services.registry.tables.dossier import attached, dossier, inspection, licence

dossiers = Projection("dossiers", (licence, inspection, attached, dossier))


@dossiers.on("registry", "LicenceRecorded", LicenceRecorded)
def _recorded(rows: Rows, event: LicenceRecorded, entry: Entry) -> None:
    said = {name: value for name, value in entry.data.items() if name != "licence_id"}
    rows.put(licence, {"licence_id": event.licence_id}, provider_id=entry.stream_id, said="", **said)


@dossiers.on("registry", "LicenceExpiring", LicenceExpiring)
def _expiring(rows: Rows, event: LicenceExpiring, entry: Entry) -> None:
    rows.change(licence, {"licence_id": event.licence_id}, said="expiring")


@dossiers.on("registry", "LicenceExpired", LicenceExpired)
def _expired(rows: Rows, event: LicenceExpired, entry: Entry) -> None:
    rows.change(licence, {"licence_id": event.licence_id}, said="expired")


@dossiers.on("registry", "LicenceRemoved", LicenceRemoved)
def _removed(rows: Rows, event: LicenceRemoved, entry: Entry) -> None:
    rows.delete(licence, {"licence_id": event.licence_id})


@dossiers.on("registry", "InspectionRecorded", InspectionRecorded)
def _inspected(rows: Rows, event: InspectionRecorded, entry: Entry) -> None:
    rows.insert(inspection, provider_id=entry.stream_id, **entry.data)


@dossiers.on("registry", "DocumentAttached", DocumentAttached)
def _attached(rows: Rows, event: DocumentAttached, entry: Entry) -> None:
    rows.insert(attached, provider_id=entry.stream_id, attached_at=entry.time, **entry.data)


@dossiers.on("registry", "StaffStated", StaffStated)
def _staff(rows: Rows, event: StaffStated, entry: Entry) -> None:
    rows.put(
        dossier, {"provider_id": entry.stream_id},
        staff=event.staff, volunteers=event.volunteers, staff_as_of=entry.data["as_of"],
    )  # fmt: skip


@dossiers.on("registry", "ExperienceStated", ExperienceStated)
def _experience(rows: Rows, event: ExperienceStated, entry: Entry) -> None:
    rows.put(dossier, {"provider_id": entry.stream_id}, experience=entry.data["years"])


@dossiers.on("registry", "FlagsSet", FlagsSet)
def _flags(rows: Rows, event: FlagsSet, entry: Entry) -> None:
    rows.put(dossier, {"provider_id": entry.stream_id}, flags=list(event.flags))

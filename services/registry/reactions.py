"""The register's own events that move its imports and its catalogue on."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.projection import Entry, Seen
from kernel.service import Reactions
from services.registry.domain.catalogue.listed_service import ListProposedService
from services.registry.domain.catalogue.proposal import ProposalApproved
from services.registry.domain.catalogue.values import Norm
from services.registry.domain.imports import MarkImportRowCompleted

reactions = Reactions()


class Applied(Seen):
    import_row: str = ""


@reactions.on("registry", "ProviderApplied", Applied)
def row_completed(connection: Connection, event: Applied, entry: Entry) -> Iterable[Command]:
    """The application that a row became marks the row."""
    if event.import_row:
        yield MarkImportRowCompleted(id=event.import_row, provider_id=entry.stream_id)


@reactions.on("registry", "ProposalApproved", ProposalApproved)
def list_proposed(connection: Connection, event: ProposalApproved, entry: Entry) -> Iterable[Command]:
    """An approved proposal becomes a service of the catalogue, with its first standard and cost."""
    yield ListProposedService(
        code=event.code,
        kind=event.kind,
        form=event.form,
        unit=event.unit,
        name=event.name,
        units_per_place=event.units_per_place,
        standard=event.standard,
        norm=Norm(cost_kopecks=event.cost_kopecks, basis=event.basis),
        valid_from=event.valid_from,
        proposal_id=entry.stream_id,
    )

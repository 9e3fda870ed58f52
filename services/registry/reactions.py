"""The register's own events that move its imports on."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.projection import Entry, Seen
from kernel.service import Reactions
from services.registry.domain.imports import MarkImportRowCompleted

reactions = Reactions()


class Applied(Seen):
    import_row: str = ""


@reactions.on("registry", "ProviderApplied", Applied)
def row_completed(connection: Connection, event: Applied, entry: Entry) -> Iterable[Command]:
    """The application that a row became marks the row."""
    if event.import_row:
        yield MarkImportRowCompleted(id=event.import_row, provider_id=entry.stream_id)

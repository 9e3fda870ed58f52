"""Imports as their report shows them: the file, and each row with what became of it."""

from __future__ import annotations

from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.registry.domain.imports import ImportRowCompleted, ImportRowDropped, ImportRowTaken, ImportStarted
from services.registry.domain.names import telling_words
from services.registry.tables.register import batch, draft

imports = Projection("imports", (batch, draft))


@imports.on("registry", "ImportStarted", ImportStarted)
def _started(rows: Rows, event: ImportStarted, entry: Entry) -> None:
    rows.insert(batch, id=entry.stream_id, **entry.data, started_at=entry.time, started_by=entry.actor)


@imports.on("registry", "ImportRowTaken", ImportRowTaken)
def _taken(rows: Rows, event: ImportRowTaken, entry: Entry) -> None:
    rows.insert(
        draft,
        id=entry.stream_id,
        **entry.data,
        status="draft",
        name=event.taken.full_name,
        city=event.taken.city,
        inn=event.taken.inn,
        words=sorted(telling_words(event.taken.full_name)),
    )


@imports.on("registry", "ImportRowCompleted", ImportRowCompleted)
def _completed(rows: Rows, event: ImportRowCompleted, entry: Entry) -> None:
    rows.change(draft, {"id": entry.stream_id}, status="completed", provider_id=event.provider_id)


@imports.on("registry", "ImportRowDropped", ImportRowDropped)
def _dropped(rows: Rows, event: ImportRowDropped, entry: Entry) -> None:
    rows.change(draft, {"id": entry.stream_id}, status="dropped", dropped_because=event.reason)

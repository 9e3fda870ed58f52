"""Projections (decision D4): from events to read tables, written once, run live, rebuilt, and replayed offline.

    places = Projection("places", tables=(places_table,))

    @places.on("providers", "PlacesReserved", PlacesReserved)
    def _(rows: Rows, event: PlacesReserved, entry: Entry) -> None: ...

The model of an event of another service is this service's own and tolerant (`extra="ignore"`); of its own events it
is the event class. A row depends on one stream, or its updates commute, so that the order in which different streams
arrive changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Table

from kernel.rows import Rows


class Seen(BaseModel):
    """Base of a consumer's own model of a foreign event: unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class Entry:
    """What surrounds an event's data."""

    source: str
    event_id: str
    subject: str
    type: str
    time: str
    actor: str
    version: int
    correlation_id: str
    received_at: str
    ground: str
    data: dict[str, Any]
    causation_id: str = ""

    @property
    def name(self) -> str:
        """The event's short name, without service and version."""
        return self.type.split(".")[2]

    @property
    def stream_id(self) -> str:
        return self.subject.split("/", 1)[1]


Project = Callable[[Rows, Any, Entry], None]


class Projection:
    """A set of read tables and the functions that fill them."""

    def __init__(self, name: str, tables: tuple[Table, ...]) -> None:
        self.name = name
        self.tables = tables
        self.handlers: dict[tuple[str, str], tuple[type[BaseModel], Project]] = {}

    def on(self, source: str, event: str, model: type[BaseModel]) -> Callable[[Project], Project]:
        """Declare what an event (its short name) of `source` does to the tables."""

        def declare(function: Project) -> Project:
            if (source, event) in self.handlers:
                raise ValueError(f"projection {self.name} handles {source}.{event} twice")
            self.handlers[source, event] = (model, function)
            return function

        return declare

    def apply(self, rows: Rows, entry: Entry) -> None:
        handler = self.handlers.get((entry.source, entry.name))
        if handler:
            model, function = handler
            function(rows, model.model_validate(entry.data), entry)

"""What a mapping function works with: the event, what earlier events have left in the book, and the region's words.

The book is the whole memory of the mapping: values of JSON by kind and id. A mapping function reads and writes nothing
else, so releases are a pure function of the entries in the tree's order, wherever the book is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from kernel.projection import Entry
from services.opendata.rules import Rules

Json = dict[str, Any]


class Book(Protocol):
    """Values by kind and id. What `get` gave is changed by `put` alone."""

    def get(self, kind: str, id: str) -> Json | None: ...

    def put(self, kind: str, id: str, value: Json) -> None: ...


class BookInMemory:
    """A book for who folds a whole log at once: an auditor, a test."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], Json] = {}

    def get(self, kind: str, id: str) -> Json | None:
        return self.values.get((kind, id))

    def put(self, kind: str, id: str, value: Json) -> None:
        self.values[kind, id] = value


@dataclass(frozen=True)
class Change:
    """What an event says about one contracting process: a part of a release."""

    ocid: str
    tag: str
    body: Json


class NotYet(Exception):
    """An event speaks of what no event has told yet: logs of different services are read side by side.

    It waits until `put` tells of it, and is folded then.
    """

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"{kind} {id}")
        self.kind, self.id = kind, id


@dataclass(frozen=True)
class At:
    """One event on the desk. `sealed_at`: when its entry was sealed; `data`: the event's own."""

    entry: Entry
    sealed_at: str
    book: Book
    rules: Rules

    @property
    def data(self) -> Json:
        return self.entry.data

    @property
    def time(self) -> str:
        return self.entry.time

    def known(self, kind: str, id: str) -> Json:
        """What the book holds. Raises NotYet."""
        found = self.book.get(kind, id)
        if found is None:
            raise NotYet(kind, id)
        return found

    def note(self, kind: str, id: str, /, **fields: Any) -> Json:
        """Write fields into the book, over those that are there."""
        value = {**(self.book.get(kind, id) or {}), **fields}
        self.book.put(kind, id, value)
        return value


Map = Callable[[At], Iterable[Change]]
MAPPING: dict[tuple[str, str], Map] = {}
"""(service, event) → its mapping function. Every one of these events is public from the moment it is logged."""


def on(source: str, *events: str) -> Callable[[Map], Map]:
    """Declare the mapping function of events, by their short names."""

    def declare(function: Map) -> Map:
        for event in events:
            if (source, event) in MAPPING:
                raise ValueError(f"{source}.{event} is mapped already")
            MAPPING[source, event] = function
        return function

    return declare

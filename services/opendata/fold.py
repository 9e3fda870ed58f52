"""From entries in the tree's order to releases: numbered by their events, dated, in order.

A pure function of (entries, version of the mapping, region): the live service, a rebuild and an auditor get the same
bytes. Two releases of one process never have the same date: who sorts them by date, as the standard's merging does,
gets the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from kernel.instants import from_text, to_text
from kernel.projection import Entry
from services.opendata.mapping import MAPPING, VERSION
from services.opendata.mapping.book import At, Book, Change, Json, Map, NotYet
from services.opendata.rules import Rules

TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Release:
    """One release; `body` is the whole of it as the standard has it."""

    ocid: str
    id: str
    date: str
    body: Json


class Noticing:
    """A book that remembers what was first written on this event."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.new: list[tuple[str, str]] = []

    def get(self, kind: str, id: str) -> Json | None:
        return self._book.get(kind, id)

    def put(self, kind: str, id: str, value: Json) -> None:
        if self._book.get(kind, id) is None:
            self.new.append((kind, id))
        self._book.put(kind, id, value)


class Fold:
    """Folds entries over a book."""

    def __init__(
        self,
        book: Book,
        rules: Rules,
        version: int = VERSION,
        mapping: Mapping[tuple[str, str], Map] = MAPPING,
    ) -> None:
        self._book = book
        self._rules = rules
        self._version = version
        self._mapping = mapping

    def take(self, entry: Entry, sealed_at: str) -> Iterator[Release]:
        """The releases that come of an entry which everybody may read; and of those that had waited for it."""
        function = self._mapping.get((entry.source, entry.name))
        if function is None:
            return
        book = Noticing(self._book)
        try:
            changes = list(function(At(entry, sealed_at, book, self._rules)))
        except NotYet as missing:
            self._wait(missing, entry)
            return
        for change in changes:
            yield self._release(change, entry, sealed_at)
        for kind, id in book.new:
            for waiting in self._waited(kind, id):
                yield from self.take(waiting, sealed_at)

    def _wait(self, missing: NotYet, entry: Entry) -> None:
        key = f"{missing.kind}/{missing.id}"
        before = self._book.get("waiting", key) or {"entries": []}
        self._book.put("waiting", key, {"entries": [*before["entries"], asdict(entry)]})

    def _waited(self, kind: str, id: str) -> Iterable[Entry]:
        found = self._book.get("waiting", f"{kind}/{id}")
        if not found or not found["entries"]:
            return ()
        self._book.put("waiting", f"{kind}/{id}", {"entries": []})
        return [Entry(**entry) for entry in found["entries"]]

    def _release(self, change: Change, entry: Entry, sealed_at: str) -> Release:
        process = self._book.get("process", change.ocid) or {"date": "", "release": ""}
        id = f"{entry.event_id}-{self._version}"
        date = sealed_at
        if date <= process["date"]:
            date = to_text(from_text(process["date"]) + TICK)
        self._book.put("process", change.ocid, {"date": date, "release": id})
        body: Json = {
            "ocid": change.ocid,
            "id": id,
            "date": date,
            "tag": [change.tag],
            "initiationType": "tender",
            "language": "ru",
            **change.body,
        }
        for amendment in _amendments(body):
            amendment |= {"amendsReleaseID": process["release"], "releaseID": id}
        return Release(change.ocid, id, date, body)


def _amendments(body: Mapping[str, Any]) -> Iterator[Json]:
    """The amendments that a release tells of."""
    for part in (body.get("tender", {}), *body.get("contracts", ())):
        yield from part.get("amendments", ())

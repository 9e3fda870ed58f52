"""Folding logs back into states and read tables, with no database (DESIGN D1, D4, §7).

States are folded with `evolve` alone. What an event says was computed is computed again by the same pure function
from the event's own inputs, and a difference is named. Read tables are filled by the services' own projections.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from kernel.aggregate import Event
from kernel.chain import event_bytes
from kernel.instants import to_text
from kernel.projection import Entry, Project
from kernel.rows import MemoryRows
from kernel.service import Service
from kernel.store import entry_of

Numbered = tuple[int, bytes]
_ALREADY_PLAIN = frozenset({str, int, bool, type(None)})


@dataclass(frozen=True)
class Difference:
    """Something that isn't as the log says: where, and what was found instead."""

    table: str
    key: str
    field: str
    replayed: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.field} is {self.found!r}, the log says {self.replayed!r}"


class ReplayError(Exception):
    """An entry that can't be folded: source, sequence, why."""

    def __init__(self, source: str, sequence: int, why: str) -> None:
        super().__init__(f"{source} entry {sequence}: {why}")
        self.source = source
        self.sequence = sequence


@dataclass(frozen=True)
class _Handler:
    consumer: str
    own: bool
    model: type[BaseModel]
    project: Project


@dataclass(frozen=True)
class _OwnEvent:
    """All that folding an event of one type needs, found once."""

    validate: Callable[[Any], Event]
    states: dict[str, tuple[int, Any]]
    initial: Any
    evolve: Callable[[Any, Event], Any]
    recompute: Callable[[Any, Any], Mapping[str, Any]] | None
    watched_as: tuple[str, str]
    handlers: list[_Handler]


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """Folding makes millions of long-lived objects and no cycles: searching for some again and again is half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Fold:
    """States and read tables as far as they have been folded.

    `limits` {(consumer, source): sequence} keeps foreign projections back to where the live subscription stands;
    `parked` {(consumer, source, sequence)} names entries that it hasn't handled. `watchers` {(family, event name):
    function(stream id, event)} see events as they pass, `witnesses` see every event's envelope and data.
    """

    def __init__(
        self,
        services: Iterable[Service],
        limits: Mapping[tuple[str, str], int] | None = None,
        parked: frozenset[tuple[str, str, int]] = frozenset(),
        tables: bool = True,
    ) -> None:
        self.services = {s.name: s for s in services}
        self.states: dict[tuple[str, str], dict[str, tuple[int, Any]]] = {
            (s.name, a.name): {} for s in self.services.values() for a in s.aggregates
        }
        self.rows = MemoryRows()
        self.differences: list[Difference] = []
        self.counts: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.watchers: dict[tuple[str, str], Callable[[str, Any], None]] = {}
        self.witnesses: list[Callable[[Mapping[str, Any]], None]] = []
        self._limits = limits
        self._parked = parked
        self._own: dict[tuple[str, str], _OwnEvent] = {}
        for service in self.services.values():
            self._learn(service)
        for service in self.services.values() if tables else ():
            self._learn_handlers(service)

    def _learn(self, service: Service) -> None:
        for name, (aggregate, type_) in service.events.items():
            self._own[service.name, name] = _OwnEvent(
                validate=type_.__pydantic_validator__.validate_python,
                states=self.states[service.name, aggregate.name],
                initial=aggregate.initial,
                evolve=aggregate.evolve,
                recompute=aggregate.recomputed.get(name),
                watched_as=(service.family, name),
                handlers=[],
            )

    def _learn_handlers(self, service: Service) -> None:
        for projection in service.projections:
            for (source, name), (model, project) in projection.handlers.items():
                own = self._own.get((source, name))
                if own is not None:
                    own.handlers.append(_Handler(service.name, source == service.name, model, project))

    def feed(self, source: str, sequence: int, entry: bytes) -> None:
        """Fold one sealed entry."""
        self.last[source] = sequence
        self._event(source, sequence, orjson.loads(event_bytes(entry)))

    def feed_unsealed(self, source: str, event: bytes) -> None:
        """Fold an event that is committed and waits for its sealer: foreign tables haven't seen it."""
        self._event(source, 0, orjson.loads(event))

    def _event(self, source: str, sequence: int, event: dict[str, Any]) -> None:
        own = self._own.get((source, event["type"].split(".")[2]))
        if own is None:
            if source in self.services:
                raise ReplayError(source, sequence, f"the event {event['type']} is not known to this release")
            return
        self.counts[source] = self.counts.get(source, 0) + 1
        try:
            typed = own.validate(event["data"])
        except ValidationError as problem:
            raise ReplayError(source, sequence, f"{event['type']} doesn't fit its contract: {problem}") from problem
        stream = event["subject"].partition("/")[2]
        version, state = own.states.get(stream) or (0, own.initial)
        if event["streamversion"] != version + 1:
            raise ReplayError(
                source, sequence, f"{event['subject']} goes from version {version} to {event['streamversion']}"
            )
        if own.recompute is not None:
            self._compare_computed(event, typed, own.recompute(state, typed))
        own.states[stream] = (version + 1, own.evolve(state, typed))
        for witness in self.witnesses:
            witness(event)
        if own.watched_as in self.watchers:
            self.watchers[own.watched_as](stream, typed)
        if own.handlers:
            self._project(own.handlers, source, sequence, event, typed)

    def _compare_computed(self, event: dict[str, Any], typed: Event, computed: Mapping[str, Any]) -> None:
        for field, value in computed.items():
            said = getattr(typed, field)
            if type(value) is type(said) and value == said and type(value) in _ALREADY_PLAIN:
                continue  # the most by far
            said = plain(said)
            if plain(value) != said:
                self.differences.append(Difference(event["type"], event["subject"], field, plain(value), said))

    def _project(
        self, handlers: list[_Handler], source: str, sequence: int, event: dict[str, Any], typed: Event
    ) -> None:
        entry: Entry | None = None
        for handler in handlers:
            if not handler.own and not self._has_seen(handler.consumer, source, sequence):
                continue
            entry = entry or entry_of(source, event)
            seen = typed if handler.model is type(typed) else handler.model.model_validate(event["data"])
            handler.project(self.rows, seen, entry)

    def _has_seen(self, consumer: str, source: str, sequence: int) -> bool:
        if sequence == 0:
            return False
        if self._limits is None:
            return True
        return sequence <= self._limits.get((consumer, source), 0) and (consumer, source, sequence) not in self._parked


def plain(value: Any) -> Any:
    """A value in JSON's terms, so that both sides of a comparison are of one kind."""
    if type(value) in _ALREADY_PLAIN:
        return value
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return orjson.loads(orjson.dumps(value, default=_plain_other, option=orjson.OPT_PASSTHROUGH_DATETIME))


def _plain_other(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)

"""Traces: what a request has set going, in whichever process, as spans of one trace (ADR 16).

Where `OTEL_EXPORTER_OTLP_ENDPOINT` is set the spans are exported by OpenTelemetry (kernel/otlp.py). Where it isn't,
nothing of that library is imported; the `traceparent` is carried on all the same and log lines hold its trace.

Span names and attributes hold names of services, commands, routes and codes of refusals, and ids of events, as the log
lines do: nothing that anybody has sent.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Literal, Protocol

from kernel.logs import logger
from kernel.projection import Entry
from kernel.settings import Settings
from kernel.traceparent import Place, current, fresh, place_of_event, trace_of

STOP_S = 3.0
"""How long the last spans may take to leave when a process stops."""
Kind = Literal["server", "client", "producer", "consumer", "internal"]
log = logger("tracing")


class Recorded(Protocol):
    """One span on its way to the collector."""

    place: Place

    def set(self, attributes: Mapping[str, str | int]) -> None: ...

    def rename(self, name: str) -> None: ...

    def fail(self, why: str) -> None: ...

    def end(self) -> None: ...


class Recorder(Protocol):
    """Makes spans and exports them."""

    def start(self, name: str, kind: Kind, parent: Place | None, trace_id: str | None) -> Recorded: ...

    def event(self, name: str, place: Place, cause: Place | None) -> None: ...

    def samples(self, trace_id: str) -> bool: ...

    def close(self) -> None: ...


_recorder: Recorder | None = None
_muted: ContextVar[bool] = ContextVar("muted", default=False)


class Span:
    """A piece of work, while it is in a `with`: what it calls and logs meanwhile belongs to it.

    An exception that leaves it is told by its type alone: its text may quote what somebody has sent.
    """

    __slots__ = ("_recorded", "_token", "place")

    def __init__(self, place: Place, recorded: Recorded | None = None) -> None:
        self.place = place
        self._recorded = recorded
        self._token: Token[Place | None] | None = None

    def __enter__(self) -> Span:
        self._token = current.set(self.place)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._token is not None
        current.reset(self._token)
        if kind:
            self.fail(kind.__name__)
        if self._recorded:
            self._recorded.end()

    def set(self, attributes: Mapping[str, str | int]) -> None:
        if self._recorded:
            self._recorded.set(attributes)

    def rename(self, name: str) -> None:
        if self._recorded:
            self._recorded.rename(name)

    def fail(self, why: str) -> None:
        """Something went wrong that shouldn't have; a refusal is no failure."""
        if self._recorded:
            self._recorded.fail(why)


def span(name: str, kind: Kind, parent: Place | None = None, correlation_id: str = "") -> Span:
    """A span below `parent`; without one, below what is being done now, else the first of the correlation id's trace."""
    parent = parent or current.get()
    if _recorder is None or _muted.get():
        return Span(parent or fresh(trace_of(correlation_id)))
    recorded = _recorder.start(name, kind, parent, trace_of(correlation_id))
    return Span(recorded.place, recorded)


@contextmanager
def muted(wanted: bool = True) -> Iterator[None]:
    """Records no spans of what is done meanwhile, if that is wanted: who asks every few seconds would drown the others."""
    token = _muted.set(wanted)
    try:
        yield
    finally:
        _muted.reset(token)


def event_made(entry: Entry) -> None:
    """Tell the trace of an event that it has come about: what handles it stands below this."""
    if _recorder is None:
        return
    place = place_of_event(entry.correlation_id, entry.event_id)
    if place:
        _recorder.event(f"{entry.source}.{entry.name}", place, current.get())


def traceparent_of_event(correlation_id: str, event_id: str) -> str:
    """The header of a message that brings an event; empty where its ids name no place."""
    place = place_of_event(correlation_id, event_id)
    if place is None:
        return ""
    return str(place._replace(sampled=_recorder is not None and _recorder.samples(place.trace_id)))


def outcome_of(answer: Any) -> str:
    """`done`, or the code of the refusal in an answer of the bus."""
    return str(answer["refused"]["code"]) if "refused" in answer else "done"


def start(process: str, settings: Settings) -> None:
    """Export this process's spans from now on, where that is configured; `process` names it unless OTEL_SERVICE_NAME does."""
    global _recorder  # noqa: PLW0603 - a process exports or it doesn't, and says so once at its start
    if not settings.otel_exporter_otlp_endpoint:
        return
    from kernel.otlp import OtlpRecorder  # it costs time and memory, which only who exports shall pay

    _recorder = OtlpRecorder(process)
    log.info("exporting traces", process=process)


def stop() -> None:
    """Send what waits, for `STOP_S` at most: a collector that is away holds up nobody's end."""
    global _recorder
    recorder, _recorder = _recorder, None
    if recorder is None:
        return
    closing = threading.Thread(target=recorder.close, name="traces", daemon=True)
    closing.start()
    closing.join(STOP_S)

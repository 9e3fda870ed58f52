"""Spans to a collector by OpenTelemetry over OTLP/HTTP. The only file that imports it, and only where it is configured.

Everything is set by OpenTelemetry's own variables: endpoint, headers, timeout, sampler, limits of the queue. A thread of
its own exports in batches from a bounded queue; when the collector is slow or away, spans are dropped and counted, and no
call waits. The thread is green where the process is: it waits for sockets as everybody there.

Whether a trace is recorded is decided from its id alone, equally in every process, and whatever a caller's header says:
anybody may write `sampled` into a header, and who handles an event hasn't seen one.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from kernel.logs import TEXT_LIMIT, logger
from kernel.metrics import SPANS
from kernel.traceparent import Place, fresh
from kernel.tracing import Kind, Recorded

TOLD_EVERY_S = 60.0
_KINDS = {kind.name.lower(): kind for kind in SpanKind}
log = logger("tracing")


class OtlpRecorder:
    """This process's spans, from here to the collector."""

    def __init__(self, process: str) -> None:
        """`process` names it to the collector, unless OTEL_SERVICE_NAME does."""
        self._ids = _GivenIds()
        named = Resource.create({"service.name": process, "service.namespace": "market"})
        provider = TracerProvider(
            resource=named.merge(OTELResourceDetector().detect()), id_generator=self._ids, shutdown_on_exit=False
        )
        provider.sampler = self._sampler = _ByTrace(provider.sampler)
        provider.add_span_processor(_Counted(_Told(OTLPSpanExporter())))
        self._provider = provider
        self._tracer = provider.get_tracer("market")

    def start(self, name: str, kind: Kind, parent: Place | None, trace_id: str | None) -> Recorded:
        """A span below `parent`, or the first of the trace `trace_id`, or of a new one."""
        with self._ids.given(trace_id if parent is None else None, None):
            span = self._tracer.start_span(name, _below(parent), _KINDS[kind])
        context = span.get_span_context()
        if not context.is_valid:  # OTEL_SDK_DISABLED
            return _Recorded(span, parent or fresh(trace_id))
        place = Place(f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags.sampled)
        return _Recorded(span, place)

    def event(self, name: str, place: Place, cause: Place | None) -> None:
        """An event came about at `place`: below its cause, or linked to it where that belongs to another trace."""
        same = cause is not None and cause.trace_id == place.trace_id
        links = () if cause is None or same else (Link(_context_of(cause)),)
        with self._ids.given(place.trace_id, place.span_id):
            self._tracer.start_span(name, _below(cause if same else None), SpanKind.PRODUCER, links=links).end()

    def samples(self, trace_id: str) -> bool:
        return self._sampler.should_sample(None, int(trace_id, 16), "").decision is Decision.RECORD_AND_SAMPLE

    def close(self) -> None:
        self._provider.shutdown()


class _Recorded:
    """One span of OpenTelemetry's."""

    def __init__(self, span: Span, place: Place) -> None:
        self._span = span
        self.place = place

    def set(self, attributes: Mapping[str, str | int]) -> None:
        self._span.set_attributes(attributes)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, why: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, why))

    def end(self) -> None:
        self._span.end()


def _context_of(place: Place) -> SpanContext:
    return SpanContext(int(place.trace_id, 16), int(place.span_id, 16), True, TraceFlags(int(place.sampled)))


def _below(parent: Place | None) -> Context:
    return set_span_in_context(NonRecordingSpan(_context_of(parent)), Context()) if parent else Context()


class _GivenIds(RandomIdGenerator):
    """Random ids, but for a span whose ids follow from what it stands for."""

    def __init__(self) -> None:
        self._given: ContextVar[tuple[str | None, str | None]] = ContextVar("ids", default=(None, None))

    def given(self, trace_id: str | None, span_id: str | None) -> _Given:
        """In a `with`: the ids of the span that is started in it; None for a random one."""
        return _Given(self._given, (trace_id, span_id))

    def is_trace_id_random(self) -> bool:
        return False

    def generate_trace_id(self) -> int:
        trace_id, _ = self._given.get()
        return int(trace_id, 16) if trace_id else super().generate_trace_id()

    def generate_span_id(self) -> int:
        _, span_id = self._given.get()
        return int(span_id, 16) if span_id else super().generate_span_id()


class _Given:
    def __init__(self, variable: ContextVar[Any], ids: tuple[str | None, str | None]) -> None:
        self._variable, self._ids = variable, ids

    def __enter__(self) -> None:
        self._token = self._variable.set(self._ids)

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._token)


class _ByTrace(Sampler):
    """Asks the configured sampler about the trace alone, under a hash of its id.

    A share is taken from an id's second half, and in UUIDs that half begins with two fixed bits: of them it would take all
    or none.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self, parent_context: Context | None, trace_id: int, name: str, *_: Any, **__: Any
    ) -> SamplingResult:
        spread = hashlib.sha256(trace_id.to_bytes(16)).digest()[:16]
        return self._sampler.should_sample(None, int.from_bytes(spread), name)

    def get_description(self) -> str:
        return f"by trace: {self._sampler.get_description()}"


class _Counted(BatchSpanProcessor):
    """Counts the spans before the queue: those that it drops when it is full are told nowhere else."""

    def on_end(self, span: ReadableSpan) -> None:
        SPANS.labels("recorded").inc()
        super().on_end(span)


class _Told(SpanExporter):
    """An exporter whose successes and failures are counted, and told in the log now and then."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._told_at = -TOLD_EVERY_S
        self._complaints = _Complaints()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        well = result is SpanExportResult.SUCCESS
        SPANS.labels("exported" if well else "lost").inc(len(spans))
        now = time.monotonic()
        if not well and now - self._told_at >= TOLD_EVERY_S:
            self._told_at = now
            error = self._complaints.told()
            log.warning("the collector doesn't take traces; they are dropped", spans=len(spans), error=error)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Complaints(logging.Handler):
    """Keeps what OpenTelemetry has complained of last: its own lines, many and in another form, go nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._last: deque[str] = deque(maxlen=2)  # the cause, and that it was given up
        library = logging.getLogger("opentelemetry")
        library.propagate = False
        library.handlers = [self]

    def emit(self, record: logging.LogRecord) -> None:
        self._last.append(record.getMessage()[:TEXT_LIMIT])

    def told(self) -> str:
        return " ".join(self._last)

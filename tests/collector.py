"""A collector of traces: an HTTP server of the test's own that takes what OpenTelemetry exports, over OTLP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True)
class Exported:
    """A span as it came."""

    process: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    attributes: dict[str, str | int]
    links: tuple[str, ...]
    failed: str | None


@dataclass
class Collector:
    address: str
    spans: list[Exported] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    paths: set[str] = field(default_factory=set)

    def named(self, name: str) -> list[Exported]:
        return [span for span in list(self.spans) if span.name == name]

    def one(self, name: str) -> Exported:
        (found,) = self.named(name)
        return found

    def trace(self, trace_id: str) -> list[Exported]:
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def variables(self) -> dict[str, str]:
        """What makes a process export here, and soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.address, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def take(self, path: str, body: bytes) -> None:
        self.raw += body
        self.paths.add(path)
        if path != "/v1/traces":
            return
        for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {pair.key: pair.value.string_value for pair in of_process.resource.attributes}
            for scope in of_process.scope_spans:
                self.spans += [_exported(named["service.name"], span) for span in scope.spans]


@contextmanager
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.take(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _exported(process: str, span: Message) -> Exported:
    values = {pair.key: pair.value for pair in span.attributes}
    return Exported(
        process=process,
        name=span.name,
        kind=Message.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes={k: v.int_value if v.HasField("int_value") else v.string_value for k, v in values.items()},
        links=tuple(f"{link.trace_id.hex()}-{link.span_id.hex()}" for link in span.links),
        failed=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
    )

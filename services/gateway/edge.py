"""The outermost layer: what holds for every request and every answer, whatever stands behind it.

Every request has a number that its answer, its problems and its log line carry; every answer has the security headers;
an error that nobody expected becomes a problem document, never a traceback. The access log names the route,
the status and the time taken, and nothing personal: no address of a client, no query, no body, no token.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from kernel import tracing
from kernel.ids import is_id, new_id
from kernel.logs import logger
from kernel.traceparent import Place, correlation_of, read
from kernel.tracing import Span
from services.gateway.metrics import REQUEST_SECONDS, REQUESTS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
OnFailure = Callable[[Request, Exception], Awaitable[Response]]

log = logger("gateway")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
#: Who watches asks these every few seconds: they are in no trace.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
#: For everything that isn't a page: nothing in it may run or be shown in a frame.
NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: Callable[..., Awaitable[None]], on_failure: OnFailure) -> None:
        self._app = app
        self._on_failure = on_failure

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked_by = _place(headers)
        numbers = _numbers(headers, asked_by)
        scope.setdefault("state", {}).update(numbers)
        with (
            tracing.muted(scope["path"] in PROBES),
            tracing.span(_method(scope), "server", asked_by, numbers["correlation_id"]) as span,
        ):
            await self._answer(scope, receive, send, numbers, span)

    async def _answer(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, numbers: dict[str, str], span: Span
    ) -> None:
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), numbers, scope.get("scheme") == "https")
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as problem:
            log.error("failed", request_id=numbers["request_id"], error=type(problem).__name__, exc_info=problem)
            if status:  # the answer is under way: all that is left is to break it off
                raise
            answer = await self._on_failure(Request(scope), problem)
            await answer(scope, receive, send_with_headers)
        finally:
            _count(scope, status, time.perf_counter() - started, numbers)
            _trace(span, scope, status)


def _place(headers: Headers) -> Place | None:
    """Where the client says that its request belongs (W3C Trace Context); said twice, it says nothing."""
    said = headers.getlist("traceparent")
    return read(said[0].strip()) if len(said) == 1 else None


def _numbers(headers: Headers, asked_by: Place | None) -> dict[str, str]:
    """The request's own number, and that of the story it belongs to: the client's, where it sent a UUID or a trace."""
    request_id = headers.get("x-request-id", "").lower()
    correlation_id = headers.get("x-correlation-id", "").lower()
    request_id = request_id if is_id(request_id) else new_id()
    if not is_id(correlation_id):
        correlation_id = correlation_of(asked_by) if asked_by else request_id
    return {"request_id": request_id, "correlation_id": correlation_id}


def _add_headers(headers: MutableHeaders, numbers: dict[str, str], tls: bool) -> None:
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    headers.setdefault("Content-Security-Policy", NO_CONTENT_POLICY)
    headers["X-Request-Id"] = numbers["request_id"]
    headers["X-Correlation-Id"] = numbers["correlation_id"]
    if tls:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"


def _count(scope: MutableMapping[str, Any], status: int, seconds: float, numbers: dict[str, str]) -> None:
    route, method = _route(scope), _method(scope)
    REQUESTS.labels(route, method, str(status)).inc()
    REQUEST_SECONDS.labels(route, method).observe(seconds)
    log.info("request", route=route, method=method, status=status, ms=round(seconds * 1000, 1), **numbers)


def _trace(span: Span, scope: MutableMapping[str, Any], status: int) -> None:
    route, method = _route(scope), _method(scope)
    span.rename(f"{method} {route}")
    if status >= 500:
        span.fail(str(status))
    span.set({"http.request.method": method, "http.route": route, "http.response.status_code": status})


def _route(scope: MutableMapping[str, Any]) -> str:
    """The address as the table of routes has it, never as it was asked."""
    return getattr(scope.get("route"), "path", "(none)")


def _method(scope: MutableMapping[str, Any]) -> str:
    return scope["method"] if scope["method"] in _METHODS else "(other)"


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

"""Addresses for operators and programs: alive, ready, metrics, the API's description and its reading page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import orjson
from anyio import to_thread
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from kernel.bus.wire import PROBE
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.refusal import Refused
from services.gateway.calls import Asker
from services.gateway.gate import Gate
from services.gateway.problems import STATUS_OF_KIND

SWAGGER = Path(__file__).parent / "swagger"
#: Swagger UI sets styles from its script and draws icons from data addresses; it runs no other script than its own.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DOCS_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Market API</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<script src="/docs/assets/swagger-ui-bundle.js" defer></script>
<script src="/docs/assets/start.js" defer></script>
</head>
<body>
<main id="docs"></main>
<noscript><p><a href="/openapi.json">/openapi.json</a></p></noscript>
</body>
</html>
"""
PROBE_S = 3.0


def add_service_pages(
    app: FastAPI,
    gate: Gate,
    description: dict[str, Any],
    services: tuple[str, ...],
    database: Callable[[], None] | None,
) -> None:
    """Add /healthz, /readyz, /metrics, /openapi.json and /docs. `database` raises when the database doesn't answer."""
    written = orjson.dumps(description)

    async def healthz(request: Request) -> Response:
        """Alive: the process answers. Nothing else is asked, or a database's pause would restart every gateway."""
        return _json({"status": "alive"}, 200)

    async def readyz(request: Request) -> Response:
        """Ready: every service answers now, and the database where it is this process's to ask. All are asked at once."""
        parts = dict.fromkeys(services, "")
        async with anyio.create_task_group() as asking:

            async def ask(name: str) -> None:
                parts[name] = await _service_state(gate, name)

            for name in services:
                asking.start_soon(ask, name)
            if database is not None:
                parts["database"] = await _database_state(database)
        ready = all(state == "ok" for state in parts.values())
        return _json({"status": "ready" if ready else "not ready", "parts": parts}, 200 if ready else 503)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(request: Request) -> Response:
        return Response(written, media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def docs(request: Request) -> Response:
        return HTMLResponse(DOCS_PAGE, headers={"Content-Security-Policy": DOCS_POLICY, "Cache-Control": "no-cache"})

    for path, page in (
        ("/healthz", healthz),
        ("/readyz", readyz),
        ("/metrics", metrics),
        ("/openapi.json", openapi),
        ("/docs", docs),
    ):
        app.add_api_route(path, page, methods=["GET", "HEAD"], include_in_schema=False, response_model=None)
    app.mount("/docs/assets", _Assets(directory=SWAGGER), name="docs_assets")


class _Assets(StaticFiles):
    """Their addresses don't change with their content, so they are kept for an hour and asked for again by ETag."""

    def file_response(self, *args: Any, **more: Any) -> Response:
        answer = super().file_response(*args, **more)
        answer.headers["Cache-Control"] = "public, max-age=3600"
        return answer


async def _service_state(gate: Gate, service: str) -> str:
    """Whether a service answers on the bus. RabbitMQ's probe; on the local bus a question that nobody knows: its "not
    found" comes from one that lives.
    """
    asker = Asker(Actor.anonymous(), None, new_id())
    try:
        with anyio.fail_after(PROBE_S):
            answer = await gate.calls.query(f"{service}.{PROBE}", {}, asker)
    except (Refused, TimeoutError):
        return "no answer"
    kind = answer.get("refused", {}).get("kind")
    return "unavailable" if STATUS_OF_KIND.get(kind) == 503 else "ok"


async def _database_state(database: Callable[[], None]) -> str:
    try:
        with anyio.fail_after(PROBE_S):
            await to_thread.run_sync(database, abandon_on_cancel=True)
    except Exception:  # noqa: BLE001 - whatever the driver raises means the same here, and its text may hold the DSN
        return "unavailable"
    return "ok"


def _json(content: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(content), status, {"Cache-Control": "no-store"}, "application/json")

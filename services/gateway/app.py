"""The gateway: the edge of the market. It asks services over the bus, decides no rule of the domain, keeps no table.

`create_app` puts together what the other files hold: reading (`api/reading.py`), the table of routes (`api/table.py`),
calls (`calls.py`), problems (`problems.py`), pages (`web/pages/`). It imports the kernel and its own package, and no
other service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kernel.bus.call import AsyncBus, Bus, Caller
from kernel.bus.local import InThreads
from kernel.identity import SigningKey, TokenChecker
from kernel.keys import PublicKeys
from kernel.logs import logger
from kernel.refusal import Refused
from kernel.settings import PROJECT, Settings
from services.gateway.api.endpoint import endpoint
from services.gateway.api.opendata import add_extensions
from services.gateway.api.route import Route
from services.gateway.api.table import TABLE
from services.gateway.calls import Answered, Calls
from services.gateway.compression import Compression
from services.gateway.contracts import Contracts
from services.gateway.edge import Edge
from services.gateway.gate import Gate, MachineClock, MarketClock
from services.gateway.kept_forms import KeptForms
from services.gateway.openapi import openapi_document
from services.gateway.options import Options
from services.gateway.problems import BAD_REQUEST, FAILED, NO_METHOD, NO_PATH, problem_response
from services.gateway.rates import Buckets
from services.gateway.revoked import RevokedTokens
from services.gateway.service_pages import add_service_pages
from services.gateway.web.pages import add_pages, error_page
from services.gateway.web.pages.frame import Frame, Region

log = logger("gateway")
#: FastAPI's own would put addresses as asked into spans, and texts of exceptions into what it logs; `Edge` traces.
NO_TELEMETRY: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
}  # fmt: skip


def create_app(
    bus: Bus | AsyncBus,
    settings: Settings,
    *,
    routes: Sequence[Route] = TABLE,
    contracts: Path = PROJECT / "contracts",
    options: Options | None = None,
    clock: MarketClock | None = None,
    database: Callable[[], None] | None = None,
    single_machine: bool = True,
) -> FastAPI:
    """The ASGI application over `bus`, which may block or be one for event loops.

    `contracts`: the folder with the services' contracts. `clock`: the market's clock, where it isn't the machine's.
    `database`: raises when the database doesn't answer, for /readyz. `single_machine`: the custodians share a machine,
    which pages say. The installation's keys must be there.
    """
    gate = _gate(bus, settings, Contracts.read(contracts), options or Options(), clock or MachineClock())
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY)
    app.state.gate = gate
    for route in routes:
        app.add_api_route(
            route.address, endpoint(route, gate), methods=[route.method], include_in_schema=False, response_model=None
        )
    add_extensions(app, contracts)
    services = tuple(dict.fromkeys(call.partition(".")[0] for route in routes for call in route.calls))
    add_service_pages(app, gate, openapi_document(routes, gate.contracts), services, database)
    frame = Frame(gate, Region.read(settings, gate.clock.sandbox, single_machine))
    add_pages(app, frame)
    _add_answers_to_failures(app, frame)
    return app


def _gate(bus: Bus | AsyncBus, settings: Settings, contracts: Contracts, options: Options, clock: MarketClock) -> Gate:
    caller = Caller(SigningKey.at(settings.keys / "gateway.key"), settings.call_deadline_s)
    carrier = bus if isinstance(bus, AsyncBus) else InThreads(bus, options.calls_at_once, options.calls_waiting)
    calls = Calls(carrier, caller, settings.call_deadline_s)
    return Gate(
        calls=calls,
        contracts=contracts,
        tokens=TokenChecker(PublicKeys(settings.keys).of("access")),
        options=options,
        clock=clock,
        sign_in=Buckets(options.rates.sign_in),
        anonymous=Buckets(options.rates.anonymous),
        signed_in=Buckets(options.rates.signed_in),
        kept_forms=KeptForms(),
        revoked=RevokedTokens(calls),
    )


def _add_answers_to_failures(app: FastAPI, frame: Frame) -> None:
    """Whatever is raised on the way ends as one form of answer: a problem document, or a page for a person."""

    async def answer(request: Request, refusal: Mapping[str, Any]) -> Response:
        if _wants_page(request):
            try:
                return await error_page(request, frame, refusal)
            except Exception as problem:  # noqa: BLE001 - a page that can't be made must not hide what was refused
                log.error("no error page", error=type(problem).__name__)
        language = request.headers.get("accept-language", "")
        zone = frame.region.site["zone"]
        return problem_response(refusal, language, request.url.path, request.state.request_id, zone)

    async def refused(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Refused)
        return await answer(request, problem.refusal.to_dict())

    async def answered(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Answered)
        return await answer(request, problem.refusal)

    async def by_http(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException)
        if problem.status_code == 404:
            return await answer(request, NO_PATH.to_dict())
        if problem.status_code == 405:
            said = await answer(request, NO_METHOD.having(method=request.method[:20]).to_dict())
            said.headers.update(problem.headers or {})
            return said
        return await answer(request, BAD_REQUEST.having(problem=str(problem.status_code)).to_dict())

    async def failed(request: Request, problem: Exception) -> Response:
        return await answer(request, FAILED.having(id=request.state.request_id).to_dict())

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(Answered, answered)
    app.add_exception_handler(HTTPException, by_http)
    app.add_middleware(Compression)
    app.add_middleware(Edge, on_failure=failed)


def _wants_page(request: Request) -> bool:
    """Whether a person with a browser is asking: outside the API, and HTML is welcome."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")

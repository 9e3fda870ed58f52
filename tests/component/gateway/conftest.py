"""The gateway over the toy services on a real database, asked over HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import structlog

from app.contracts.generate import contract_files
from kernel.ids import new_id
from kernel.service import Service
from services.audit.service import service as audit_service
from services.gateway.api.audit import ROUTES as AUDIT
from services.gateway.api.route import Route, area, command, query
from services.gateway.app import create_app
from services.gateway.options import UNLIMITED, Options
from tests.support import Market, market, person
from tests.toy.services import box_service, mirror_service

KEEPER = person("keeper")
STRANGER = person("passer_by")

BOXES: tuple[Route, ...] = area(
    "boxes",
    command("POST", "/boxes", "box.open_box", "Открыть коробку", "Open a box", creates="/boxes/{id}"),
    command("POST", "/boxes/{id}/things", "box.put", "Положить", "Put in"),
    command("POST", "/boxes/{id}/shut", "box.shut_box", "Закрыть", "Shut"),
    query("/totals/{colour}", "box.total_of", "Сколько", "How many"),
    query("/totals", "box.total_of", "Сколько", "How many", method="POST", asks=True, name="box.total_asked"),
)

ROUTES = (*BOXES, *AUDIT)


@dataclass
class Site:
    """A gateway over a market, and requests to it."""

    market: Market
    contracts: Path

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request to a fresh application; `options` and `app` choose which."""
        return self.requests([(method, path, more)])[0]

    def requests(self, asked: list[tuple[str, str, dict[str, Any]]], **options: Any) -> list[httpx.Response]:
        """Requests one after another to one application."""

        async def run() -> list[httpx.Response]:
            async with self.client(**options) as client:
                return [await client.request(method, path, **more) for method, path, more in asked]

        return anyio.run(run)

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        options.setdefault("options", Options(rates=UNLIMITED))
        bus = options.pop("bus", self.market.installation.bus)
        app = create_app(bus, self.market.settings, routes=ROUTES, contracts=self.contracts, **options)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://market.test") as client:
            yield client

    def headers(self, actor: Any = KEEPER, key: str | None = None, **more: str) -> dict[str, str]:
        found = {"Idempotency-Key": key or new_id(), **more}
        return found if actor is None else found | {"Authorization": f"Bearer {self.market.token(actor)}"}

    def post(self, path: str, body: Any, actor: Any = KEEPER, **more: Any) -> httpx.Response:
        return self.request("POST", path, json=body, headers=self.headers(actor, **more))

    def box(self, colour: str = "red") -> str:
        """A new open box's id."""
        answer = self.post("/api/v1/boxes", {"colour": colour})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture(scope="module")
def site(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("contracts")
    services = [box_service(), mirror_service()]
    _write(folder, services)
    audit = audit_service(("box",), folder)  # it learns from the contracts who may read what
    audit.published = {}  # custodians, who may read its tree, aren't part of this market
    services.append(audit)
    _write(folder, services)
    with market(services, module_database, tmp_path_factory.mktemp("home")) as made:
        yield Site(made, folder)


def _write(folder: Path, services: list[Service]) -> None:
    for name, text in contract_files(services).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of a refused request; it must be one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: dict[str, Any] = json.loads(answer.content)
    assert found["status"] == answer.status_code
    assert found["type"] == f"/problems/{found['code']}"
    assert found["request_id"] == answer.headers["x-request-id"]
    return found


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """What the process logs during a test, as it would stand on standard error."""
    before = structlog.get_config()["logger_factory"]
    kept = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(kept))
    yield kept
    structlog.configure(logger_factory=before)

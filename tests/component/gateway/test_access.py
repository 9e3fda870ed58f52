"""Sign-in over HTTP with the real access service: tokens come and go, passwords stay out of everything."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from app.contracts.generate import contract_files
from kernel.identity import Actor
from kernel.ids import new_id
from services.access.service import service as access
from services.gateway.api.access import ROUTES
from services.gateway.app import create_app
from services.gateway.options import UNLIMITED, Options, Rate, Rates
from tests.component.gateway.conftest import problem
from tests.support import Market, market, person

PASSWORD = "correct horse 42"
OPERATOR = Actor(new_id(), frozenset({"operator"}))


class Door:
    def __init__(self, made: Market, contracts: Path) -> None:
        self.market, self.contracts = made, contracts

    @asynccontextmanager
    async def client(self, rates: Rates = UNLIMITED) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(
            self.market.installation.bus,
            self.market.settings,
            routes=ROUTES,
            contracts=self.contracts,
            options=Options(rates=rates),
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://market.test") as client:
            yield client

    def run(self, steps: Any, rates: Rates = UNLIMITED) -> Any:
        async def story() -> Any:
            async with self.client(rates) as client:
                return await steps(client)

        return anyio.run(story)


def keyed(token: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": new_id()} | ({"Authorization": f"Bearer {token}"} if token else {})


async def signed_in(client: httpx.AsyncClient, login: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/v1/sign-in", json={"login": login, "password": password})


@pytest.fixture(scope="module")
def door(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("contracts")
    for name, text in contract_files([access()]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with market([access()], module_database, tmp_path_factory.mktemp("home")) as made:
        first = {"id": new_id(), "login": "first", "password": PASSWORD, "display_name": "Первый"}
        made.do("access.bootstrap", first, OPERATOR)
        yield Door(made, folder)


def test_signing_in_gives_a_token_that_says_who_one_is(door: Door) -> None:
    async def steps(client: httpx.AsyncClient) -> None:
        answer = await signed_in(client, "first")
        assert answer.status_code == 200, answer.text
        token = answer.json()["reply"]["token"]
        me = (await client.get("/api/v1/me", headers=keyed(token))).json()
        assert (me["login"], me["roles"]) == ("first", ["administrator"])
        assert (await client.get("/api/v1/me")).status_code == 401

    door.run(steps)


def test_a_wrong_password_and_an_unknown_login_look_alike(door: Door) -> None:
    async def steps(client: httpx.AsyncClient) -> None:
        wrong = problem(await signed_in(client, "first", "something else"))
        unknown = problem(await signed_in(client, "nobody"))
        assert wrong["status"] == unknown["status"] == 401
        assert wrong["code"] == unknown["code"] and wrong["detail"] == unknown["detail"]

    door.run(steps)


def test_an_ended_session_is_over_at_once(door: Door) -> None:
    async def steps(client: httpx.AsyncClient) -> None:
        started = (await signed_in(client, "first")).json()
        token = started["reply"]["token"]
        assert (await client.get("/api/v1/sessions", headers=keyed(token))).status_code == 200
        ended = await client.delete(f"/api/v1/sessions/{started['id']}", headers=keyed(token))
        assert ended.status_code == 200, ended.text
        refused = problem(await client.get("/api/v1/sessions", headers=keyed(token)))
        assert (refused["code"], refused["status"]) == ("unauthenticated", 401)

    door.run(steps)


def test_an_account_is_made_and_loses_its_rights_with_its_account(door: Door) -> None:
    async def steps(client: httpx.AsyncClient) -> None:
        token = (await signed_in(client, "first")).json()["reply"]["token"]
        account = {
            "login": "npo",
            "password": PASSWORD,
            "display_name": "НКО",
            "organisation": new_id(),
            "roles": ["provider"],
        }
        made = await client.post("/api/v1/accounts", json=account, headers=keyed(token))
        assert made.status_code == 200, made.text
        own = (await signed_in(client, "npo")).json()["reply"]["token"]
        changed = {"old": PASSWORD, "new": "another horse 43"}
        assert (await client.post("/api/v1/me/password", json=changed, headers=keyed(own))).status_code == 200
        place = f"/api/v1/accounts/{made.json()['id']}"
        assert (await client.delete(f"{place}/roles/officer", headers=keyed(token))).status_code == 409
        off = await client.post(f"{place}/disable", json={"reason": "уволен"}, headers=keyed(token))
        assert off.status_code == 200, off.text
        assert problem(await client.get("/api/v1/sessions", headers=keyed(own)))["status"] == 401

    door.run(steps)


def test_guessing_is_slowed_down(door: Door) -> None:
    async def steps(client: httpx.AsyncClient) -> list[int]:
        return [(await signed_in(client, "nobody", str(n))).status_code for n in range(4)]

    assert door.run(steps, Rates(sign_in=Rate(3, 0.01), anonymous=None, signed_in=None)) == [401, 401, 401, 429]


def test_passwords_and_tokens_reach_no_log_line(door: Door, log_lines: io.StringIO) -> None:
    async def steps(client: httpx.AsyncClient) -> str:
        token = str((await signed_in(client, "first")).json()["reply"]["token"])
        await client.get("/api/v1/me", headers=keyed(token))
        await client.post("/api/v1/sign-in", json={"login": "first", "password": PASSWORD, "more": PASSWORD})
        return token

    token = door.run(steps)
    said = log_lines.getvalue()
    assert '"route": "/api/v1/sign-in"' in said
    assert PASSWORD not in said and token not in said and "first" not in said


def test_nobody_acts_with_a_role_of_the_machine(door: Door) -> None:
    async def steps(client: httpx.AsyncClient) -> None:
        token = door.market.token(person("operator"))
        body = {"login": "second", "password": PASSWORD, "display_name": "Второй"}
        answer = await client.post("/api/v1/accounts", json=body, headers=keyed(token))
        assert problem(answer)["status"] == 403

    door.run(steps)

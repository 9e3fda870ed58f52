"""The gateway over the real services: bids sealed at the edge, and every page in the states that a competition has."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from app.contracts.generate import contract_files
from app.gateway import HostClock
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import from_text
from services.gateway.app import create_app
from services.gateway.options import UNLIMITED, Options
from services.gateway.web.pages import market as pages
from tests.component.gateway.conftest import problem
from tests.component.orders.country import BEGAN, provider
from tests.component.orders.tender import Tender, everybody, until
from tests.support import Market, market, person

HTML = {"Accept": "text/html"}


class Town:
    """Real services and an application over them; each request in a client of its own."""

    def __init__(self, made: Market, contracts: Path) -> None:
        self.market = made
        clock = HostClock(made.installation.hosts["audit"])
        self.app = create_app(
            made.installation.bus, made.settings, contracts=contracts, options=Options(rates=UNLIMITED), clock=clock
        )

    def ask(
        self, method: str, path: str, by: Actor | None = None, key: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if method != "GET":
            headers["Idempotency-Key"] = key or new_id()
        if by:
            headers["Authorization"] = f"Bearer {self.market.token(by)}"

        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://market.test") as client:
                return await client.request(method, path, headers=headers, **more)

        return anyio.run(run)

    def page(self, path: str, by: Actor | None = None) -> str:
        """A page that must be there, in both languages; the Russian one."""
        for lang in ("en", "ru"):
            answer = self.ask("GET", path, by, headers=HTML | {"Accept-Language": lang})
            assert answer.status_code == 200, answer.text[:2000]
        return answer.text


@pytest.fixture(scope="module")
def town(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home = tmp_path_factory.mktemp("home")
    services = everybody(home / "contracts")
    for name, text in contract_files(services).items():
        (home / "contracts" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "contracts" / name).write_text(text, encoding="utf-8")
    with market(services, module_database, home, BEGAN) as made:
        yield Town(made, home / "contracts")


@pytest.fixture(scope="module")
def npos(town: Town) -> list[Actor]:
    return [provider(town.market) for _ in range(3)]


def opened(tender: Tender) -> None:
    tender.market.move_clock(from_text(tender.page()["deadline"]) + timedelta(seconds=10))
    until(tender.market, lambda: tender.status == "opened")


def plain(tender: Tender, price: int, volume: int = 100, lot: int = 0) -> dict[str, Any]:
    bid = {"price_kopecks": price, "volume": volume, "values": {}, "text": "Опыт десять лет", "people": []}
    return {"lot_id": tender.lots[lot], "bid": bid}


def test_an_empty_market_has_pages(town: Town) -> None:
    for path in ("/", "/orders", "/providers", "/premises", "/log"):
        assert "m-sandbox" in town.page(path), path
    assert town.ask("GET", f"/orders/{new_id()}", headers=HTML).status_code == 404
    assert town.ask("GET", "/orders/none", headers=HTML).status_code == 404


def test_a_bid_is_sealed_at_the_gateway_and_opened_by_custodians(town: Town, npos: list[Actor]) -> None:
    tender = Tender(town.market, 1000, 400).open()
    bids = f"/api/v1/competitions/{tender.id}/bids"

    key = new_id()
    first = town.ask("POST", bids, npos[0], key, json=plain(tender, 40_000))
    assert first.status_code == 200, first.text
    assert first.json()["receipt"]["event_id"] == first.json()["events"][0]
    again = town.ask("POST", bids, npos[0], key, json=plain(tender, 40_000))
    assert again.json() == first.json() and again.headers["idempotency-replayed"] == "true"
    other = town.ask("POST", bids, npos[0], key, json=plain(tender, 39_999))
    assert problem(other)["code"] == "idempotency_key_reused"

    replaced = town.ask("PUT", f"{bids}/{tender.lots[0]}", npos[0], json={"bid": plain(tender, 30_000)["bid"]})
    assert replaced.json()["reply"]["bid_version"] == 2
    [mine] = town.ask("GET", "/api/v1/bids/mine", npos[0]).json()["items"]
    assert (mine["bid_version"], mine["sealed_by"], mine["status"]) == (2, "gateway", "standing")

    # From a device that seals by itself.
    form = tender.sealed(npos[1], 35_000, 90)
    by_device = {name: form[name] for name in ("lot_id", "bid_version", "sealed")}
    assert town.ask("POST", bids, npos[1], json=by_device).json()["reply"]["bid_version"] == 1
    withdrawn = town.ask("POST", bids, npos[2], json=plain(tender, 20_000))
    assert withdrawn.status_code == 200
    assert town.ask("DELETE", f"{bids}/{tender.lots[0]}", npos[2]).status_code == 200
    later = town.ask("POST", bids, npos[2], json=plain(tender, 33_000))
    assert later.json()["reply"]["bid_version"] == 2, "a withdrawn version's number is not used again"

    opened(tender)
    prices = {bid["provider_id"]: bid["price_kopecks"] for bid in tender.bids()}
    assert prices == {npos[0].organisation: 30_000, npos[1].organisation: 35_000, npos[2].organisation: 33_000}
    late = town.ask("POST", bids, npos[1], json=plain(tender, 1_000, lot=1))
    assert (late.status_code, problem(late)["code"]) == (409, "bid_late")


def test_what_is_not_a_bid_is_refused_before_sealing(town: Town, npos: list[Actor]) -> None:
    tender = Tender(town.market, 500).open()
    bids = f"/api/v1/competitions/{tender.id}/bids"
    good = plain(tender, 40_000)
    sealed = tender.sealed(npos[0], 40_000, 10)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"lot_id": good["lot_id"]}, "/bid"),
        ({**good, "sealed": sealed["sealed"]}, "/bid"),
        ({**good, "bid": {**good["bid"], "price_kopecks": 0}}, "/bid/price_kopecks"),
        ({**good, "bid": {**good["bid"], "price_kopecks": "40000"}}, "/bid/price_kopecks"),
        ({**good, "bid": {**good["bid"], "values": {"years": "1,5"}}}, "/bid/values/years"),
        ({**good, "bid": {**good["bid"], "surprise": 1}}, "/bid/surprise"),
        ({**good, "bid": {**good["bid"], "text": "я" * 20_000}}, "/bid"),
        ({**good, "bid_version": 7}, "/bid_version"),
        ({**good, "sealed_by": "bidder"}, "/sealed_by"),
        ({**good, "lot_id": 5}, "/lot_id"),
    ]
    for body, pointer in wrong:
        refused = problem(town.ask("POST", bids, npos[0], json=body))
        assert refused["status"] == 422, refused
        assert refused["errors"][0]["pointer"].startswith(pointer), (pointer, refused)
    foreign = town.ask("POST", bids, npos[0], json={**good, "provider_id": npos[1].organisation})
    assert problem(foreign)["code"] == "not_yours"
    assert problem(town.ask("POST", bids, tender.officer, json=good))["status"] == 403
    assert problem(town.ask("POST", bids, person("provider"), json=good))["code"] == "not_yours"
    assert problem(town.ask("POST", bids, json=good))["status"] == 401
    nowhere = f"/api/v1/competitions/{new_id()}/bids"
    assert problem(town.ask("POST", nowhere, npos[0], json=good))["status"] == 404
    draft = Tender(town.market, 500).drafted()
    early = town.ask("POST", f"/api/v1/competitions/{draft.id}/bids", npos[0], json=plain(draft, 1))
    assert problem(early)["status"] in (404, 409)
    assert town.market.ask("orders.my_bids", {"competition_id": tender.id}, npos[0])["items"] == []


def test_no_plaintext_of_a_bid_is_kept_anywhere(town: Town, npos: list[Actor], log_lines: io.StringIO) -> None:
    tender = Tender(town.market, 500).open()
    canary = 7_654_321_987
    sent = town.ask("POST", f"/api/v1/competitions/{tender.id}/bids", npos[0], json=plain(tender, canary))
    assert sent.status_code == 200
    refused = plain(tender, canary)
    refused["bid"]["volume"] = -canary
    town.ask("POST", f"/api/v1/competitions/{tender.id}/bids", npos[1], json=refused)
    town.market.work()
    assert "/bids" in log_lines.getvalue() and str(canary) not in log_lines.getvalue()
    tables = town.market.sql("SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information)'")
    for schema, table in tables:
        found = town.market.sql(f'SELECT 1 FROM "{schema}"."{table}" t WHERE t::text LIKE %s', (f"%{canary}%",))
        assert found == [], f"{schema}.{table}"


def test_an_order_is_shown_from_draft_to_award(town: Town, npos: list[Actor]) -> None:
    tender = Tender(town.market, 1000, 400)
    page = f"/orders/{tender.order['id']}"
    assert "m-steps" in town.page(page)
    assert tender.order["id"] in town.page("/orders")
    tender.open()
    assert "Доставка продуктов на дом" in town.page(page)
    town.market.do("orders.ask_question", {"id": tender.id, "text": "Можно ли по выходным?"}, npos[0])
    first = tender.bid(npos[0], 40_000, 600)
    second = tender.bid(npos[1], 30_000, 600)
    assert "40 000" not in town.page(page) and tender.order["id"] in town.page("/orders?status=open")
    assert town.ask("GET", f"/competitions/{tender.id}", headers=HTML).headers["location"] == page
    [asked] = town.market.ask("orders.competition", {"id": tender.id}, tender.officer)["questions"]
    answer = {"id": tender.id, "question_id": asked["question_id"], "answer": "Да, по программе."}
    town.market.do("orders.answer_question", answer, tender.officer)
    assert "Да, по программе." in town.page(page)
    opened(tender)
    assert "400,00" in town.page(page).replace("\xa0", " ")
    for bid_id in (first, second):
        tender.check(bid_id)
    tender.do("begin_evaluation", tender.officer)
    tender.score({first: 90, second: 60})
    tender.do("decide_ranking", tender.body.second)
    shown = town.page(page)
    assert "84,00" in shown
    protocol = town.ask("GET", f"/competitions/{tender.id}/lots/{tender.lots[0]}/protocol", headers=HTML)
    assert protocol.status_code == 200 and "84,00" in protocol.text
    assert "script" not in protocol.headers["content-security-policy"]
    town.market.move_clock(from_text(tender.page()["standstill_until"]) + timedelta(seconds=10))
    until(town.market, lambda: tender.status == "awarded")
    assert "600" in town.page(page)
    town.market.work()
    number = tender.page()["number"]
    for known_as in (tender.id, f"Competition/{tender.id}", number):
        rows = town.page(f"/log?subject={known_as}").partition("<tbody")[2]
        assert "Победители определены" in rows and "Заказ утверждён" not in rows
    assert "m-figures" in town.page("/")


def test_more_bids_than_a_page_shows_are_on_the_next_and_in_the_api(
    town: Town, npos: list[Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    tender = Tender(town.market, 1000).open()
    bids = [tender.bid(actor, price, 100) for actor, price in zip(npos, (40_100, 40_200, 40_300), strict=True)]
    listed = f"/api/v1/competitions/{tender.id}"
    assert town.ask("GET", f"{listed}/bids").json()["items"] == []
    opened(tender)
    first = town.ask("GET", f"{listed}/bids?limit=2").json()
    rest = town.ask("GET", first["links"]["next"]).json()
    assert [bid["bid_id"] for bid in (*first["items"], *rest["items"])] == bids and rest["next"] is None
    for nothing in ("late-bids", "scores"):
        assert town.ask("GET", f"{listed}/{nothing}").json() == {"items": [], "next": None}

    monkeypatch.setattr(pages, "BIDS", 2)
    address, prices = f"/orders/{tender.order['id']}", []
    while address:
        shown = town.page(address).replace("\xa0", " ")
        prices.append([price for price in ("401,00", "402,00", "403,00") if price in shown])
        [following] = re.findall(r'href="(/orders/[^"#]+cursor=[^"#]+)#lot-1"', shown) or [""]
        address = html.unescape(following)
    assert prices == [["401,00", "402,00"], ["403,00"]]
    refused = town.ask("GET", f"/orders/{tender.order['id']}?lot={tender.lots[0]}&cursor=x", headers=HTML)
    assert refused.status_code == 422


def test_a_provider_is_shown_with_places_and_found(town: Town, npos: list[Actor]) -> None:
    id = str(npos[0].organisation)
    card = town.page(f"/providers/{id}")
    assert "АНО «Берег»" in card and ">100<" in card.replace("\n", "")
    assert id in town.page("/providers?q=берег&kind=npo&form=home")
    assert id not in town.page("/providers?kind=individual")
    assert town.ask("GET", f"/providers/{new_id()}", headers=HTML).status_code == 404
    registrar = person("registrar")
    suspend = {"id": id, "reason": "Истекла лицензия", "ground": "licence_ended"}
    town.market.do("registry.suspend_provider", suspend, registrar)
    suspended = town.page(f"/providers/{id}")
    for shown in ("Истекла лицензия", "Действие лицензии закончилось", "99-ФЗ", "30 рабочих дней после"):
        assert shown in suspended
    restore = {"id": id, "reason": "Лицензия продлена", "ground": "violations_remedied"}
    town.market.do("registry.restore_provider", restore, registrar)
    assert "Нарушения устранены" in town.page(f"/providers/{id}")


def test_premises_are_listed_and_lent(town: Town, npos: list[Actor]) -> None:
    owner = person("premises_owner", organisation=new_id())
    listed = town.ask(
        "POST",
        "/api/v1/premises",
        owner,
        json={
            "kind": "room",
            "title": "Зал библиотеки",
            "address": "Кемь, Ленина 1",
            "territory": "kem",
            "area_m2": 60,
            "permitted_use": "занятия с детьми",
        },
    )
    assert listed.status_code == 201, listed.text
    assert "Зал библиотеки" in town.page("/premises?kind=room&territory=kem")
    assert "Зал библиотеки" not in town.page("/premises?kind=ad_surface")

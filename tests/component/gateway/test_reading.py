"""Queries, service addresses and pages over HTTP, on a log that really is sealed and signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from kernel.ids import new_id
from kernel.receipt import verify
from services.gateway.options import Options, Rate, Rates
from services.gateway.web.theme import static_link
from tests.component.gateway.conftest import ROUTES, STRANGER, Site, problem
from tests.support import person

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def logged(site: Site) -> Iterator[dict[str, Any]]:
    """A box with a thing in it, sealed and under a checkpoint: the two commands' answers."""
    opened = site.post("/api/v1/boxes", {"colour": "blue"}).json()
    put = site.post(f"/api/v1/boxes/{opened['id']}/things", {"amount": 4}).json()
    site.market.work()
    yield {"opened": opened, "put": put}


def test_a_query_answers_from_its_address(site: Site, logged: dict[str, Any]) -> None:
    answer = site.request("GET", "/api/v1/totals/blue")
    assert (answer.status_code, answer.json()) == (200, {"amount": 4})
    asked = site.request("POST", "/api/v1/totals", json={"colour": "blue"})
    assert asked.json() == {"amount": 4}
    assert problem(site.request("GET", "/api/v1/totals/blue?size=3"))["errors"][0]["pointer"] == "/size"


def test_types_of_parameters_come_from_the_contract(site: Site, logged: dict[str, Any]) -> None:
    assert len(site.request("GET", "/api/v1/log?limit=1&newest_first=false").json()["items"]) <= 1
    for bad in ("limit=x", "limit=1.5", "limit=0", "newest_first=maybe", "limit=99999999999999999999"):
        assert problem(site.request("GET", f"/api/v1/log?{bad}"))["status"] == 422, bad
    assert problem(site.request("GET", "/api/v1/log?limit=1&limit=2"))["status"] == 400


def test_lists_lead_from_page_to_page(site: Site, logged: dict[str, Any]) -> None:
    seen: list[int] = []
    path = "/api/v1/log?limit=1&source=box"
    for _ in range(50):
        answer = site.request("GET", path, headers={"Authorization": f"Bearer {site.market.token(person('auditor'))}"})
        seen += [item["index"] for item in answer.json()["items"]]
        if not answer.json()["next"]:
            break
        path = answer.json()["links"]["next"]
        assert answer.headers["link"] == f'<{path}>; rel="next"' and "source=box" in path
    assert seen == sorted(set(seen)) and len(seen) == len(site.market.sql("SELECT 1 FROM box.log"))


def test_what_may_not_be_read_is_withheld(site: Site, logged: dict[str, Any]) -> None:
    secret = logged["put"]["events"][0]
    assert problem(site.request("GET", f"/api/v1/log/entries/{secret}"))["status"] == 404
    whole = site.request("GET", f"/api/v1/log/entries/{secret}", headers=site.headers(person("auditor"))).json()
    assert json.loads(whole["entry"])["event"]["data"]["amount"] == 4


def test_a_receipt_is_completed(site: Site, logged: dict[str, Any]) -> None:
    answer = site.request("POST", "/api/v1/log/receipts", json={"receipt": logged["put"]["receipt"]})
    report = verify(answer.json()["receipt"])
    assert report.event_id == logged["put"]["events"][0] and report.checkpoint is not None


def test_wait_for_an_event_of_another_service(site: Site) -> None:
    event = site.post("/api/v1/boxes", {"colour": "grey"}).json()["events"][0]
    late = site.request("GET", f"/api/v1/log/tree?wait=box/{event}")
    assert late.headers["market-note"] == "not-yet"  # nobody has sealed it yet
    site.market.work()
    assert "market-note" not in site.request("GET", f"/api/v1/log/tree?wait=box/{event}").headers
    assert problem(site.request("GET", "/api/v1/log/tree?wait=box/../x"))["code"] == "bad_request"
    assert problem(site.request("GET", f"/api/v1/log/tree?wait=nobody/{event}"))["status"] == 422


def test_alive_ready_and_counted(site: Site) -> None:
    assert site.request("GET", "/healthz").json() == {"status": "alive"}
    ready = site.request("GET", "/readyz")
    assert ready.status_code == 200 and ready.json()["parts"] == {"box": "ok", "audit": "ok"}
    metrics = site.request("GET", "/metrics").text
    assert 'market_http_requests_total{method="GET",route="/readyz",status="200"}' in metrics
    assert "market_commands_total" in metrics


def test_not_ready_without_a_service_or_the_database(site: Site) -> None:
    from kernel.bus.local import LocalBus

    def gone() -> None:
        raise OSError("postgresql://postgres:secret@db/market is gone")

    no_service = site.requests([("GET", "/readyz", {})], bus=LocalBus())[0]
    assert no_service.status_code == 503 and set(no_service.json()["parts"].values()) == {"unavailable"}
    no_database = site.requests([("GET", "/readyz", {})], database=gone)[0]
    assert no_database.status_code == 503 and no_database.json()["parts"]["database"] == "unavailable"
    assert "secret" not in no_database.text
    assert site.requests([("GET", "/healthz", {})], bus=LocalBus(), database=gone)[0].status_code == 200


def test_the_description_says_what_the_table_says(site: Site) -> None:
    said = site.request("GET", "/openapi.json").json()
    assert said["openapi"] == "3.1.0"
    described = {(path, method.upper()) for path, item in said["paths"].items() for method in item}
    assert described == {(route.address, route.method) for route in ROUTES}
    put = said["paths"]["/api/v1/boxes/{id}/things"]["post"]
    body = said["components"]["schemas"]["box.put.body"]
    assert put["x-roles"] == ["keeper"] and put["security"] == [{"bearer": []}]
    assert list(body["properties"]) == ["amount"] and body["additionalProperties"] is False
    assert "id" not in said["components"]["schemas"]["box.open_box.body"].get("required", [])
    for schema in said["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(said)
    for ref in {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}:
        found = said
        for step in ref.split("/"):
            found = found[step]


def test_the_documentation_needs_no_other_host(site: Site) -> None:
    page = site.request("GET", "/docs")
    assert page.status_code == 200 and "http://" not in page.text and "https://" not in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js"):
        assert f"/docs/assets/{name}" in page.text
        assert site.request("GET", f"/docs/assets/{name}").status_code == 200


def test_every_answer_is_armoured(site: Site) -> None:
    for path in ("/api/v1/totals/red", "/nowhere", "/log", "/static/market.css", "/docs"):
        headers = site.request("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert len(headers["x-request-id"]) == 36, path


def test_the_log_lists_and_leads_to_an_entry_with_its_proof(site: Site, logged: dict[str, Any]) -> None:
    opened = logged["opened"]
    page = site.request("GET", "/log", headers=HTML, params={"subject": f"Box/{opened['id']}"})
    assert page.status_code == 200 and f"Box/{opened['id']}" in page.text
    elsewhere = site.request("GET", f"/log/{opened['events'][0]}", headers=HTML)
    assert elsewhere.status_code == 303
    entry = site.request("GET", elsewhere.headers["location"], headers=HTML | {"Accept-Language": "en"})
    assert entry.status_code == 200 and opened["events"][0] in entry.text
    assert "box/log" not in entry.text and entry.headers["content-language"] == "en"
    proof = site.request("GET", f"/api/v1/log/entries/{opened['events'][0]}/proof").json()
    assert proof["checkpoint"].split("\n")[0] in entry.text


def test_an_entry_that_may_not_be_read_yet_is_not_shown(site: Site, logged: dict[str, Any]) -> None:
    page = site.request("GET", f"/log/{logged['put']['events'][0]}", headers=HTML)
    assert page.status_code == 404 and "<h1" in page.text
    auditor = HTML | {"Authorization": f"Bearer {site.market.token(person('auditor'))}"}
    assert site.request("GET", f"/log/{logged['put']['events'][0]}", headers=auditor).status_code == 303


def test_the_log_turns_its_pages_both_ways(site: Site, logged: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.web.pages.routes.PAGE", 1)
    first = site.request("GET", "/log", headers=HTML).text
    assert 'rel="next"' in first and 'rel="prev"' not in first
    second = site.request(
        "GET", first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    )
    assert 'rel="prev"' in second.text


def test_language_and_view_are_chosen_by_a_link_and_kept(site: Site) -> None:
    answers = site.requests(
        [
            ("GET", "/log?lang=en&view=black-on-white", {"headers": HTML}),
            ("GET", "/log", {"headers": HTML}),
            ("GET", "/log?lang=xx&view=%3Cscript%3E", {"headers": HTML}),
        ]
    )
    assert [answer.headers["content-language"] for answer in answers] == ["en", "en", "en"]
    assert all("view-black-on-white" in answer.text for answer in answers)
    assert "HttpOnly" in answers[0].headers["set-cookie"] and "set-cookie" not in answers[2].headers
    assert site.request("GET", "/log", headers=HTML).headers["content-language"] == "ru"


def test_errors_are_pages_for_people_and_documents_for_programs(site: Site) -> None:
    page = site.request("GET", "/nowhere", headers=HTML)
    assert page.status_code == 404 and page.headers["content-type"].startswith("text/html")
    assert page.headers["x-request-id"] in page.text
    assert problem(site.request("GET", "/nowhere"))["code"] == "no_such_address"
    assert problem(site.request("GET", "/api/v1/nowhere", headers=HTML))["code"] == "no_such_address"
    options = Options(rates=Rates(None, Rate(1, 0.1), None))
    answers = site.requests([("GET", "/log", {"headers": HTML})] * 2, options=options)
    assert answers[1].status_code == 429 and answers[1].headers["retry-after"] == "10"


def test_static_files_are_kept_and_nothing_else_is_served(site: Site) -> None:
    lasting = site.request("GET", static_link("market.css"))
    assert "immutable" in lasting.headers["cache-control"] and lasting.headers["content-type"].startswith("text/css")
    assert "immutable" not in site.request("GET", "/static/market.css?v=000000000000").headers["cache-control"]
    for path in ("/static/../app.py", "/static/%2e%2e/theme.py", "/static/", "/static/fonts", "/static//etc/passwd"):
        assert site.request("GET", path).status_code == 404, path


def test_guessed_addresses_lead_on(site: Site) -> None:
    answer = site.request("GET", "/register?kind=npo")
    assert (answer.status_code, answer.headers["location"]) == (308, "/providers?kind=npo")


def test_a_sandbox_says_so_on_every_page(site: Site) -> None:
    from datetime import UTC, datetime

    class Training:
        sandbox = True

        def now(self) -> datetime:
            return datetime(2027, 3, 1, 9, 0, tzinfo=UTC)

    page, error = site.requests(
        [("GET", "/log", {"headers": HTML}), ("GET", "/x", {"headers": HTML})], clock=Training()
    )
    assert "m-sandbox" in page.text and "m-sandbox" in error.text and "2027" in page.text
    assert "m-sandbox" not in site.request("GET", "/log", headers=HTML).text


def test_a_page_with_a_foreign_cookie_or_long_input_is_still_a_page(site: Site) -> None:
    long = site.request("GET", "/log", headers=HTML, params={"subject": "x" * 5000, "source": "<b>"})
    assert long.status_code in (200, 422) and "<b>" not in long.text
    odd = site.request("GET", "/log", headers=HTML | {"Cookie": "lang=<x>; view=zzz; other=1"})
    assert odd.status_code == 200
    stranger = HTML | {"Authorization": f"Bearer {site.market.token(STRANGER)}"}
    assert site.request("GET", f"/log/{new_id()}", headers=stranger).status_code == 404

"""What the season is played with: choices that are the same every time, data that fits together, a client that fits."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.api import Api, Operation
from app.demo.data import Season, pick
from app.demo.register import SAME_AS_ANOTHER
from app.failure import Failure
from kernel.settings import PROJECT


@pytest.fixture(scope="module")
def season() -> Season:
    return Season(PROJECT / "region")


# -- choices ----------------------------------------------------------------------------------------------------------


def test_a_choice_is_the_same_in_every_run() -> None:
    assert [pick(100, "price", "O01-1", number) for number in range(5)] == [72, 11, 11, 67, 49]


@given(st.integers(1, 10**6), st.lists(st.text() | st.integers(), max_size=3))
def test_a_choice_is_within_its_bounds(below: int, key: list[Any]) -> None:
    assert 0 <= pick(below, *key) < below


# -- data -------------------------------------------------------------------------------------------------------------


def test_orders_add_up_and_their_lots_have_places(season: Season) -> None:
    assert (len(season.orders), sum(len(order.lots) for order in season.orders)) == (12, 25)
    for order in season.orders:
        by_competition = sum(lot.volume for lot in order.lots)
        assert order.volume == order.by_assignment + by_competition + order.by_certificate
        assert all(lot.municipality in season.municipalities for lot in order.lots)
        assert order.body in season.bodies and order.units_per_place > 0


def test_limits_give_out_what_was_granted_to_the_last_rouble(season: Season) -> None:
    granted = sum(budget["limit_kopecks"] for budget in season._orders_file["budget"])
    assert 0 <= granted - sum(season.limits.values()) < len(season.limits), "less than a kopeck a body is lost"
    assert season.limits.keys() == {order.body for order in season.orders}


def test_no_real_organisation_is_decided_against(season: Season) -> None:
    real = [organisation for organisation in season.organisations if organisation.is_real]
    assert len(real) == 20 and SAME_AS_ANOTHER in [organisation.number for organisation in real]
    assert all("вымышлено" in each.full_name for each in season.organisations if not each.is_real)


def test_a_body_has_one_id_for_ever(season: Season) -> None:
    assert season.body_id("department") == season.body_id("department") != season.body_id("youth")


# -- the client -------------------------------------------------------------------------------------------------------


def test_an_operation_puts_its_input_where_it_belongs() -> None:
    put = Operation("PUT", "/things/{id}/parts/{number}", frozenset({"id", "number"}), has_body=True)
    assert put.request({"id": "a/b", "number": 3, "colour": "red"}) == ("/things/a%2Fb/parts/3", b'{"colour":"red"}')
    get = Operation("GET", "/things", frozenset(), has_body=False)
    assert get.request({"q": "а б", "cursor": None, "kind": ["x", "y"]})[0] == "/things?q=%D0%B0+%D0%B1&kind=x&kind=y"
    assert get.request({}) == ("/things", None)
    with pytest.raises(ValueError, match="number"):
        put.request({"id": "a"})


class _Market(http.server.BaseHTTPRequestHandler):
    """The smallest market: a description with one operation that refuses."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, {"paths": {"/things/{id}": {"post": {"operationId": "things.do", "parameters": [
            {"name": "id", "in": "path"}, {"name": "If-Match", "in": "header"}]}}}})  # fmt: skip

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        told = {name: self.headers[name] for name in ("Authorization", "Idempotency-Key", "If-Match")}
        self._answer(409, {"code": "no_way", "sent": json.loads(sent), "path": self.path, **told})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Market)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made = Api("127.0.0.1", server.server_address[1])
    yield made
    made.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_client_calls_what_the_description_offers(api: Api) -> None:
    answer = api.call("things.do", {"id": "7", "colour": "red"}, "the-token", "the-key", 3)
    assert (answer.status, answer.code) == (409, "no_way")
    said = {"sent": {"colour": "red"}, "path": "/things/7", "Authorization": "Bearer the-token"}
    assert answer.body == {"code": "no_way", **said, "Idempotency-Key": "the-key", "If-Match": '"3"'}
    assert api.commands == 1, "reading the description is no command"


def test_an_operation_that_is_not_offered_is_named(api: Api) -> None:
    with pytest.raises(Failure, match=r"things\.undo"):
        api.call("things.undo", {})


def test_a_market_that_is_gone_is_a_failure_with_the_address() -> None:
    with pytest.raises(Failure, match=r"openapi\.json got no answer"):
        Api("127.0.0.1", 1)


def test_the_data_folder_is_the_season_s_only_source(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Season(tmp_path).orders  # noqa: B018

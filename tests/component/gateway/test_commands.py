"""Commands over HTTP: done once, versioned, proved, and refused in one form whatever is wrong."""

from __future__ import annotations

import base64
import json
import threading
import time
from datetime import datetime
from typing import Any

import anyio
import httpx
import pytest

from kernel.identity import Actor, SigningKey, TokenIssuer
from kernel.ids import new_id
from services.gateway import calls
from services.gateway.api import endpoint, reading
from services.gateway.options import UNLIMITED, Options, Rate, Rates
from tests.component.gateway.conftest import KEEPER, STRANGER, Site, problem
from tests.support import person

MANY = 20


def test_a_command_is_done_and_answers_with_version_events_and_place(site: Site) -> None:
    answer = site.post("/api/v1/boxes", {"colour": "red"})
    said = answer.json()
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == f"/api/v1/boxes/{said['id']}"
    assert said["reply"] == {"colour": "red"} and len(said["events"]) == 1


def test_of_many_at_once_all_are_received_before_one_is_worked_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    story: list[str] = []

    def received_now() -> datetime:
        story.append("received")
        return calls.received_now()

    def object_of(*given: Any) -> dict[str, Any]:
        story.append("worked on")
        return reading.object_of(*given)

    monkeypatch.setattr(endpoint, "received_now", received_now)
    monkeypatch.setattr(endpoint, "object_of", object_of)
    statuses: list[int] = []

    async def ask(client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/boxes", json={"colour": "red"}, headers=site.headers())
        statuses.append(answer.status_code)

    async def run() -> None:
        async with site.client() as client:
            await ask(client)  # what every request waits for is known then: which tokens were revoked
            story.clear()
            async with anyio.create_task_group() as group:
                for _ in range(MANY):
                    group.start_soon(ask, client)

    anyio.run(run)
    assert statuses == [201] * (MANY + 1)
    assert story.index("worked on") >= MANY - 1 and story.count("worked on") == MANY


def test_a_receipt_comes_with_a_command_that_gives_one(site: Site) -> None:
    said = site.post(f"/api/v1/boxes/{site.box()}/things", {"amount": 3}).json()
    assert said["receipt"]["event_id"] == said["events"][0]


def test_the_same_key_is_done_once_and_says_so(site: Site) -> None:
    box, key = site.box(), new_id()
    first = site.post(f"/api/v1/boxes/{box}/things", {"amount": 5}, key=key)
    again = site.post(f"/api/v1/boxes/{box}/things", {"amount": 5}, key=key)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    assert first.json()["version"] == 2
    # Quotes around the key, as the IETF draft writes it, are no other key.
    assert site.post(f"/api/v1/boxes/{box}/things", {"amount": 5}, key=f'"{key}"').json() == first.json()


def test_a_creation_repeated_without_an_id_makes_one_record(site: Site) -> None:
    key = new_id()
    answers = [site.post("/api/v1/boxes", {"colour": "green"}, key=key).json()["id"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert site.post("/api/v1/boxes", {"colour": "green"}, person("keeper"), key=key).json()["id"] != answers[0]


def test_the_same_key_with_other_input_is_refused(site: Site) -> None:
    box, key = site.box(), new_id()
    site.post(f"/api/v1/boxes/{box}/things", {"amount": 5}, key=key)
    refused = problem(site.post(f"/api/v1/boxes/{box}/things", {"amount": 6}, key=key))
    assert (refused["code"], refused["status"]) == ("idempotency_key_reused", 422)


def test_a_command_twice_at_once_is_done_once(site: Site) -> None:
    box, key = site.box(), new_id()
    answers: list[httpx.Response] = []

    def send() -> None:
        answers.append(site.post(f"/api/v1/boxes/{box}/things", {"amount": 7}, key=key))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["events"][0] for answer in answers}) == 1
    assert site.market.sql("SELECT version FROM box.box WHERE id = %s", (box,)) == [(2,)]


def test_a_command_needs_its_key(site: Site) -> None:
    headers = site.headers()
    del headers["Idempotency-Key"]
    refused = problem(site.request("POST", "/api/v1/boxes", json={"colour": "red"}, headers=headers))
    assert (refused["code"], refused["status"]) == ("idempotency_key_missing", 400)


@pytest.mark.parametrize("key", ["k" * 129, "with space", "\u00e9".encode().decode("latin-1")])
def test_a_key_that_is_none_is_refused(site: Site, key: str) -> None:
    headers = site.headers() | {"Idempotency-Key": key.encode("latin-1")}
    refused = problem(site.request("POST", "/api/v1/boxes", json={"colour": "red"}, headers=headers))
    assert (refused["code"], refused["status"]) == ("idempotency_key_malformed", 400)


def test_if_match_guards_a_version(site: Site) -> None:
    box = site.box()
    path = f"/api/v1/boxes/{box}/things"
    done = site.request("POST", path, json={"amount": 1}, headers=site.headers() | {"If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    stale = problem(site.request("POST", path, json={"amount": 1}, headers=site.headers() | {"If-Match": '"1"'}))
    assert (stale["code"], stale["status"], stale["details"]) == ("stale_version", 412, {"expected": 1, "actual": 2})


@pytest.mark.parametrize("said", ["1", 'W/"1"', '"one"', '"1", "2"', '"-1"'])
def test_a_malformed_if_match_is_refused(site: Site, said: str) -> None:
    answer = site.request(
        "POST", f"/api/v1/boxes/{site.box()}/things", json={"amount": 1}, headers=site.headers() | {"If-Match": said}
    )
    assert (problem(answer)["code"], answer.status_code) == ("if_match_malformed", 400)


BAD_BODIES = {
    "not JSON": (b"{", 400, "malformed_json"),
    "NaN": (b'{"amount": NaN}', 400, "malformed_json"),
    "two values under one name": (b'{"amount": 1, "amount": 2}', 400, "malformed_json"),
    "not UTF-8": (b'{"amount": "\xff"}', 400, "malformed_json"),
    "a lone surrogate": (b'{"amount": "\\ud800"}', 400, "malformed_json"),
    "absurdly deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "malformed_json"),
    "too deep": (b'{"a":' * 40 + b"1" + b"}" * 40, 422, "invalid_input"),
    "a list": (b"[]", 422, "invalid_input"),
    "a fraction": (b'{"amount": 1.5}', 422, "invalid_input"),
    "a whole number written as a fraction": (b'{"amount": 1.0}', 422, "invalid_input"),
    "an integer nobody can hold": (b'{"amount": 9007199254740993}', 422, "invalid_input"),
    "a name in Cyrillic": ('{"сумма": 1}'.encode(), 422, "invalid_input"),
    "a wrong type": (b'{"amount": "1"}', 422, "invalid_input"),
    "true for a number": (b'{"amount": true}', 422, "invalid_input"),
    "an unknown field": (b'{"amount": 1, "more": 1}', 422, "invalid_input"),
    "nothing": (b"{}", 422, "invalid_input"),
    "too large a number": (b'{"amount": 1001}', 422, "invalid_input"),
    "another id than the address": (b'{"amount": 1, "id": "0"}', 422, "invalid_input"),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_bad_bodies_are_refused_and_change_nothing(site: Site, what: str) -> None:
    body, status, code = BAD_BODIES[what]
    box = site.box()
    answer = site.request(
        "POST",
        f"/api/v1/boxes/{box}/things",
        content=body,
        headers=site.headers() | {"Content-Type": "application/json"},
    )
    assert (answer.status_code, problem(answer)["code"]) == (status, code)
    assert site.market.sql("SELECT version FROM box.box WHERE id = %s", (box,)) == [(1,)]


def test_refused_input_is_pointed_at(site: Site) -> None:
    path = f"/api/v1/boxes/{site.box()}/things"
    from_the_edge = problem(site.post(path, {"amount": {"a/b": [1, 2.5]}}))
    assert [error["pointer"] for error in from_the_edge["errors"]] == ["/amount/a~1b/1"]
    from_the_service = problem(site.post(path, {"amount": 5000}))
    assert [error["pointer"] for error in from_the_service["errors"]] == ["/amount"]


@pytest.mark.parametrize("announced", [True, False])
def test_ten_megabytes_are_refused_unread(site: Site, announced: bool) -> None:
    taken = 0

    async def body() -> Any:
        nonlocal taken
        for _ in range(160):
            taken += 65_536
            yield b" " * 65_536

    headers = site.headers() | {"Content-Type": "application/json"}
    if announced:
        headers |= {"Content-Length": str(160 * 65_536)}
    answer = site.request("POST", "/api/v1/boxes", content=body(), headers=headers)
    assert (answer.status_code, problem(answer)["code"]) == (413, "body_too_large")
    assert taken <= (65_536 if announced else 1024 * 1024 + 2 * 65_536)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/json; charset=windows-1251", ""])
def test_other_media_types_are_refused(site: Site, kind: str) -> None:
    answer = site.request(
        "POST", "/api/v1/boxes", content=b'{"colour":"red"}', headers=site.headers() | {"Content-Type": kind}
    )
    assert (answer.status_code, problem(answer)["code"]) == (415, "wrong_media_type")


def test_without_a_token_a_command_is_refused_before_its_body_is_read(site: Site) -> None:
    async def body() -> Any:
        raise AssertionError("the body was read")
        yield b""

    answer = site.request("POST", "/api/v1/boxes", content=body(), headers=site.headers(None))
    assert (answer.status_code, problem(answer)["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_bad_tokens_are_refused(site: Site) -> None:
    issuer = TokenIssuer(SigningKey.at(site.market.settings.keys / "access.key"))
    stranger = TokenIssuer(SigningKey.at(site.market.settings.home / "another.key"))
    head, claims, signature = issuer.issue(STRANGER).split(".")
    keeper = json.loads(base64.urlsafe_b64decode(claims + "=="))
    keeper["roles"] = ["keeper"]
    raised = base64.urlsafe_b64encode(json.dumps(keeper).encode()).rstrip(b"=").decode()
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for token in (
        issuer.issue(KEEPER, lifetime_s=-1),
        stranger.issue(KEEPER),
        f"{head}.{raised}.{signature}",
        f"{unsigned}.{raised}.",
        "nonsense",
        "x" * 5000,
    ):
        headers = site.headers(None) | {"Authorization": f"Bearer {token}"}
        answer = site.request("POST", "/api/v1/boxes", json={"colour": "red"}, headers=headers)
        assert (answer.status_code, problem(answer)["code"]) == (401, "unauthenticated"), token[:60]
    basic = site.headers(None) | {"Authorization": "Basic dXNlcjpwYXNz"}
    assert site.request("GET", "/api/v1/totals/red", headers=basic).status_code == 401


def test_another_role_is_refused(site: Site) -> None:
    refused = problem(site.post("/api/v1/boxes", {"colour": "red"}, STRANGER))
    assert (refused["code"], refused["status"], refused["details"]) == ("forbidden_role", 403, {"roles": "keeper"})


def test_a_business_refusal_has_code_rule_and_language(site: Site) -> None:
    box = site.box()
    for _ in range(10):
        site.post(f"/api/v1/boxes/{box}/things", {"amount": 1000})
    path = f"/api/v1/boxes/{box}/things"
    for wanted, lang, sentence in (
        ("", "ru", "Коробка полна: 10000."),
        ("en-GB,en;q=0.9,ru;q=0.1", "en", "The box is full: 10000."),
        ("de", "ru", "Коробка полна: 10000."),
    ):
        answer = site.request("POST", path, json={"amount": 1000}, headers=site.headers() | {"Accept-Language": wanted})
        refused = problem(answer)
        assert (answer.status_code, refused["code"], refused["rule"]) == (409, "box_full", "toy rule 1")
        assert (refused["detail"], answer.headers["content-language"]) == (sentence, lang)
        assert refused["instance"] == path


def test_what_is_not_there_is_missing(site: Site) -> None:
    assert problem(site.post(f"/api/v1/boxes/{new_id()}/things", {"amount": 1}))["status"] == 404
    assert problem(site.post("/api/v1/boxes/not-an-id/things", {"amount": 1}))["status"] == 404
    for path in (
        "/api/v1/nothing",
        "/api/v1",
        "/api/v1/boxes/",
        "/api/v2/boxes",
        "/%00",
        "/problems/x/../../etc/passwd",
    ):
        assert problem(site.request("GET", path))["code"] == "no_such_address", path


def test_a_method_that_an_address_does_not_take(site: Site) -> None:
    answer = site.request("DELETE", "/api/v1/boxes")
    assert (answer.status_code, problem(answer)["code"], answer.headers["allow"]) == (405, "method_not_allowed", "POST")


def test_the_call_carries_the_clients_correlation_id_into_the_log(site: Site) -> None:
    story = new_id()
    answer = site.request(
        "POST", "/api/v1/boxes", json={"colour": "red"}, headers=site.headers() | {"X-Correlation-Id": story}
    )
    assert answer.headers["x-correlation-id"] == story
    site.market.work()
    event = answer.json()["events"][0]
    entry = bytes(site.market.sql("SELECT entry FROM box.log WHERE event_id = %s", (event,))[0][0])
    assert json.loads(entry)["event"]["correlationid"] == story
    odd = site.request("GET", "/healthz", headers={"X-Request-Id": "<script>"})
    assert "<" not in odd.headers["x-request-id"]


def test_too_many_requests_of_an_account_wait(site: Site) -> None:
    options = Options(rates=Rates(None, None, Rate(burst=2, per_second=0.5)))
    asked = [("GET", "/api/v1/totals/red", {"headers": site.headers()})] * 3
    answers = site.requests(asked, options=options)
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert problem(answers[2])["code"] == "too_many_requests" and answers[2].headers["retry-after"] == "2"
    other = site.requests([("GET", "/api/v1/totals/red", {"headers": site.headers(STRANGER)})], options=options)
    assert other[0].status_code == 200


class _Slow:
    """A bus whose service doesn't answer until it is told to."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def command(self, service: str, name: str, data: Any, call: Any) -> dict[str, Any]:
        self.release.wait(20)
        return {"id": "", "version": 0, "events": [], "reply": {}}

    query = command


def test_a_service_that_does_not_answer_is_a_503_with_the_key_to_repeat(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.calls.GRACE_S", -9.9)
    bus = _Slow()
    started = time.monotonic()
    answers = site.requests(
        [("POST", "/api/v1/boxes", {"json": {"colour": "red"}, "headers": site.headers()})], bus=bus
    )
    bus.release.set()
    assert (answers[0].status_code, problem(answers[0])["code"]) == (503, "no_answer")
    assert answers[0].headers["retry-after"] == "1" and time.monotonic() - started < 5


def test_more_calls_than_are_held_are_turned_away(site: Site) -> None:
    import anyio

    bus = _Slow()
    statuses: list[int] = []

    async def run() -> None:
        options = Options(rates=UNLIMITED, calls_at_once=1, calls_waiting=1)
        async with site.client(bus=bus, options=options) as client, anyio.create_task_group() as group:

            async def send() -> None:
                answer = await client.post("/api/v1/boxes", json={"colour": "red"}, headers=site.headers())
                statuses.append(answer.status_code)
                if answer.status_code == 503:
                    assert problem(answer)["code"] == "overloaded"
                    bus.release.set()

            for _ in range(3):
                group.start_soon(send)

    anyio.run(run)
    assert sorted(statuses) == [201, 201, 503]


def test_a_service_that_is_gone_is_a_503(site: Site) -> None:
    from kernel.bus.local import LocalBus

    answer = site.requests(
        [("POST", "/api/v1/boxes", {"json": {"colour": "red"}, "headers": site.headers()})], bus=LocalBus()
    )[0]
    assert (answer.status_code, problem(answer)["code"]) == (503, "unavailable")


def test_an_unexpected_error_is_a_problem_and_not_a_traceback(site: Site) -> None:
    class Broken:
        def command(self, *_: Any) -> dict[str, Any]:
            raise ZeroDivisionError("secret detail")

        query = command

    answer = site.requests(
        [("POST", "/api/v1/boxes", {"json": {"colour": "red"}, "headers": site.headers()})], bus=Broken()
    )[0]
    assert (answer.status_code, problem(answer)["code"]) == (500, "internal_error")
    assert "secret" not in answer.text and answer.headers["x-content-type-options"] == "nosniff"


def test_an_actor_with_the_role_system_cannot_be_made(site: Site) -> None:
    with pytest.raises(ValueError, match="system"):
        site.market.token(Actor(new_id(), frozenset({"system"})))

"""The local bus carries bytes, not objects: nothing is shared, what can't be written isn't carried."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kernel.bus.call import Call, Caller
from kernel.bus.local import LocalBus
from kernel.identity import SigningKey, check_stamp, stamp_message
from kernel.refusal import Refused


class Echo:
    """Gives back what reached it, and keeps the object."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.answer: dict[str, Any] = {}

    def command(self, name: str, data: Any, call: Call) -> dict[str, Any]:
        self.seen.append(data)
        self.answer = {"reply": {"name": name, "data": data, "key": call.key}, "kind": "command"}
        return self.answer

    def query(self, name: str, params: Any, call: Call) -> dict[str, Any]:
        return {"reply": {"name": name, "params": params, "wait": call.wait}, "kind": "query"}


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def bus(echo: Echo) -> LocalBus:
    made = LocalBus()
    made.attach("echo", echo)
    return made


def test_commands_and_queries_reach_their_service_with_their_call(bus: LocalBus) -> None:
    assert bus.command("echo", "do", {"a": 1}, Call(key="k")) == {
        "reply": {"name": "do", "data": {"a": 1}, "key": "k"}, "kind": "command",
    }  # fmt: skip
    assert bus.query("echo", "ask", {"b": None}, Call(wait="box/1")) == {
        "reply": {"name": "ask", "params": {"b": None}, "wait": "box/1"}, "kind": "query",
    }  # fmt: skip


def test_nothing_is_shared_between_caller_and_service(bus: LocalBus, echo: Echo) -> None:
    data = {"list": [1]}
    answer = bus.command("echo", "do", data, Call())
    echo.seen[0]["list"].append(2)
    echo.answer["reply"]["data"]["list"].append(3)
    assert data == {"list": [1]} and answer["reply"]["data"] == {"list": [1]}


def test_what_no_wire_could_carry_is_not_carried_here_either(bus: LocalBus) -> None:
    for data in ({"a": object()}, {"a": 2**70}, {1: "a"}):
        with pytest.raises(TypeError):
            bus.command("echo", "do", data, Call())  # type: ignore[dict-item]


def test_a_service_that_is_not_there_is_a_refusal_that_says_so(bus: LocalBus) -> None:
    bus.detach("echo")
    bus.detach("echo")
    for answer in (bus.command("echo", "do", {}, Call()), bus.query("nowhere", "ask", {}, Call())):
        assert answer["refused"]["code"] == "unavailable" and answer["refused"]["kind"] == "busy"
    assert "nowhere" in bus.query("nowhere", "ask", {}, Call())["refused"]["en"]


KEY = SigningKey(Ed25519PrivateKey.generate())


def test_a_call_is_stamped_over_its_own_parts() -> None:
    at = datetime(2027, 1, 1, tzinfo=UTC)
    call = Caller(KEY, 10.0).call("orders.bid", b"h" * 32, token="t", key="k", received_at=at, expected_version=3)
    assert (call.key, call.received_at, call.expected_version) == ("k", "2027-01-01T00:00:00.000000Z", 3)
    assert 9 < call.deadline - time.time() <= 10
    stamp = base64.b64decode(call.stamp)
    check_stamp(KEY.public, stamp, stamp_message(call.received_at, "orders.bid", "k", "t", b"h" * 32))
    with pytest.raises(Refused):
        check_stamp(KEY.public, stamp, stamp_message(call.received_at, "orders.bid", "l", "t", b"h" * 32))


def test_every_call_has_a_key_and_a_correlation_of_its_own_and_survives_the_wire() -> None:
    caller = Caller(KEY, 10.0)
    one, two = (caller.call("a.b", b"", token=None) for _ in range(2))
    assert len({one.key, two.key, one.correlation_id, two.correlation_id}) == 4
    assert Call.from_dict(one.to_dict()) == one
    assert replace(one, key="other") != one

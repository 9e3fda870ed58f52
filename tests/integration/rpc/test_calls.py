"""Commands and queries over RabbitMQ, one process of the service: what is asked is answered, whatever it is."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import orjson
import pytest
from amqp import Message

from kernel.bus import wire
from kernel.bus.broker import connect, drop
from kernel.bus.call import Call
from kernel.ids import new_id
from kernel.settings import PROJECT
from tests.integration.rpc.street import KEEPER, Replica, Street, shortened


@pytest.fixture(scope="module")
def replica(street: Street) -> Iterator[Replica]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    yield street.start(MARKET_METRICS_PORT=str(port))


def test_a_command_is_done_and_a_query_sees_it(street: Street, replica: Replica) -> None:
    async def story() -> None:
        box_id = new_id()
        async with street.bus() as bus:
            opened = await street.do(bus, "open_box", {"id": box_id, "colour": "blue"})
            assert opened["reply"] == {"colour": "blue"} and opened["version"] == 1
            put = await street.do(bus, "put", {"id": box_id, "amount": 7})
            assert put["reply"] == {"held": 7} and put["receipt"]["event_id"] == put["events"][0]
            assert await street.total(bus, "blue") == {"reply": {"amount": 7}}

    anyio.run(story)


def test_a_refusal_is_data(street: Street, replica: Replica) -> None:
    async def story() -> None:
        async with street.bus() as bus:
            answer = await street.do(bus, "put", {"id": new_id(), "amount": 7})
            assert answer["refused"]["code"] == "not_found"
            data = {"id": street.box(), "amount": 1}
            stranger = street.market.call("box.put", data, None)
            assert (await bus.command("box", "put", data, stranger))["refused"]["code"] == "unauthenticated"
            forged = {**data, "amount": 2}
            call = street.market.call("box.put", data, KEEPER)
            assert (await bus.command("box", "put", forged, call))["refused"]["code"] == "unauthenticated"

    anyio.run(story)


def test_unknown_methods_and_services_are_refused_at_once(street: Street, replica: Replica) -> None:
    async def story() -> None:
        call = street.market.call("box.total_of", {}, KEEPER)
        async with street.bus() as bus:
            await bus.query("box", wire.PROBE, {}, call)  # connected
            started = time.monotonic()
            assert (await bus.command("box", "burn", {}, call))["refused"]["code"] == "not_found"
            assert (await bus.command("nobody", "burn", {}, call))["refused"]["code"] == "unavailable"
            assert time.monotonic() - started < 2

    anyio.run(story)


def test_the_probe_tells_the_markets_time(street: Street, replica: Replica) -> None:
    async def story() -> dict[str, Any]:
        async with street.bus() as bus:
            return await bus.query("box", wire.PROBE, {}, Call(deadline=time.time() + 5))

    told = anyio.run(story)["reply"]
    assert told["sandbox"] is False and told["now"].endswith("Z")


def test_namekos_own_client_is_understood(street: Street, replica: Replica) -> None:
    box_id = street.box("stock")
    put = {"id": box_id, "amount": 4}
    asked = [
        ("put", put, street.market.call("box.put", put, KEEPER)),
        ("total_of", {"colour": "stock"}, street.market.call("box.total_of", {"colour": "stock"}, KEEPER)),
        ("burn", {}, Call()),
        ("put", put, Call()),
    ]
    lines = [{"service": "box", "method": m, "data": d, "call": c.to_dict()} for m, d, c in asked]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.integration.rpc.stock_client", street.url],
        cwd=PROJECT, input=b"\n".join(map(orjson.dumps, lines)), stdout=subprocess.PIPE, check=True, timeout=60,
    )  # fmt: skip
    first, second, third, fourth = map(orjson.loads, done.stdout.splitlines())
    assert first["reply"] == {"held": 4}
    assert second == {"reply": {"amount": 4}}
    assert third["refused"]["code"] == "not_found"
    assert fourth["refused"]["code"] == "deadline_passed"


UNREADABLE = {
    "no JSON": b"\xff\xfe not json",
    "nothing": b"",
    "another shape": b"[1, 2, 3]",
    "no call": orjson.dumps({"args": [], "kwargs": {"data": {}}}),
    "a call that is none": orjson.dumps({"args": [], "kwargs": {"data": {}, "call": 7}}),
    "a deadline that is no number": orjson.dumps({"args": [], "kwargs": {"data": {}, "call": {"deadline": "soon"}}}),
    "too deep": orjson.dumps({"args": [], "kwargs": {}})[:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "too large": b" " * (wire.MOST_BYTES + 1),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cant_be_read_is_answered_with_a_refusal(street: Street, replica: Replica, body: bytes) -> None:
    assert raw(street, body)["refused"]["code"] == "invalid_input"
    assert replica.process.poll() is None


def test_who_names_no_place_for_the_answer_still_is_served(street: Street, replica: Replica) -> None:
    box_id = street.box()
    data = {"id": box_id, "amount": 3}
    raw(street, wire.request(data, street.market.call("box.put", data, KEEPER)), reply=False)
    raw(street, b"nonsense", reply=False)
    assert raw(street, b"nonsense")["refused"]["code"] == "invalid_input"  # the earlier ones are done with
    assert street.held(box_id) == 3


def test_a_call_whose_time_is_over_is_not_begun(street: Street, replica: Replica) -> None:
    box_id = street.box()
    data = {"id": box_id, "amount": 3}
    late = shortened(street.market.call("box.put", data, KEEPER), -1)
    assert raw(street, wire.request(data, late))["refused"]["code"] == "deadline_passed"
    assert street.held(box_id) == 0


def test_two_thousand_calls_in_flight(street: Street, replica: Replica) -> None:
    """More than the service works on at once, and more than one window of the connection."""
    box_id = street.box("crowd")

    async def story() -> None:
        answers: list[dict[str, Any]] = []
        async with street.bus() as bus:

            async def ask() -> None:
                answers.append(await street.total(bus, "crowd"))

            async with anyio.create_task_group() as asking:
                for _ in range(1900):
                    asking.start_soon(ask)
                for _ in range(100):
                    asking.start_soon(street.do, bus, "put", {"id": box_id, "amount": 1})
        assert len(answers) == 1900
        assert all("reply" in answer for answer in answers)

    anyio.run(story)
    assert street.held(box_id) == 100


def test_its_port_tells_alive_ready_and_metrics(street: Street, replica: Replica) -> None:
    at = f"http://127.0.0.1:{replica.until_it_says('probes')['port']}"
    assert httpx.get(f"{at}/healthz").json() == {"status": "alive"}
    ready = httpx.get(f"{at}/readyz")
    assert ready.status_code == 200 and ready.json()["parts"]["rpc"] == "ok"
    assert 'market_commands_total{command="put",outcome="done",service="box"}' in httpx.get(f"{at}/metrics").text
    assert httpx.get(f"{at}/secrets").status_code == 404


def raw(street: Street, body: bytes, reply: bool = True) -> dict[str, Any]:
    """Send bytes as they are to `box.put` and wait for the answer, if one is asked for."""
    connection = connect(street.url, "test")
    try:
        channel = connection.channel()
        queue = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(queue, wire.EXCHANGE, queue)
        more = {"reply_to": queue, "correlation_id": "1"} if reply else {}
        channel.basic_publish(Message(body, content_type="application/json", **more), wire.EXCHANGE, "box.put")
        until = time.monotonic() + 10
        while reply and time.monotonic() < until:
            came = channel.basic_get(queue, no_ack=True)
            if came:
                assert came.properties["correlation_id"] == "1"
                return wire.read_reply(came.body if isinstance(came.body, bytes) else came.body.encode())
            time.sleep(0.01)
        assert not reply, "no answer"
        return {}
    finally:
        drop(connection, politely=True)

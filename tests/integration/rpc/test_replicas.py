"""Several processes of one service, and what may happen to them, to the broker and to the connections in mid-flight."""

from __future__ import annotations

import signal
import time
from typing import Any

import anyio
import pytest

from app.rabbit_node import RabbitNode
from kernel.bus.broker import connect, drop
from kernel.bus.client import RabbitBus
from kernel.settings import Settings
from tests.integration.rpc.conftest import MakeStreet
from tests.integration.rpc.street import Replica, Street

Answers = list[dict[str, Any]]
POOL = Settings.model_fields["pool_size"].default


@pytest.fixture(scope="module")
def replicas(street: Street) -> list[Replica]:
    return [street.start(), street.start()]


def test_the_same_key_at_both_replicas_at_once_is_done_once(street: Street, replicas: list[Replica]) -> None:
    box_id = street.box()

    async def story() -> Answers:
        answers: Answers = []
        async with street.bus() as bus:

            async def put() -> None:
                answers.append(await street.do(bus, "put", {"id": box_id, "amount": 1}, key="together"))

            async with anyio.create_task_group() as asking:
                with street.locked(box_id):
                    for _ in range(16):
                        asking.start_soon(put)
                    await street.until_waiting(POOL + 1)  # more than one process has connections for
        return answers

    answers = anyio.run(story)
    assert {answer["version"] for answer in answers} == {2}
    assert sum("replayed" not in answer for answer in answers) == 1
    assert street.held(box_id) == 1


def test_a_process_that_is_told_to_stop_answers_what_it_has_begun(own_street: Street) -> None:
    first = own_street.start()
    box_id = own_street.box()

    async def story() -> None:
        answers: Answers = []
        async with own_street.bus() as bus:

            async def put() -> None:
                answers.append(await own_street.do(bus, "put", {"id": box_id, "amount": 1}))

            async with anyio.create_task_group() as asking:
                with own_street.locked(box_id):
                    asking.start_soon(put)
                    await own_street.until_waiting()
                    first.process.send_signal(signal.SIGTERM)
                    await anyio.sleep(0.3)  # it takes no more calls; nothing tells from outside
                    await anyio.to_thread.run_sync(own_street.start)
                    assert (await own_street.total(bus, "red"))["reply"] == {"amount": 0}  # by the other one
                    assert not answers and first.process.poll() is None
            assert answers[0]["reply"] == {"held": 1} and "replayed" not in answers[0]

    anyio.run(story)
    assert first.process.wait(10) == 0


def test_the_calls_of_a_process_that_dies_are_answered_by_another(own_street: Street) -> None:
    first = own_street.start()
    box_id = own_street.box()

    async def story() -> None:
        answers: Answers = []
        async with own_street.bus() as bus:

            async def put() -> None:
                answers.append(await own_street.do(bus, "put", {"id": box_id, "amount": 1}))

            async with anyio.create_task_group() as asking:
                with own_street.locked(box_id):
                    asking.start_soon(put)
                    await own_street.until_waiting()
                    first.process.kill()
                    await anyio.to_thread.run_sync(own_street.start)
            assert answers[0]["reply"] == {"held": 1}

    anyio.run(story)
    assert own_street.held(box_id) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["stopped", "frozen"])
def test_a_service_that_isnt_there_is_a_clear_error_in_time(own_street: Street, how: int) -> None:
    replica = own_street.start()
    box_id = own_street.box()

    async def story() -> None:
        async with own_street.bus() as bus:
            await own_street.total(bus, "red")
            replica.process.send_signal(how)
            started = time.monotonic()
            answer = await own_street.do(bus, "put", {"id": box_id, "amount": 1}, within=1.0)
            assert answer["refused"]["code"] == "no_answer"
            assert 0.9 < time.monotonic() - started < 2.5
            if how == signal.SIGSTOP:
                replica.process.send_signal(signal.SIGCONT)
            else:
                await anyio.to_thread.run_sync(own_street.start)
            assert "reply" in await own_street.total(bus, "red")

    anyio.run(story)
    assert own_street.held(box_id) == 0  # its time was over before anybody took it up


def test_connections_closed_in_mid_flight(make_street: MakeStreet, rabbit: RabbitNode) -> None:
    """The broker drops everybody: what was under way is sent again under its key, and what comes next works."""
    street = make_street(rabbit.add_vhost("closed"))
    street.start()
    box_id = street.box()

    async def story() -> None:
        answers: Answers = []
        async with street.bus() as bus:

            async def put(key: str) -> None:
                answers.append(await street.do(bus, "put", {"id": box_id, "amount": 1}, key=key))

            async with anyio.create_task_group() as asking:
                with street.locked(box_id):
                    for number in range(5):
                        asking.start_soon(put, f"key {number}")
                    await street.until_waiting(1)
                    await anyio.to_thread.run_sync(
                        rabbit.rabbitmqctl, "close_all_connections", "--vhost", "closed", "test"
                    )
                    await until_lost(bus)
            assert len(answers) == 5
            assert all("reply" in answer for answer in answers), answers
            assert (await street.do(bus, "put", {"id": box_id, "amount": 0}))["reply"] == {"held": 5}

    anyio.run(story)


def test_a_broker_that_is_away_is_waited_for(make_street: MakeStreet, rabbit: RabbitNode) -> None:
    """Away at the start, and away for a while: refused soon and clearly, and everything goes on when it is back."""
    street = make_street(rabbit.add_vhost("away"))
    rabbit.stop()
    replica = street.start(wait=False)
    replica.until_it_says("no connection to the broker, trying again", times=2)
    rabbit.start()
    replica.until_it_says("taking calls")
    anyio.run(_away_for_a_while, street, rabbit, replica)
    assert replica.stop() == 0


async def _away_for_a_while(street: Street, rabbit: RabbitNode, replica: Replica) -> None:
    async with street.bus() as bus:
        assert "reply" in await street.total(bus, "red")
        await anyio.to_thread.run_sync(rabbit.kill)
        await until_lost(bus)
        started = time.monotonic()
        assert (await street.total(bus, "red"))["refused"]["code"] == "unavailable"
        assert time.monotonic() - started < 4
        await anyio.to_thread.run_sync(rabbit.start)
        await anyio.to_thread.run_sync(replica.until_it_says, "taking calls", 2)
        with anyio.fail_after(10):
            while "reply" not in await street.total(bus, "red"):
                await anyio.sleep(0.1)


def test_a_replica_stops_while_the_broker_is_away(own_street: Street) -> None:
    replica = own_street.start(broker="amqp://guest:guest@127.0.0.1:1/", wait=False)
    replica.until_it_says("no connection to the broker, trying again")
    assert replica.stop() == 0


def test_a_deleted_queue_comes_back(own_street: Street) -> None:
    replica = own_street.start()
    connection = connect(own_street.url, "test")
    connection.channel().queue_delete("rpc-box")
    drop(connection, politely=True)
    replica.until_it_says("taking calls", times=2)

    async def story() -> None:
        async with own_street.bus() as bus:
            assert "reply" in await own_street.total(bus, "red")

    anyio.run(story)


async def until_lost(bus: RabbitBus) -> None:
    with anyio.fail_after(10):
        while bus.connected:
            await anyio.sleep(0.005)

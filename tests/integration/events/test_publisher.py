"""Publishing: what is on the wire, and that nothing counts as published which the broker hasn't confirmed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import orjson
import pytest
from amqp import Channel, Connection

from app.rabbit_node import RabbitNode
from kernel.bus.broker import connect, drop
from kernel.bus.publisher import RabbitTransport
from kernel.bus.topology import declare
from kernel.publisher import Publisher, Sealed
from kernel.traceparent import place_of_event
from tests.integration.events.post import Post, metric

pytestmark = pytest.mark.needs("rabbitmq")


def some(count: int, size: int = 10) -> list[Sealed]:
    return [Sealed(n, "market.box.ThingPut.v1", b"x" * size, f"id-{n}") for n in range(1, count + 1)]


def bind(channel: Channel, queue: str, **arguments: object) -> None:
    names = {name.replace("_", "-"): value for name, value in arguments.items()}
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=names)
    channel.queue_bind(queue, "box.events", "#")


def ready(channel: Channel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).message_count)


@pytest.fixture
def broker(amqp_url: str) -> Iterator[Connection]:
    connection = connect(amqp_url, "test")
    declare(connection, ["box"], [])
    yield connection
    drop(connection)


@pytest.fixture
def channel(broker: Connection) -> Iterator[Channel]:
    made = broker.channel()
    made.auto_decode = False
    yield made
    for queue in ("seen", "full"):
        made.queue_delete(queue)


@pytest.fixture
def transport(amqp_url: str) -> Iterator[RabbitTransport]:
    made = RabbitTransport(amqp_url, "box", confirm_s=5)
    yield made
    made.close()


def test_the_bytes_on_the_wire_are_the_entrys_own(post: Post) -> None:
    connection = connect(post.url, "test")
    channel = connection.channel()
    channel.auto_decode = False
    bind(channel, "seen")
    box_id = post.open_boxes(1)[0]
    worker = post.market.installation.workers["box"]
    worker.sealer.seal()
    Publisher("box", post.market.installation.hosts["box"].engine, RabbitTransport(post.url, "box")).publish()
    [(sequence, event_id, type_, entry)] = post.market.sql(
        "SELECT sequence, event_id::text, type, entry FROM box.log WHERE subject = %s", (f"Box/{box_id}",)
    )
    message = channel.basic_get("seen", no_ack=True)
    drop(connection)
    assert message.body == bytes(entry)
    assert message.delivery_info["exchange"] == "box.events"
    assert message.delivery_info["routing_key"] == "BoxOpened"
    assert message.properties["message_id"] == event_id
    assert message.properties["delivery_mode"] == 2
    assert message.properties["content_type"] == "application/json"
    correlation_id = orjson.loads(bytes(entry))["event"]["correlationid"]
    assert message.properties["application_headers"] == {
        "sequence": sequence,
        "type": type_,
        "traceparent": str(place_of_event(correlation_id, event_id)),
    }


def test_many_messages_are_confirmed_together_and_a_large_one_in_pieces(
    channel: Channel, transport: RabbitTransport
) -> None:
    bind(channel, "seen")
    transport.publish("box", some(1_234))
    transport.publish("box", some(2, size=400_000))
    assert ready(channel, "seen") == 1_236
    bodies = [channel.basic_get("seen", no_ack=True).body for _ in range(1_236)]
    assert [len(body) for body in bodies[-2:]] == [400_000, 400_000]


def test_a_refused_message_is_an_error_and_the_connection_is_dropped(
    channel: Channel, transport: RabbitTransport
) -> None:
    bind(channel, "full", x_max_length=10, x_overflow="reject-publish")
    with pytest.raises(ConnectionError, match="refused"):
        transport.publish("box", some(50))
    assert metric("market_bus_connected", service="box", part="publisher") == 0
    channel.queue_delete("full")
    bind(channel, "seen")
    transport.publish("box", some(50))
    assert ready(channel, "seen") == 50
    assert metric("market_bus_connected", service="box", part="publisher") == 1


def test_what_no_queue_wants_is_counted_and_holds_nothing_up(channel: Channel, transport: RabbitTransport) -> None:
    before = metric("market_bus_unrouted_total", service="box")
    transport.publish("box", some(7))
    assert metric("market_bus_unrouted_total", service="box") == before + 7
    bind(channel, "seen")
    transport.publish("box", some(3))
    assert metric("market_bus_unrouted_total", service="box") == before + 7


def test_an_exchange_that_is_not_there_is_an_error(transport: RabbitTransport) -> None:
    with pytest.raises(Exception, match=r"no exchange 'nobody\.events'"):
        transport.publish("nobody", some(1))


def test_nothing_counts_as_published_while_the_broker_is_away(rabbit: RabbitNode, rabbit_url: str) -> None:
    connection = connect(rabbit_url, "test")
    declare(connection, ["box"], [])
    bind(connection.channel(), "seen")
    drop(connection)
    transport = RabbitTransport(rabbit_url, "box", confirm_s=1.0)
    transport.publish("box", some(10))
    rabbit.pause()
    began = time.monotonic()
    with pytest.raises(ConnectionError, match="10 messages unconfirmed"):
        transport.publish("box", some(10))
    assert time.monotonic() - began < 3
    rabbit.resume()
    transport.publish("box", some(10))
    rabbit.kill()
    with pytest.raises(OSError):
        transport.publish("box", some(10))
    rabbit.start()
    transport.publish("box", some(10))
    connection = connect(rabbit_url, "test")
    assert ready(connection.channel(), "seen") >= 30
    drop(connection)


@pytest.mark.parametrize("resource", ["memory", "disk"])
def test_an_alarm_of_the_broker_is_noticed_at_once(rabbit: RabbitNode, rabbit_url: str, resource: str) -> None:
    alarm, calm = {
        "memory": (("set_vm_memory_high_watermark", "0.00001"), ("set_vm_memory_high_watermark", "0.4")),
        "disk": (("set_disk_free_limit", "900GB"), ("set_disk_free_limit", "50MB")),
    }[resource]
    connection = connect(rabbit_url, "test")
    declare(connection, ["box"], [])
    bind(connection.channel(), "seen")
    drop(connection)
    transport = RabbitTransport(rabbit_url, "box", confirm_s=5.0)
    transport.publish("box", some(1))
    rabbit.rabbitmqctl(*alarm)
    try:
        began = time.monotonic()
        with pytest.raises(ConnectionError, match="short of memory or disk"):
            for _ in range(2):  # the alarm is heard by what is published after it
                transport.publish("box", some(1))
        assert time.monotonic() - began < 4
    finally:
        rabbit.rabbitmqctl(*calm)
    transport.publish("box", some(1))
    transport.close()

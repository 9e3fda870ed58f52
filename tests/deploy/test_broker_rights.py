"""On a real RabbitMQ with the installation's definitions: each service does its own work, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.request import urlopen
from uuid import uuid4

import amqp
import pytest
from amqp.exceptions import AccessRefused

from app.deploy.broker import broker_services, exchange_of, subscriptions, users
from kernel.bus.broker import connect, drop
from kernel.bus.topology import DEAD
from tests.deploy.broker import DeployedNode
from tests.support import eventually

pytestmark = pytest.mark.needs("rabbitmq")
Work = Callable[[amqp.Channel], object]
SOURCES = sorted({line["source"] for line in subscriptions()})


def does(broker: DeployedNode, user: str, work: Work) -> bool:
    """Whether `user` may do `work`. What the broker says of other mistakes is raised."""
    connection = connect(broker.url_of(user), f"rights of {user}")
    try:
        channel = connection.channel()
        channel.confirm_select()
        work(channel)
        channel.close()
        return True
    except AccessRefused:
        return False
    finally:
        drop(connection)


def publishes(exchange: str, key: str) -> Work:
    def work(channel: amqp.Channel) -> None:
        channel.basic_publish_confirm(amqp.Message(b"{}"), exchange=exchange, routing_key=key)

    return work


def consumes(queue: str) -> Work:
    return lambda channel: channel.basic_consume(queue, callback=lambda message: None, no_ack=True)


def serves(service: str) -> Work:
    """What the edge of a service asks for (kernel/bus/nameko_edge.py)."""

    def work(channel: amqp.Channel) -> None:
        channel.exchange_declare("nameko-rpc", "topic", passive=True, durable=True)
        channel.queue_declare(f"rpc-{service}", durable=True, auto_delete=False)
        channel.queue_bind(f"rpc-{service}", "nameko-rpc", f"{service}.*")
        channel.basic_consume(f"rpc-{service}", callback=lambda message: None)

    return work


def takes_replies(channel: amqp.Channel) -> None:
    """What the gateway asks for (kernel/bus/client.py)."""
    key = str(uuid4())
    channel.queue_declare(f"rpc.reply-gateway-{key}", exclusive=True)
    channel.queue_bind(f"rpc.reply-gateway-{key}", "nameko-rpc", key)
    channel.basic_consume(f"rpc.reply-gateway-{key}", callback=lambda message: None, no_ack=True)


def test_there_is_no_guest_and_everybody_needs_a_password(broker: DeployedNode) -> None:
    listed = broker.rabbitmqctl("list_users", "--no-table-headers").split()
    assert set(users()) <= set(listed) and "guest" not in listed
    for wrong in ("", "guest", "orders"):
        with pytest.raises((AccessRefused, OSError)):
            connect(re.sub(r"//orders:[^@]*@", f"//orders:{wrong}@", broker.url_of("orders")), "no right password")


@pytest.mark.parametrize("service", broker_services())
def test_a_service_serves_answers_publishes_and_subscribes_under_its_own_name(
    broker: DeployedNode, service: str
) -> None:
    assert does(broker, service, serves(service))
    assert does(broker, service, publishes("nameko-rpc", str(uuid4())))
    exchange = exchange_of(service)
    assert exchange is None or does(broker, service, publishes(exchange, "SomethingHappened"))
    for line in subscriptions():
        if line["consumer"] == service:
            assert does(broker, service, consumes(line["queue"]))


@pytest.mark.parametrize("service", broker_services())
def test_a_service_is_refused_at_everything_of_another(broker: DeployedNode, service: str) -> None:
    other = next(name for name in SOURCES if name != service)
    foreign = next(line["queue"] for line in subscriptions() if line["consumer"] != service)
    for work in (
        serves(other),
        publishes(f"{other}.events", "SomethingHappened"),
        publishes("nameko-rpc", f"{other}.a_command"),
        publishes("nameko-rpc", f"{service}.a_command"),
        publishes(DEAD, ""),
        publishes("", foreign),
        consumes(foreign),
        lambda channel: channel.exchange_delete("orders.events"),
        lambda channel: channel.queue_declare(f"market.{service}.of-its-own"),
        lambda channel: channel.queue_purge(foreign),
        takes_replies,
    ):
        assert not does(broker, service, work)


def test_a_service_cannot_listen_to_calls_for_another_in_its_own_queue(broker: DeployedNode) -> None:
    def listens(channel: amqp.Channel) -> None:
        channel.queue_declare("rpc-orders", durable=True, auto_delete=False)
        channel.queue_bind("rpc-orders", "nameko-rpc", "vault.*")

    assert not does(broker, "orders", listens)


def test_the_gateway_asks_every_service_and_publishes_no_event(broker: DeployedNode) -> None:
    assert does(broker, "gateway", takes_replies)
    for service in broker_services():
        assert does(broker, "gateway", publishes("nameko-rpc", f"{service}.are_you_there"))
        assert not does(broker, "gateway", serves(service))
    for source in SOURCES:
        assert not does(broker, "gateway", publishes(f"{source}.events", "SomethingHappened"))
    assert not does(broker, "gateway", publishes("nameko-rpc", str(uuid4())))  # an answer in somebody's place


def test_whoever_scales_may_look_and_touch_nothing(broker: DeployedNode) -> None:
    queue = subscriptions()[0]["queue"]
    assert does(broker, "scaler", lambda channel: channel.queue_declare(queue, passive=True))
    for work in (consumes(queue), publishes("orders.events", "X"), publishes(DEAD, "")):
        assert not does(broker, "scaler", work)


def test_prometheus_reads_the_depth_of_every_queue(broker: DeployedNode) -> None:
    """The addresses and names that deploy/prometheus counts on."""
    asked = "metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count&vhost=market"
    depth = re.compile(r'^rabbitmq_detailed_queue_messages\{vhost="market",queue="([^"]+)"\}', re.MULTILINE)
    wanted = {str(line["queue"]) for line in subscriptions()} | {"market.dead.v1"}
    eventually(lambda: wanted <= set(depth.findall(metrics(broker, asked))), timeout_s=30)  # told every 5 s
    for name in ("rabbitmq_alarms_memory_used_watermark", "rabbitmq_alarms_free_disk_space_watermark"):
        assert re.search(rf"^{name}[ {{]", metrics(broker, "metrics"), re.MULTILINE)


def metrics(broker: DeployedNode, asked: str) -> str:
    with urlopen(f"http://127.0.0.1:{broker.metrics_port}/{asked}", timeout=10) as answer:
        return str(answer.read().decode())

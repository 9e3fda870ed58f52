"""A broker that stops, dies, freezes, is full, loses queues or connections: the log goes on, and nothing is doubled."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from app.rabbit_node import RabbitNode
from kernel.bus.topology import queue_of
from tests.integration.events.conftest import MakePost
from tests.integration.events.post import Post, metric
from tests.rabbit import declare_for

pytestmark = [pytest.mark.needs("rabbitmq"), pytest.mark.timeout(180)]

Deed = Callable[[RabbitNode], object]
# A queue younger than this doesn't outlive the power: RabbitMQ has its beginnings in memory only, comes back with the
# queue's name and confirms nothing that is sent to it. Topology is declared by a job, long before there is traffic.
GROWN_UP_S = 8.0
AWAY: dict[str, tuple[Deed, Deed]] = {
    "stopped": (RabbitNode.stop, RabbitNode.start),
    "killed": (RabbitNode.kill, RabbitNode.start),
    "frozen": (RabbitNode.pause, RabbitNode.resume),
    "out of memory": (
        lambda node: node.rabbitmqctl("set_vm_memory_high_watermark", "0.00001"),
        lambda node: node.rabbitmqctl("set_vm_memory_high_watermark", "0.4"),
    ),
    "out of disk": (
        lambda node: node.rabbitmqctl("set_disk_free_limit", "900GB"),
        lambda node: node.rabbitmqctl("set_disk_free_limit", "50MB"),
    ),
    "deaf": (
        lambda node: (
            node.rabbitmqctl("suspend_listeners"),
            node.rabbitmqctl("close_all_connections", "--global", "test"),
        ),
        lambda node: node.rabbitmqctl("resume_listeners"),
    ),
}


@pytest.fixture
def post(make_post: MakePost, rabbit_url: str) -> Post:
    return make_post(rabbit_url)


def comes_by_the_broker(post: Post, boxes: list[str]) -> None:
    """From now on events are brought, not read from the log."""

    def one_more() -> bool:
        before = post.brought()
        post.fill(boxes, 1)
        post.everything_has_arrived()
        return post.brought() > before

    post.until(one_more, 40)


@pytest.mark.parametrize("fault", AWAY)
def test_the_log_goes_on_while_the_broker_is_away(post: Post, rabbit: RabbitNode, fault: str) -> None:
    away, back = AWAY[fault]
    if fault == "killed":
        time.sleep(GROWN_UP_S)
    box, mirror = post.attach("box"), post.attach("mirror")
    boxes = post.open_boxes()
    comes_by_the_broker(post, boxes)
    away(rabbit)
    try:
        post.fill(boxes, 150)
        post.until(lambda: post.value("SELECT count(*) FROM box.outbox") == 0, 3)  # sealing waits for no broker
        post.everything_has_arrived()
        assert box.health()["unpublished"] > 0, "something was published: the fault was none"
    finally:
        back(rabbit)
    post.fill(boxes, 50)
    post.until(lambda: box.health()["unpublished"] == 0, 40)
    comes_by_the_broker(post, boxes)
    assert mirror.health()["bus"] == {"connected": True, "queues_missing": {}}
    post.everything_has_arrived()


def test_all_queues_deleted_in_mid_season(post: Post, rabbit: RabbitNode) -> None:
    post.attach("box")
    mirror = post.attach("mirror")
    vhost = post.url.rsplit("/", 1)[1]
    boxes = post.open_boxes()
    comes_by_the_broker(post, boxes)
    queues = rabbit.rabbitmqctl("list_queues", "-p", vhost, "name", "--no-table-headers").split()
    assert queue_of("mirror", "box") in queues
    for queue in queues:
        rabbit.rabbitmqctl("delete_queue", "-p", vhost, queue)
    post.fill(boxes, 150)
    post.everything_has_arrived()
    post.until(lambda: "no queue" in mirror.health()["bus"]["queues_missing"].get("box", ""))
    assert metric("market_bus_queue_missing", service="mirror", source="box") == 1
    assert declare_for(post.url, post.market.services).made == ["market.dead.v1", queue_of("mirror", "box")]
    comes_by_the_broker(post, boxes)
    assert mirror.health()["bus"]["queues_missing"] == {}
    assert metric("market_bus_queue_missing", service="mirror", source="box") == 0


def test_connections_closed_again_and_again(post: Post, rabbit: RabbitNode) -> None:
    post.spawn("box")
    post.attach("mirror")
    boxes = post.open_boxes()
    for _ in range(4):
        post.fill(boxes, 40)
        assert "Closed 0" not in rabbit.rabbitmqctl("close_all_connections", "--global", "test")
        post.fill(boxes, 10)
    post.everything_has_arrived()
    comes_by_the_broker(post, boxes)


def test_a_service_without_the_right_to_write_is_followed_by_its_log(post: Post, rabbit: RabbitNode) -> None:
    vhost = post.url.rsplit("/", 1)[1]
    rabbit.rabbitmqctl("add_user", f"narrow-{vhost}", "secret")
    rabbit.rabbitmqctl("set_permissions", "-p", vhost, f"narrow-{vhost}", "^$", "^mirror\\.", ".*")
    mirror = post.attach("mirror")
    post.url = post.url.replace("guest:guest", f"narrow-{vhost}:secret")
    box = post.attach("box")
    post.fill(post.open_boxes(), 150)
    post.everything_has_arrived()
    assert box.health()["unpublished"] == 153
    assert mirror.consumer.well()
    assert metric("market_worker_failures_total", service="box", duty="publish") > 0

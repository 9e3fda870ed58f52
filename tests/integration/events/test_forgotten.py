"""A consumer that stays away: its queue doesn't grow for ever, and nothing that was in it is lost."""

from __future__ import annotations

import pytest

from app.rabbit_node import RabbitNode
from kernel.bus import topology
from kernel.bus.broker import connect, drop
from kernel.bus.topology import queue_of
from tests.integration.events.conftest import MakePost
from tests.integration.events.post import Post
from tests.rabbit import declare_for

pytestmark = pytest.mark.needs("rabbitmq")
QUEUE = queue_of("mirror", "box")
AWAY_MS = 1500


def depth(post: Post) -> int:
    """How many messages wait for the mirror. Asking is use: the time begins anew."""
    connection = connect(post.url, "test")
    count = int(connection.channel().queue_declare(QUEUE, passive=True).message_count)
    drop(connection)
    return count


def is_there(rabbit: RabbitNode, post: Post) -> bool:
    vhost = post.url.rsplit("/", 1)[1]
    return QUEUE in rabbit.rabbitmqctl("list_queues", "-p", vhost, "name", "--no-table-headers").split()


def test_a_queue_that_nobody_reads_is_forgotten_and_its_events_come_by_the_log(
    make_post: MakePost, rabbit_url: str, rabbit: RabbitNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(topology.SUBSCRIPTION_ARGUMENTS, "x-expires", AWAY_MS)
    post = make_post(rabbit_url)
    box = post.attach("box")
    boxes = post.open_boxes()
    post.fill(boxes, 150)
    post.until(lambda: depth(post) == 153)
    post.until(lambda: not is_there(rabbit, post))
    post.fill(boxes, 50)  # to whom the others' queues are all there is
    post.until(lambda: box.health()["unpublished"] == 0)
    mirror = post.attach("mirror")
    post.everything_has_arrived()
    assert "no queue" in mirror.health()["bus"]["queues_missing"]["box"]
    assert declare_for(post.url, post.market.services).made == [QUEUE]
    post.until(mirror.consumer.well)
    before = post.brought()
    post.fill(boxes, 50)
    post.everything_has_arrived()
    assert post.brought() - before >= 50, "it came by the log, not by the broker"


def test_a_queue_is_kept_while_its_consumer_is_there_and_while_it_is_away_for_a_while(
    make_post: MakePost, rabbit_url: str, rabbit: RabbitNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(topology.SUBSCRIPTION_ARGUMENTS, "x-expires", AWAY_MS)
    post = make_post(rabbit_url)
    post.attach("box")
    mirror = post.attach("mirror")
    boxes = post.open_boxes()
    for _ in range(3):  # longer than the time, all in all
        post.fill(boxes, 5)
        post.until(mirror.consumer.well)
        post.everything_has_arrived()
        rabbit.rabbitmqctl("close_all_connections", "--global", "test")
    assert is_there(rabbit, post)
    assert topology.FORGOTTEN_AFTER_S >= 24 * 3600, "a weekend's repair is no reason to forget"

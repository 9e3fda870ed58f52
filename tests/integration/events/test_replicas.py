"""Several workers of one service, and readers that aren't of the market."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import orjson
import pytest

from app.rabbit_node import RabbitNode
from kernel.bus.topology import queue_of
from kernel.settings import PROJECT
from tests.integration.events.conftest import MakePost
from tests.integration.events.post import Post

pytestmark = [pytest.mark.needs("rabbitmq"), pytest.mark.timeout(180)]


def test_the_active_one_is_killed_again_and_again(post: Post) -> None:
    post.spawn("box")
    post.spawn("box")
    boxes = post.open_boxes()
    mirrors = [post.spawn("mirror"), post.spawn("mirror")]
    for _ in range(4):
        post.fill(boxes, 60)
        mirrors.pop(0).kill()  # the eldest consumer is the active one
        post.fill(boxes, 20)
        mirrors.append(post.spawn("mirror"))
    post.everything_has_arrived()


@pytest.mark.parametrize("place", ["subscription.mid_batch", "subscription.before_commit", "publisher.published"])
def test_one_that_dies_at_the_worst_place_is_replaced(post: Post, place: str) -> None:
    service = "box" if place.startswith("publisher") else "mirror"
    other = "mirror" if service == "box" else "box"
    post.spawn(other)
    dying = post.spawn(service, failpoint=f"{place}:exit")
    post.fill(post.open_boxes(), 40)
    assert dying.wait(20) == -signal.SIGKILL
    post.spawn(service)
    post.everything_has_arrived()


def test_a_frozen_one_is_passed_by_its_replica(post: Post) -> None:
    post.spawn("box")
    boxes = post.open_boxes()
    frozen = post.spawn("mirror")
    post.fill(boxes, 5)
    post.everything_has_arrived()
    post.spawn("mirror")
    frozen.send_signal(signal.SIGSTOP)
    post.fill(boxes, 60)
    post.everything_has_arrived()  # by the log, until the broker has noticed
    frozen.send_signal(signal.SIGCONT)
    post.fill(boxes, 20)
    post.everything_has_arrived()


def test_two_replicas_share_no_event(make_post: MakePost, rabbit_url: str, rabbit: RabbitNode) -> None:
    """One consumer at a time is active, so what is brought is in order without anybody arranging it."""
    post = make_post(rabbit_url)
    first, second = post.attach("mirror"), post.attach("mirror")
    post.until(lambda: first.consumer.well() and second.consumer.well())
    vhost = rabbit_url.rsplit("/", 1)[1]
    listed = rabbit.rabbitmqctl("list_consumers", "-p", vhost, "queue_name", "active", "--no-table-headers")
    assert sorted(line.split() for line in listed.splitlines()) == [
        [queue_of("mirror", "box"), "false"],
        [queue_of("mirror", "box"), "true"],
    ]


def test_a_strangers_nameko_service_gets_the_event(post: Post) -> None:
    stranger = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.integration.events.third_party", post.url],
        cwd=PROJECT, stdout=subprocess.PIPE,
    )  # fmt: skip
    limit = threading.Timer(30, stranger.kill)  # nameko waits for ever where it can't start: then its output ends
    limit.start()
    try:
        assert stranger.stdout is not None
        assert orjson.loads(stranger.stdout.readline()) == "ready"
        post.attach("box")
        [box_id] = post.open_boxes(1)
        post.fill([box_id], 3)
        entries = [orjson.loads(stranger.stdout.readline()) for _ in range(3)]
    finally:
        limit.cancel()
        stranger.kill()
        stranger.wait()
    assert [entry["sequence"] for entry in entries] == [2, 3, 4], "BoxOpened isn't among them"
    assert {entry["event"]["type"] for entry in entries} == {"market.box.ThingPut.v1"}
    assert {entry["event"]["subject"] for entry in entries} == {f"Box/{box_id}"}

"""Events from one service's commit to another's effects, over a real broker."""

from __future__ import annotations

import pytest

from tests.integration.events.post import Post

pytestmark = pytest.mark.needs("rabbitmq")


def test_every_event_has_its_effect_once_over_threads(post: Post) -> None:
    box, mirror = post.attach("box"), post.attach("mirror")
    post.until(mirror.consumer.well)
    before = post.brought()
    post.fill(post.open_boxes(3), 300)
    post.everything_has_arrived()
    assert post.brought() - before == 303, "it came by the log, not by the broker"
    assert box.health()["unpublished"] == 0


def test_every_event_has_its_effect_once_over_green_processes(post: Post) -> None:
    post.spawn("box"), post.spawn("mirror")
    post.fill(post.open_boxes(), 300)
    post.everything_has_arrived()

"""A toy market of box and mirror over a virtual host of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.events.post import Post
from tests.rabbit import NewVhost, declare_for
from tests.support import market
from tests.toy import services
from tests.toy.services import box_service, mirror_service

MakePost = Callable[[str], Post]


@pytest.fixture
def make_post(fresh_database: str, tmp_path: Path) -> Iterator[MakePost]:
    """`make_post(amqp_url)`: declared, and without any worker yet."""
    with ExitStack() as stack:

        def make(url: str) -> Post:
            declare_for(url, [box_service(), mirror_service()])
            toys = stack.enter_context(market([box_service(), mirror_service()], fresh_database, tmp_path / "home"))
            made = Post(toys, url, tmp_path)
            stack.callback(made.close)
            return made

        yield make
    services.ANTIDOTE.clear()


@pytest.fixture
def post(make_post: MakePost, new_vhost: NewVhost) -> Post:
    return make_post(new_vhost())

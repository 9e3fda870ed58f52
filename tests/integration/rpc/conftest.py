"""A toy market on a virtual host of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.integration.rpc.street import Street
from tests.rabbit import NewVhost, declare_for
from tests.support import market
from tests.toy.services import box_service, mirror_service

MakeStreet = Callable[[str], Street]


@pytest.fixture(scope="module")
def street(module_database: str, amqp_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """For the tests of one module: nothing runs yet."""
    folder = tmp_path_factory.mktemp("street")
    with _street(module_database, amqp_url, folder) as made:
        yield made


@pytest.fixture
def make_street(fresh_database: str, tmp_path: Path) -> Iterator[MakeStreet]:
    """`make_street(url)`: for one test, on the broker at `url`, where all is declared."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(_street(fresh_database, url, tmp_path))


@pytest.fixture
def own_street(make_street: MakeStreet, new_vhost: NewVhost) -> Street:
    """For one test."""
    return make_street(new_vhost())


@contextmanager
def _street(database: str, url: str, folder: Path) -> Iterator[Street]:
    declare_for(url, [box_service(), mirror_service()])
    with market([box_service(), mirror_service()], database, folder / "home") as toys:
        made = Street(toys, url, folder)
        try:
            yield made
        finally:
            made.close()

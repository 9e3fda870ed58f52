"""The system under test: box, mirror and clockwork in a database of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.child import SERVICES
from tests.faults.system import System
from tests.support import market
from tests.toy import services

Make = Callable[[str], System]


@pytest.fixture
def make_system(tmp_path: Path) -> Iterator[Make]:
    """`make_system(dsn)` sets the toy market up in a database and ends its processes after the test."""
    with ExitStack() as stack:

        def make(url: str) -> System:
            made = stack.enter_context(market([s() for s in SERVICES.values()], url, tmp_path / "home"))
            system = System(made, tmp_path)
            stack.callback(system.close)
            return system

        yield make
    services.ANTIDOTE.clear()


@pytest.fixture
def system(fresh_database: str, make_system: Make) -> System:
    return make_system(fresh_database)

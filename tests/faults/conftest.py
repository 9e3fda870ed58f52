"""The systems under test: the toy market in a database of its own, its processes embedded or over RabbitMQ."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.machine import PARTS
from app.rabbit_node import RabbitNode, scripts
from tests.faults.child import SERVICES
from tests.faults.fleet import Fleet
from tests.faults.matrix import Matrix
from tests.faults.server import Server
from tests.faults.system import System
from tests.faults.toys import toys
from tests.support import market
from tests.toy import services

Make = Callable[[str], System]
HEARTBEAT_S = 2  # of the broker: a frozen one is noticed after two


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Matrix(), "fault-matrix")


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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A database server that the tests of a module may kill."""
    parent = Path(tempfile.mkdtemp(prefix="market-faults-"))
    parent.chmod(0o755)  # started by root, the server runs under another account and must get in
    made = Server(parent / "home")
    yield made
    made.remove()
    shutil.rmtree(parent)


# -- over RabbitMQ ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def broker() -> Iterator[RabbitNode]:
    """A RabbitMQ of these tests' own, which they may kill."""
    if scripts() is None:
        pytest.skip(PARTS["rabbitmq"].gap)
    home = Path(tempfile.mkdtemp(prefix="market-faults-rabbit-"))
    node = RabbitNode(home)
    with (home / "rabbitmq.conf").open("a") as configuration:
        configuration.write(f"heartbeat = {HEARTBEAT_S}\n")
    node.start()
    yield node
    node.close()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def toy_fleet(module_database: str, broker: RabbitNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The fleet that the tests of a module share."""
    folder = tmp_path_factory.mktemp("fleet")
    with market(toys(folder / "home"), module_database, folder / "home") as made:
        fleet = Fleet(made, folder, broker.add_vhost(f"faults-{uuid.uuid4().hex[:12]}"))
        try:
            yield fleet
        finally:
            fleet.close()
            services.ANTIDOTE.clear()


@pytest.fixture
def fleet(toy_fleet: Fleet, broker: RabbitNode) -> Iterator[Fleet]:
    """The module's fleet with all its replicas, and the broker running."""
    broker.ready()
    toy_fleet.staff()
    yield toy_fleet
    broker.ready()

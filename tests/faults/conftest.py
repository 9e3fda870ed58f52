"""The systems under test: the toy market in a database of its own, its processes embedded or over RabbitMQ."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from app.machine import PARTS
from app.rabbit_node import RabbitNode, scripts
from tests.conftest import databases
from tests.faults.fleet import Fleet
from tests.faults.left_behind import MARK, databases_of_this_run, processes_with
from tests.faults.matrix import Matrix
from tests.faults.patience import until
from tests.faults.server import Server
from tests.faults.system import System
from tests.faults.toys import toys
from tests.support import Market, market
from tests.toy import services

Make = Callable[[str], System]
HEARTBEAT_S = 2  # of the broker: a frozen one is noticed after two


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Matrix(), "fault-matrix")
    # Who ends a run by SIGTERM gets what Ctrl-C gives: the tests' processes, broker and databases end with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def toy_template(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database in which the toy market has been set up, to be copied."""
    home = tmp_path_factory.mktemp("template")
    with databases(postgres_dsn) as create:
        url = create(None)
        with market(toys(home), url, home):
            pass
        yield str(make_url(url).database)


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind(postgres_dsn: str, toy_template: str) -> Iterator[None]:
    """When the tests of a module are over, none of their processes runs and none of their databases is there."""
    mark, before = uuid.uuid4().hex, databases_of_this_run(postgres_dsn)
    os.environ[MARK] = mark
    yield
    del os.environ[MARK]
    with suppress(AssertionError):
        until(lambda: not processes_with(MARK, mark))
    assert processes_with(MARK, mark) == []
    assert databases_of_this_run(postgres_dsn) == before


@pytest.fixture
def make_system(tmp_path: Path, toy_template: str) -> Iterator[Make]:
    """`make_system(dsn)` takes a database of the toy market into use and ends its processes after the test."""
    with ExitStack() as stack:

        def make(url: str) -> System:
            home = tmp_path / "home"
            system = System(Market(toys(home), url, home, None, made=True), tmp_path)
            stack.callback(system.market.close)
            stack.callback(system.close)
            return system

        yield make
    services.ANTIDOTE.clear()


@pytest.fixture
def toy_database(new_database: Callable[[str | None], str], toy_template: str) -> str:
    """The DSN of a toy market's database that nobody else uses."""
    return new_database(toy_template)


@pytest.fixture
def system(toy_database: str, make_system: Make) -> System:
    return make_system(toy_database)


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
    with suppress(AssertionError):
        until(lambda: not processes_with("HOME", str(home)))
    assert processes_with("HOME", str(home)) == []
    shutil.rmtree(home)


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

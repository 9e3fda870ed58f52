"""A real RabbitMQ for every test that asks, and a toy market of several workers over it.

`amqp_url` is a virtual host of the test module's own: on the broker of MARKET_AMQP_URL, else on a private node of the
installed server, else on the one of tests/docker-compose.yml where an engine for containers runs. `rabbit` is always
the private node, as tests do to it what nobody may do to a broker that others use.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest

from app.contracts.generate import subscriptions
from app.machine import PARTS
from app.rabbit_node import RabbitNode, scripts
from kernel.bus.broker import connect, drop
from kernel.bus.topology import Binding, Declared, declare
from kernel.service import Service
from kernel.settings import Settings

NewVhost = Callable[[], str]
COMPOSE = Path(__file__).with_name("docker-compose.yml")
CONTAINER, PORT, ACCOUNT = "rabbitmq", 5672, "tests"  # its password is the same word


@pytest.fixture(scope="session")
def rabbit_node() -> Iterator[RabbitNode]:
    """The private node, as the last test left it."""
    if scripts() is None:
        pytest.skip(PARTS["rabbitmq"].gap)
    home = Path(tempfile.mkdtemp(prefix="market-rabbit-"))
    node = RabbitNode(home)
    node.start()
    yield node
    node.close()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def rabbit(rabbit_node: RabbitNode) -> Iterator[RabbitNode]:
    """The private node, running; it is mended after the test."""
    rabbit_node.ready()
    yield rabbit_node
    rabbit_node.ready()


@pytest.fixture
def rabbit_url(rabbit: RabbitNode) -> str:
    """A virtual host of the test's own on the private node."""
    return rabbit.add_vhost(f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def new_vhost(request: pytest.FixtureRequest) -> Iterator[NewVhost]:
    """Makes a virtual host on the broker that the tests use, and gives its URL."""
    configured = Settings().amqp_url
    if configured:
        yield from _vhosts_of(configured, ["rabbitmqctl"])
    elif scripts() is not None:
        node: RabbitNode = request.getfixturevalue("rabbit_node")
        yield lambda: node.add_vhost(f"test-{uuid.uuid4().hex[:12]}")
    elif PARTS["rabbitmq"].is_present():
        containers = request.getfixturevalue("docker_services")
        yield from _vhosts_of(*in_container(containers, request.getfixturevalue("docker_compose_project_name")))
    else:
        pytest.skip(PARTS["rabbitmq"].gap)


@pytest.fixture(scope="module")
def amqp_url(new_vhost: NewVhost) -> str:
    """The URL of a virtual host that the tests of one module share."""
    return new_vhost()


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    """For pytest-docker."""
    return str(COMPOSE)


@pytest.fixture(scope="session")
def docker_setup() -> str:
    """For pytest-docker: returns when the broker is healthy."""
    return "up --detach --wait"


class Containers(Protocol):
    """What pytest-docker's `docker_services` offers."""

    def port_for(self, service: str, container_port: int) -> int: ...


def in_container(containers: Containers, project: str) -> tuple[str, list[str]]:
    """(URL, how to run its rabbitmqctl) of the broker that the engine runs for the tests under the name `project`."""
    port = containers.port_for(CONTAINER, PORT)
    inside = ["docker", "compose", "--file", str(COMPOSE), "--project-name", project, "exec", "-T", CONTAINER]
    return f"amqp://{ACCOUNT}:{ACCOUNT}@127.0.0.1:{port}/", [*inside, "rabbitmqctl"]


def _vhosts_of(url: str, rabbitmqctl: list[str]) -> Iterator[NewVhost]:
    """Virtual hosts of a broker that runs already, deleted at the end. Where they can't be made, the URL's own serves."""
    made: list[str] = []

    def run(*arguments: str) -> None:
        subprocess.run([*rabbitmqctl, "--quiet", *arguments], check=True, capture_output=True, timeout=30)

    def make() -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        parts = urlsplit(url)
        try:
            run("add_vhost", name)
            run("set_permissions", "-p", name, parts.username or "guest", ".*", ".*", ".*")
        except (OSError, subprocess.SubprocessError):
            return url
        made.append(name)
        return parts._replace(path=f"/{name}").geturl()

    yield make
    for name in made:
        with suppress(OSError, subprocess.SubprocessError):
            run("delete_vhost", name)


def declare_for(url: str, services: list[Service]) -> Declared:
    """The exchanges and queues of `services`, as the job declares those of the market."""
    connection = connect(url, "topology of a test")
    try:
        rows = subscriptions(services)
        return declare(connection, [s.name for s in services], [Binding(r["exchange"], r["queue"]) for r in rows])
    finally:
        drop(connection, politely=True)

"""An installation's secrets and its broker, made once for the tests of this folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.deploy.secrets import Places, make_secrets
from app.machine import PARTS
from app.rabbit_node import scripts
from app.topology import declare_all
from tests.deploy.broker import DeployedNode


@pytest.fixture(scope="session")
def secrets() -> Iterator[Path]:
    """A folder as `./market secrets` makes it."""
    folder = Path(tempfile.mkdtemp(prefix="market-secrets-"))
    make_secrets(folder, Places())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def broker(secrets: Path) -> Iterator[DeployedNode]:
    """RabbitMQ with the installation's users and, by its own job, queues."""
    if scripts() is None:
        pytest.skip(PARTS["rabbitmq"].gap)
    home = Path(tempfile.mkdtemp(prefix="market-broker-"))
    node = DeployedNode(home, secrets)
    node.start()
    try:
        declare_all(node.url_of("topology"))
        yield node
    finally:
        node.close()
        shutil.rmtree(home, ignore_errors=True)

"""An installation of many processes on this machine: each service several times, the gateway, RabbitMQ between them.

The same code as in docker-compose.yml and Kubernetes, for `./market up --rabbit` and `./market demo --rabbit`. The
broker is that of MARKET_AMQP_URL, else a private node of the RabbitMQ that is installed here.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import create_engine

from app.failure import Failure
from app.processes import Plan, Supervisor, free_ports
from app.rabbit_node import RabbitNode, scripts
from app.services import all_services
from app.topology import declare_all, empty
from kernel.database import admin_url
from kernel.installation import unsettled
from kernel.settings import PROJECT, Settings

REPLICAS = 2
POOL = 4  # connections of a process: with two of each service they stay below the embedded server's hundred
START_S = 180.0

Say = Callable[[str], None]


@contextmanager
def broker(settings: Settings, say: Say, emptied: bool = False) -> Iterator[str]:
    """The URL of a RabbitMQ with this installation's exchanges and queues. Raises Failure where there is none.

    `emptied`: what waits in the queues is of an installation that is gone.
    """
    with ExitStack() as stack:
        url = settings.amqp_url
        if url is None:
            if scripts() is None:
                raise Failure(
                    "there is no RabbitMQ", "name one: MARKET_AMQP_URL=amqp://…, or: apt-get install rabbitmq-server"
                )
            home = Path(tempfile.mkdtemp(prefix="market-rabbitmq-"))
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            node = RabbitNode(home)
            stack.callback(node.close)
            say("starting a private RabbitMQ")
            node.start()
            url = node.url()
        declared = declare_all(url)
        if emptied:
            empty(url, [*declared.queues, *(f"rpc-{service.name}" for service in all_services())])
        yield url


class Distributed:
    """All services, each `replicas` times, and the gateway, supervised."""

    def __init__(
        self, settings: Settings, url: str, amqp_url: str, port: int, stream: IO[str], replicas: int = REPLICAS
    ) -> None:
        self.settings = settings
        self.url = url
        self.address = f"http://127.0.0.1:{port}"
        self.services = all_services()
        self.replicas = replicas
        self._admin = create_engine(admin_url(url), pool_size=1, max_overflow=1, pool_pre_ping=True)
        self._common = {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))),
            "MARKET_DATABASE_URL": url,
            "MARKET_AMQP_URL": amqp_url,
            "MARKET_HOME": str(settings.home),
            "MARKET_REGION": str(settings.region),
            "MARKET_POOL_SIZE": str(POOL),
        }
        self.supervisor = Supervisor([*self._service_plans(), self._gateway_plan(port)], stream)

    def _service_plans(self) -> Sequence[Plan]:
        names = [(s.name, number) for number in range(1, self.replicas + 1) for s in self.services]
        return [
            self.plan(name, number, port) for (name, number), port in zip(names, free_ports(len(names)), strict=True)
        ]

    def plan(self, name: str, number: int, port: int) -> Plan:
        """The `number`th process of a service, with its probes on `port`."""
        return Plan(
            f"{name}-{number}",
            self.command(name),
            {**self._common, "MARKET_METRICS_PORT": str(port)},
            f"http://127.0.0.1:{port}/readyz",
        )

    def command(self, name: str) -> Sequence[str]:
        """What starts a process of a service."""
        return (sys.executable, "-P", "-m", "app", "run", name)

    def _gateway_plan(self, port: int) -> Plan:
        command = (sys.executable, "-P", "-m", "app", "run", "gateway", "--port", str(port))
        return Plan("gateway", command, self._common, f"{self.address}/readyz", stops_first=True)

    def start(self, say: Say, given_up: Callable[[], bool] = lambda: False) -> None:
        """Start everything; returns when all are ready. Raises Failure naming those that don't become it."""
        self.supervisor.start()
        late = self.supervisor.wait_ready(START_S, say, given_up)
        if late and not given_up():
            raise Failure(f"these don't become ready: {', '.join(late)}", "read what they said in the log")

    def unsettled(self) -> list[str]:
        """What still waits, as in an installation of one process."""
        with self._admin.connect() as connection:
            return unsettled(connection, self.services)

    def wake(self) -> None:
        """Nobody of another process can be woken: they look by themselves several times a second."""

    def stop(self) -> None:
        self.supervisor.stop()
        self._admin.dispose()

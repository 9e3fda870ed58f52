"""A broker for one measurement: a private node where RabbitMQ is installed, else that of MARKET_AMQP_URL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.contracts.generate import subscriptions
from app.failure import Failure
from app.rabbit_node import RabbitNode, scripts
from kernel.bus.broker import connect, drop
from kernel.bus.topology import Binding, declare
from kernel.service import Service
from kernel.settings import Settings


@contextmanager
def bench_broker(services: Sequence[Service]) -> Iterator[str]:
    """The URL of a broker on which everything that `services` use is declared."""
    if scripts() is None:
        url = Settings().amqp_url
        if not url:
            raise Failure("there is no broker", "apt-get install rabbitmq-server, or set MARKET_AMQP_URL")
        _declare(url, services)
        yield url
        return
    home = Path(tempfile.mkdtemp(prefix="market-bench-rabbit-"))
    node = RabbitNode(home)
    node.start()
    try:
        _declare(node.url(), services)
        yield node.url()
    finally:
        node.close()
        shutil.rmtree(home, ignore_errors=True)


def _declare(url: str, services: Sequence[Service]) -> None:
    connection = connect(url, "bench")
    try:
        rows = subscriptions(list(services))
        declare(connection, [s.name for s in services], [Binding(r["exchange"], r["queue"]) for r in rows])
    finally:
        drop(connection, politely=True)

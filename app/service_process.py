"""`python -m app.service_process SERVICE`: one service on RabbitMQ in a process of its own, until it is told to stop.

It answers commands and queries, seals, publishes, follows the others and fires what is due, beside any number of others
like it. On SIGTERM it takes no more calls, answers those under way, lets every turn of the worker end, and goes.
"""

from __future__ import annotations

import kernel.bus.bootstrap  # isort: skip  # noqa: F401 - before anything else: it makes the process green

import gc
import signal
import sys
import time
from typing import Any

from app.broker import broker_url
from app.failure import Failure
from app.postgres import database_url
from app.services import all_services
from kernel import tracing
from kernel.bus.attach import Attached, attach_bus
from kernel.bus.nameko_edge import Edge
from kernel.host import Host
from kernel.logs import configure, logger
from kernel.probes import Probes
from kernel.service import Service
from kernel.settings import Settings
from kernel.worker import Signals

STOP_S = 20.0
log = logger("run")


def serve(service: Service, url: str, settings: Settings) -> int:
    """Run `service` on the broker of `settings` and the database at `url` until SIGTERM or SIGINT; the exit status."""
    broker = broker_url(settings)
    tracing.start(f"market-{service.name}", settings)
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stopping.append(number))
    signals = Signals()
    host = Host(service, url, settings, signals.notify)
    edge = Edge(host, broker)
    attached = attach_bus(host, signals, broker)
    edge.start()
    probes = _probes(edge, attached, settings)
    log.info("started", service=service.name)
    gc.collect()
    gc.freeze()  # what is there now stays: looking it through again and again was a twentieth of the work
    try:
        while not stopping:  # a signal may come in the hub itself, where nothing may wait: so it is looked for
            edge.check()
            time.sleep(0.1)
    finally:
        edge.stop(STOP_S)
        attached.stop()
        if probes:
            probes.stop()
        host.close()
        tracing.stop()
    log.info("stopped", service=service.name)
    return 0


def _probes(edge: Edge, attached: Attached, settings: Settings) -> Probes | None:
    if settings.metrics_port is None:
        return None

    def ready() -> tuple[bool, dict[str, Any]]:
        return edge.connected, {"rpc": "ok" if edge.connected else "no connection", **attached.health()}

    try:
        probes = Probes(settings.metrics_port, ready)
    except OSError as problem:
        raise Failure(
            f"port {settings.metrics_port} can't be used: {problem.strerror}", "choose another: MARKET_METRICS_PORT"
        ) from problem
    probes.start()
    log.info("probes", port=probes.port)
    return probes


def main(name: str) -> int:
    """The service called `name`."""
    settings = Settings()
    configure(settings.log_level)
    found = next(s for s in all_services() if s.name == name)
    return serve(found, database_url(settings), settings)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except Failure as failure:
        sys.exit(f"market: {failure}")

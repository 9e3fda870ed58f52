"""The body of `./market run SERVICE`: one service in a process of its own, until it is told to stop.

With a broker this process becomes `app.service_process`, which must be green from its first import on. Without one it
is the service's worker: it seals, follows the others' logs and fires what is due, and answers no calls.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from app.failure import Failure
from app.postgres import database_url
from app.services import all_services
from kernel import tracing
from kernel.host import Host
from kernel.logs import configure, logger
from kernel.settings import Settings
from kernel.worker import Signals, Worker

log = logger("run")


def main(service: str) -> int:
    """Run `service` beside any number of others like it."""
    settings = Settings()
    configure(settings.log_level)
    found = next((s for s in all_services() if s.name == service), None)
    if found is None:
        raise Failure(f"there is no service {service}", f"one of: {', '.join(s.name for s in all_services())}")
    if settings.amqp_url:
        os.execv(
            sys.executable, [sys.executable, "-P", "-m", "app.service_process", service]
        )  # one process, one signal
    tracing.start(f"market-{service}", settings)
    signals = Signals()
    host = Host(found, database_url(settings), settings, signals.notify)
    worker = Worker(host, signals)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.start()
    log.info("started", service=service)
    stop.wait()
    worker.stop()
    host.close()
    tracing.stop()
    log.info("stopped", service=service)
    return 0

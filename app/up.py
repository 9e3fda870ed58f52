"""`./market up`: all services, the pages and the API on one port of this machine.

In one process, or with `--rabbit` in many: each service twice over RabbitMQ, supervised, with one stream of what they say.
Starting brings the database up to date; stopping lets running requests end, then the workers' turns, then closes the
connections. SIGINT and SIGTERM both stop in that order.
"""

from __future__ import annotations

import signal
import socket
import sys
import threading

from app.distributed import REPLICAS, Distributed, broker
from app.failure import Failure
from app.gateway import HOST, application, server_for
from app.migrate import ensure_ready, is_sandbox
from app.postgres import database_url
from app.services import all_services
from kernel import tracing
from kernel.installation import Installation
from kernel.logs import configure
from kernel.settings import Settings


def main(port: int = 8000, settings: Settings | None = None) -> int:
    """Serve until SIGINT or SIGTERM; the exit status."""
    settings = settings or Settings()
    configure(settings.log_level)
    _check_port(port)
    url = database_url(settings)
    applied = ensure_ready(url, settings)
    tracing.start("market", settings)
    installation = Installation(all_services(), url, settings)
    installation.start()
    try:
        app = application(installation, settings)
        sandbox = installation.hosts["audit"].clock.sandbox
        what = f"{len(installation.hosts)} services"
        print(_where_to_look(port, what, len(applied), sandbox), file=sys.stderr, flush=True)
        server = server_for(app, port)
        server.run()
        return 0 if server.started else 1
    finally:
        installation.stop()
        tracing.stop()


def over_rabbit(port: int = 8000, replicas: int = REPLICAS, settings: Settings | None = None) -> int:
    """The same over RabbitMQ, every service in processes of its own, until SIGINT or SIGTERM; the exit status."""
    settings = settings or Settings()
    configure(settings.log_level)
    _check_port(port)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    url = database_url(settings)
    applied = ensure_ready(url, settings)

    def say(line: str) -> None:
        print(f"market: {line}", file=sys.stderr, flush=True)

    with broker(settings, say) as amqp_url:
        installation = Distributed(settings, url, amqp_url, port, sys.stderr, replicas)
        try:
            installation.start(say, stop.is_set)
            if not stop.is_set():
                what = f"{len(installation.supervisor.names)} processes"
                print(_where_to_look(port, what, len(applied), is_sandbox(url)), file=sys.stderr, flush=True)
            stop.wait()
        finally:
            installation.stop()
    return 0


def _check_port(port: int) -> None:
    """Said before a database is started for nothing."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError as problem:
            raise Failure(f"port {port} can't be used: {problem.strerror}", "choose another with --port") from problem


def _where_to_look(port: int, what: str, applied: int, sandbox: bool) -> str:
    address = f"http://{HOST}:{port}"
    lines = [
        f"market: {what}" + (f", {applied} migrations applied" if applied else ""),
        f"  pages      {address}/",
        f"  API        {address}/docs",
        f"  the log    {address}/log",
        f"  readiness  {address}/readyz",
        "  a sandbox: its clock stands still until it is moved" if sandbox else "  the machine's clock",
        "  Ctrl-C stops everything in order",
    ]
    return "\n".join(lines)

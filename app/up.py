"""`./market up`: all services in one process, the pages and the API on one port of this machine.

Starting brings the database up to date; stopping lets running requests end, then the workers' turns, then closes the
connections. SIGINT and SIGTERM both stop in that order.
"""

from __future__ import annotations

import socket
import sys

from app.failure import Failure
from app.gateway import HOST, application, server_for
from app.migrate import ensure_ready
from app.postgres import database_url
from app.services import all_services
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
    installation = Installation(all_services(), url, settings)
    installation.start()
    try:
        app = application(installation, settings)
        print(_where_to_look(port, len(applied), installation), file=sys.stderr, flush=True)
        server = server_for(app, port)
        server.run()
        return 0 if server.started else 1
    finally:
        installation.stop()


def _check_port(port: int) -> None:
    """Said before a database is started for nothing."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError as problem:
            raise Failure(f"port {port} can't be used: {problem.strerror}", "choose another with --port") from problem


def _where_to_look(port: int, applied: int, installation: Installation) -> str:
    address = f"http://{HOST}:{port}"
    sandbox = installation.hosts["audit"].clock.sandbox
    lines = [
        f"market: {len(installation.hosts)} services" + (f", {applied} migrations applied" if applied else ""),
        f"  pages      {address}/",
        f"  API        {address}/docs",
        f"  the log    {address}/log",
        f"  readiness  {address}/readyz",
        "  a sandbox: its clock stands still until it is moved" if sandbox else "  the machine's clock",
        "  Ctrl-C stops everything in order",
    ]
    return "\n".join(lines)

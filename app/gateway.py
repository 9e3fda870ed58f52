"""The gateway in this process, over an installation that runs in it: for `./market up`, the demo and tests."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import uvicorn
from fastapi import FastAPI

from app.failure import Failure
from kernel.host import Host
from kernel.installation import Installation
from kernel.settings import Settings
from services.gateway.app import create_app
from services.gateway.options import Options

HOST = "127.0.0.1"
STOP_S = 15


class HostClock:
    """The installation's clock, asked through one service's own connection; a moment's answer is kept for a second."""

    KEPT_S = 1.0

    def __init__(self, host: Host) -> None:
        self._host = host
        self.sandbox = host.clock.sandbox
        self._known: tuple[float, datetime] | None = None

    def now(self) -> datetime:
        known = self._known
        if known and time.monotonic() - known[0] < self.KEPT_S:
            return known[1]
        with self._host.engine.connect() as connection:
            now = self._host.clock.now(connection)
        self._known = (time.monotonic(), now)
        return now


def application(installation: Installation, settings: Settings, options: Options | None = None) -> FastAPI:
    """The gateway over an installation of this process."""
    asked = installation.hosts["audit"]

    def database() -> None:
        with asked.engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    return create_app(
        installation.bus, settings, options=options, clock=HostClock(asked), database=database, single_machine=True
    )


class Server(uvicorn.Server):
    """Stops on a signal and returns. uvicorn's own would give itself the signal again and end before the services."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def server_for(app: FastAPI, port: int, host: str = HOST) -> Server:
    """A server on this machine, or on `host`. Addresses in forwarding headers aren't believed."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
        limit_concurrency=1000,
        timeout_keep_alive=30,
    )
    return Server(config)


@contextmanager
def running(
    installation: Installation, settings: Settings, port: int = 0, options: Options | None = None
) -> Iterator[str]:
    """The gateway of an installation in a thread of this process; gives its address, with port 0 a free one."""
    with serving(application(installation, settings, options), port) as address:
        yield address


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """`app` in a thread of this process, stopped in order at the end."""
    server = server_for(app, port)
    thread = threading.Thread(target=server.run, name="gateway", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{_port_of(server, thread)}"
    finally:
        server.should_exit = True
        thread.join(STOP_S + 5)


def _port_of(server: uvicorn.Server, thread: threading.Thread) -> int:
    while not server.started:
        if not thread.is_alive():
            raise Failure("the gateway did not start", "see the error above")
        time.sleep(0.01)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port

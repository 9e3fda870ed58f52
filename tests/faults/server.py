"""A PostgreSQL server of a test's own, which may be killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psycopg

from app.postgres import Embedded
from tests.faults.patience import until


class Server:
    """An embedded server with a home of its own."""

    def __init__(self, home: Path) -> None:
        self._embedded = Embedded(home)
        self._home = home
        self.dsn = self._embedded.start()

    def kill(self, how: signal.Signals) -> None:
        """SIGQUIT is an immediate shutdown: nothing is written, as in a power cut."""
        with psycopg.connect(self.dsn) as connection:
            [folder] = connection.execute("SHOW data_directory").fetchone() or [""]
        pid = int((Path(folder) / "postmaster.pid").read_text().split()[0])
        os.kill(pid, how)
        until(lambda: self._embedded._server_pid() is None)

    def start_again(self) -> None:
        again = Embedded(self._home)
        again.start()
        again.stop()  # the first one still uses it, so the server stays

    def ready(self) -> None:
        """Wait until it has recovered from what was done to it."""
        until(self._embedded._answers)

    def configure(self, **settings: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for name, value in settings.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
            connection.execute("SELECT pg_reload_conf()")

    def remove(self) -> None:
        self._embedded.remove()

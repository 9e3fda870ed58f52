"""An installation in one process: every service's host and worker on the local bus (decision D5, embedded)."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlalchemy import Connection, create_engine

from kernel.bus.local import LocalBus
from kernel.clock import clock_of
from kernel.database import admin_url
from kernel.host import Host
from kernel.service import Service
from kernel.settings import Settings
from kernel.worker import Signals, Worker


class NotSettled(Exception):
    """The services still had work when the time was up; the text says which."""


class Installation:
    """Hosts and workers of `services` over the database at `url` (an administrator's DSN)."""

    def __init__(self, services: Iterable[Service], url: str, settings: Settings) -> None:
        self.settings = settings
        self.url = url
        self.signals = Signals()
        self.bus = LocalBus()
        self.hosts = {s.name: Host(s, url, settings, self.signals.notify) for s in services}
        self.workers = {name: Worker(host, self.signals) for name, host in self.hosts.items()}
        for name, host in self.hosts.items():
            self.bus.attach(name, host)
        self._admin = create_engine(admin_url(url), pool_size=1, max_overflow=1, pool_pre_ping=True)

    def start(self) -> None:
        for worker in self.workers.values():
            worker.start()

    def stop(self) -> None:
        """Stop gracefully: no new turns, running ones end, connections close."""
        for name in self.hosts:
            self.bus.detach(name)
        for worker in self.workers.values():
            worker._stopping.set()
        for worker in self.workers.values():
            worker.stop()
        for host in self.hosts.values():
            host.close()
        self._admin.dispose()

    def wake(self) -> None:
        """Let every worker look for work now."""
        self.signals.notify()

    def unsettled(self) -> list[str]:
        """What still waits: unsealed events, entries that a subscriber hasn't passed, due commands whose time has come."""
        with self._admin.connect() as connection:
            return unsettled(connection, [host.service for host in self.hosts.values()])

    def settle(self, timeout_s: float = 30.0) -> None:
        """Wait until every service has handled everything; raises NotSettled. Two looks, as work makes work."""
        deadline = time.monotonic() + timeout_s
        calm = 0
        while calm < 2:
            waiting = self.unsettled()
            calm = 0 if waiting else calm + 1
            if waiting and time.monotonic() > deadline:
                raise NotSettled("; ".join(waiting))
            if waiting:
                time.sleep(0.01)


def unsettled(connection: Connection, services: Iterable[Service]) -> list[str]:
    """What still waits in an installation, each with its number; asked in one statement, so one look is one snapshot."""
    sandbox = clock_of(connection).sandbox
    instant = "(SELECT instant FROM market.sandbox)" if sandbox else "clock_timestamp()"
    parts = []
    for service in services:
        name = service.name
        parts.append(f"SELECT '{name}: to seal', count(*) FROM {name}.outbox")
        parts.append(
            f"SELECT '{name}: due', count(*) FROM {name}.due WHERE due_at <= {instant} "
            "AND (next_try IS NULL OR next_try <= clock_timestamp())"
        )
        for source in service.sources:
            parts.append(
                f"SELECT '{name} behind {source}', (SELECT sequence FROM {source}.log_head) - sequence "
                f"FROM {name}.subscription WHERE source = '{source}'"
            )
    rows = connection.exec_driver_sql(" UNION ALL ".join(parts)).all()
    return [f"{what} ({count})" for what, count in rows if count]

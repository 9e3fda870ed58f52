"""The worker of a service: seals, publishes, handles what others published, fires what is due.

Two threads a process: one seals and publishes, so that nothing that a subscription does can hold the log up; the other
does the rest in turns. A turn that fails is counted, logged and tried again with a growing pause; the other duties go
on. Any number of workers of one service may run: the rows' locks decide who does what.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kernel.health import health
from kernel.host import Host
from kernel.logs import logger, told
from kernel.metrics import WORKER_FAILURES
from kernel.publisher import Publisher, Transport
from kernel.schedule import Schedule
from kernel.sealer import Sealer
from kernel.subscription import Subscription

IDLE_MIN_S, IDLE_MAX_S = 0.005, 0.25
BREATHER_S = 0.004
PARKED_EVERY_S = 0.5
MEASURED_EVERY_S = 5.0
log = logger("worker")

Duty = tuple[str, Callable[[], Any]]


class Signals:
    """Wakes workers of the same process that wait for a name; another process is met by the short poll."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._counts: dict[str, int] = {}

    def notify(self, name: str = "") -> None:
        """Something happened that concerns `name`: a service's name, `log:<service>`, or everybody."""
        with self._condition:
            self._counts[name] = self._counts.get(name, 0) + 1
            self._condition.notify_all()

    def count(self, names: frozenset[str]) -> int:
        """How often any of `names` was notified."""
        return sum(self._counts.get(name, 0) for name in names)

    def wait(self, names: frozenset[str], seen: int, timeout_s: float) -> None:
        """Wait until one of `names` was notified after `seen`, or `timeout_s`."""
        with self._condition:
            self._condition.wait_for(lambda: self.count(names) != seen, timeout_s)


class LocalTransport:
    """The publisher's transport where subscribers read the log themselves: it only wakes them."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def publish(self, source: str, entries: Sequence[tuple[int, str, bytes]]) -> None:
        self._signals.notify(f"log:{source}")


class Worker:
    """Runs a host's duties on its own threads until stopped."""

    def __init__(self, host: Host, signals: Signals, transport: Transport | None = None) -> None:
        name = host.service.name
        self._host = host
        self._signals = signals
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.sealer = Sealer(name, host.engine, host.clock)
        self.publisher = Publisher(name, host.engine, transport or LocalTransport(signals))
        self.schedule = Schedule(host)
        self.subscriptions = [Subscription(host, source) for source in host.service.sources]
        self._parked_at = 0.0
        self._measured_at = -MEASURED_EVERY_S
        self._look = _look_sql(host)
        # Looking needs no transaction: one round trip tells which duties have anything to do.
        self._looking = host.engine.execution_options(isolation_level="AUTOCOMMIT")

    def start(self) -> None:
        """Start the threads."""
        name = self._host.service.name
        everybody = {"", name}
        loops = [
            ("log", self._log(), frozenset(everybody)),
            ("work", self._work(), frozenset(everybody | {f"log:{s.source}" for s in self.subscriptions})),
        ]
        for label, duties, names in loops:
            thread = threading.Thread(target=self._loop, args=(duties, names), name=f"{name}-{label}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Let every turn end and join the threads; the database connections are the host's to close."""
        self._stopping.set()
        self._signals.notify()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        self._threads.clear()

    def turn(self) -> bool:
        """What there is to do, once, in this thread (tests and tools). True if anything was done."""
        waiting = self._waiting()
        duties = [duty for name, duty in [*self._log(), *self._work()] if _has_work(name, waiting)]
        return sum(bool(duty()) for duty in duties) > 0

    def _log(self) -> list[Duty]:
        return [("seal", self.sealer.seal), ("publish", self.publisher.publish)]

    def _work(self) -> list[Duty]:
        duties: list[Duty] = [("due", self.schedule.fire)]
        duties += [(f"from-{s.source}", s.catch_up) for s in self.subscriptions]
        duties.append(("parked", self._retry_parked))
        duties += [("own", partial(duty, self._host)) for duty in self._host.service.duties]
        duties.append(("own", self._measure))
        return duties

    def _waiting(self) -> set[str]:
        with self._looking.connect() as connection:
            return set(connection.exec_driver_sql(self._look).scalars())

    def _retry_parked(self) -> bool:
        now = time.monotonic()
        if now - self._parked_at < PARKED_EVERY_S:
            return False
        self._parked_at = now
        return sum(s.retry_parked() for s in self.subscriptions) > 0

    def _measure(self) -> bool:
        """Sets the gauges of what waits, for whoever watches; measuring is no work that others wait for."""
        now = time.monotonic()
        if now - self._measured_at >= MEASURED_EVERY_S:
            self._measured_at = now
            health(self._host)
        return False

    def _loop(self, duties: list[Duty], names: frozenset[str]) -> None:
        pause: dict[str, tuple[float, float]] = {}
        idle = IDLE_MIN_S
        while not self._stopping.is_set():
            seen = self._signals.count(names)
            did = False
            waiting = self._turn("look", self._waiting, pause) or set()
            for name, duty in duties:
                if self._stopping.is_set():
                    return
                if not _has_work(name, waiting):
                    continue
                if name in pause and time.monotonic() < pause[name][0]:
                    continue
                did = bool(self._turn(name, duty, pause)) or did
            idle = IDLE_MIN_S if did else min(idle * 2, IDLE_MAX_S)
            if did:
                # Under load the next batch grows meanwhile: fewer transactions for as many entries.
                self._stopping.wait(BREATHER_S)
            else:
                self._signals.wait(names, seen, idle)

    def _turn(self, name: str, duty: Callable[[], Any], pause: dict[str, tuple[float, float]]) -> Any:
        try:
            did = duty()
            pause.pop(name, None)
        except Exception as problem:  # noqa: BLE001 - whatever it was, the other duties go on
            length = min(pause.get(name, (0.0, 0.05))[1] * 2, 5.0)
            pause[name] = (time.monotonic() + length, length)
            WORKER_FAILURES.labels(self._host.service.name, name).inc()
            log.warning(
                "a turn failed", service=self._host.service.name, duty=name,
                error=told(problem),
            )  # fmt: skip
            if name == "look":  # nothing can be known now: don't ask at once again
                self._stopping.wait(length)
            return None
        return did


def _has_work(name: str, waiting: set[str]) -> bool:
    """A service's own duties know by themselves; the others were looked for."""
    return name == "own" or name in waiting


def _look_sql(host: Host) -> str:
    """One statement that names the duties with something to do. It may be late, never wrong: the duties look again."""
    name = host.service.name
    instant = "(SELECT instant FROM market.sandbox)" if host.clock.sandbox else "clock_timestamp()"
    found = [
        "SELECT 'seal' WHERE EXISTS (SELECT 1 FROM outbox)",
        "SELECT 'publish' WHERE (SELECT sequence FROM log_head) > (SELECT sequence FROM publication)",
        f"SELECT 'due' WHERE EXISTS (SELECT 1 FROM due WHERE due_at <= {instant} "
        "AND (next_try IS NULL OR next_try <= clock_timestamp()))",
        "SELECT 'parked' WHERE EXISTS (SELECT 1 FROM parked WHERE next_try <= clock_timestamp())",
    ]
    found += [
        f"SELECT 'from-{source}' WHERE (SELECT sequence FROM \"{source}\".log_head) > "
        f"(SELECT sequence FROM subscription WHERE source = '{source}')"
        for source in host.service.sources
    ]
    return f"/* {name} */ " + " UNION ALL ".join(found)

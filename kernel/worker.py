"""The worker of a service: seals, publishes, handles what others published, fires what is due.

Two threads a process: one seals and publishes, so that nothing that a subscription does can hold the log up; the other
does the rest in turns. A turn that fails is counted, logged and tried again with a growing pause; the other duties go
on. Any number of workers of one service may run: the rows' locks decide who does what.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from kernel.host import Host
from kernel.logs import logger
from kernel.metrics import WORKER_FAILURES
from kernel.publisher import Publisher, Transport
from kernel.schedule import Schedule
from kernel.sealer import Sealer
from kernel.subscription import Subscription

IDLE_MIN_S, IDLE_MAX_S = 0.005, 0.25
PARKED_EVERY_S = 0.5
log = logger("worker")

Duty = tuple[str, Callable[[], Any]]


class Signals:
    """Wakes workers of the same process; another process is met by the short poll."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def notify(self, name: str = "") -> None:
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    @property
    def count(self) -> int:
        return self._count

    def wait(self, seen: int, timeout_s: float) -> int:
        """Wait until something was notified after `seen`, or `timeout_s`; the count by then."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != seen, timeout_s)
            return self._count


class LocalTransport:
    """The publisher's transport where subscribers read the log themselves: it only wakes them."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def publish(self, source: str, entries: Sequence[tuple[int, str, bytes]]) -> None:
        self._signals.notify(source)


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

    def start(self) -> None:
        """Start the threads."""
        name = self._host.service.name
        loops: list[tuple[str, list[Duty]]] = [
            ("log", [("seal", self.sealer.seal), ("publish", self.publisher.publish)]),
            ("work", self._work()),
        ]
        for label, duties in loops:
            thread = threading.Thread(target=self._loop, args=(duties,), name=f"{name}-{label}", daemon=True)
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
        """All duties once, in this thread (tests and tools). True if any did something."""
        duties: list[Duty] = [("seal", self.sealer.seal), ("publish", self.publisher.publish), *self._work()]
        return any([bool(duty()) for _, duty in duties])

    def _work(self) -> list[Duty]:
        duties: list[Duty] = [("due", self.schedule.fire)]
        duties += [(f"from-{s.source}", s.catch_up) for s in self.subscriptions]
        duties.append(("parked", self._retry_parked))
        duties += [(duty.__name__, lambda duty=duty: duty(self._host)) for duty in self._host.service.duties]
        return duties

    def _retry_parked(self) -> bool:
        now = time.monotonic()
        if now - self._parked_at < PARKED_EVERY_S:
            return False
        self._parked_at = now
        return any([bool(s.retry_parked()) for s in self.subscriptions])

    def _loop(self, duties: list[Duty]) -> None:
        pause: dict[str, tuple[float, float]] = {}
        idle = IDLE_MIN_S
        while not self._stopping.is_set():
            seen = self._signals.count
            did = False
            for name, duty in duties:
                if self._stopping.is_set():
                    return
                if name in pause and time.monotonic() < pause[name][0]:
                    continue
                did = self._turn(name, duty, pause) or did
            idle = IDLE_MIN_S if did else min(idle * 2, IDLE_MAX_S)
            if not did:
                self._signals.wait(seen, idle)

    def _turn(self, name: str, duty: Callable[[], Any], pause: dict[str, tuple[float, float]]) -> bool:
        try:
            did = bool(duty())
            pause.pop(name, None)
        except Exception as problem:
            length = min(pause.get(name, (0.0, 0.05))[1] * 2, 5.0)
            pause[name] = (time.monotonic() + length, length)
            WORKER_FAILURES.labels(self._host.service.name, name).inc()
            log.warning(
                "a turn failed", service=self._host.service.name, duty=name,
                error=f"{type(problem).__name__}: {problem}"[:300],
            )  # fmt: skip
            return False
        return did

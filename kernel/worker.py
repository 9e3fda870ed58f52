"""The worker of a service: seals, publishes, handles what others published, fires what is due.

Threads: one seals, so that nothing that a subscription does can hold the log up; one does the rest in turns. Publishing
where it only wakes others belongs to the first; over a bus, which may hang, it has a thread of its own. A turn that fails
is counted, logged and tried again with a growing pause; the other duties go on. Any number of workers of one service may
run: the rows' locks decide who does what.

With a bus that brings events (kernel/mail.py) the logs of others are still looked into: now and then while the bus is
well, as often as without one while it isn't.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from kernel.clock import check_clock
from kernel.health import health
from kernel.host import Host
from kernel.logs import logger, told
from kernel.mail import Mail
from kernel.metrics import WORKER_FAILURES
from kernel.publisher import Publisher, Sealed, Transport
from kernel.schedule import Schedule
from kernel.sealer import Sealer
from kernel.subscription import BATCH, Subscription

IDLE_MIN_S, IDLE_MAX_S = 0.005, 0.25
BREATHERS_S = (0.0, 0.004, 0.008, 0.016)
PARKED_EVERY_S = 0.5
MEASURED_EVERY_S = 5.0
LOGS_EVERY_S = 1.5  # while a bus brings what the logs hold
log = logger("worker")

Duty = tuple[str, Callable[[], Any]]


class Loop(NamedTuple):
    """One thread's duties in turns: what tells which of them have work, and the signals that wake it."""

    label: str
    duties: list[Duty]
    look: Callable[[], set[str]]
    names: frozenset[str]


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

    def wait(self, names: frozenset[str], seen: int, timeout_s: float) -> bool:
        """Wait until one of `names` was notified after `seen`, or `timeout_s`; whether one was."""
        with self._condition:
            return self._condition.wait_for(lambda: self.count(names) != seen, timeout_s)


class LocalTransport:
    """The publisher's transport where subscribers read the log themselves: it only wakes them."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def publish(self, source: str, entries: Sequence[Sealed]) -> None:
        self._signals.notify(f"log:{source}")


class Worker:
    """Runs a host's duties on its own threads until stopped."""

    def __init__(
        self, host: Host, signals: Signals, transport: Transport | None = None, mail: Mail | None = None
    ) -> None:
        """`mail`: what a bus brings. Without it, and without `transport`, subscribers read the logs."""
        name = host.service.name
        self._host = host
        self._signals = signals
        self._mail = mail
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.sealer = Sealer(name, host.engine, host.clock)
        self.publisher = Publisher(name, host.engine, transport or LocalTransport(signals))
        self._hangs = transport is not None
        self.schedule = Schedule(host)
        self.subscriptions = [Subscription(host, source) for source in host.service.sources]
        self._parked_at = 0.0
        self._measured_at = -MEASURED_EVERY_S
        self._logs_at = 0.0
        self._logs_every_s = LOGS_EVERY_S
        self._look_for = _looks(host)
        # Looking needs no transaction: one round trip tells which duties have anything to do.
        self._looking = host.engine.execution_options(isolation_level="AUTOCOMMIT")

    def start(self) -> None:
        """Start the threads."""
        for loop in self._loops():
            name = f"{self._host.service.name}-{loop.label}"
            thread = threading.Thread(target=self._run, args=(loop,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _loops(self) -> list[Loop]:
        name = self._host.service.name
        me = frozenset({"", name})
        logs = frozenset(f"log:{s.source}" for s in self.subscriptions)
        work = Loop("work", self._work(), self._waiting_work, me | logs)
        seal, publish = self._log()
        if not self._hangs:
            return [Loop("log", [seal, publish], partial(self._found, "seal", "publish"), me), work]
        return [
            Loop("log", [seal], partial(self._found, "seal"), me),
            Loop("publish", [publish], partial(self._found, "publish"), frozenset({"", _sealed(name)})),
            work,
        ]

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
        waiting = self._found(*self._look_for) | self._mailed()
        duties = [duty for name, duty in [*self._log(), *self._work()] if _has_work(name, waiting)]
        return sum(bool(duty()) for duty in duties) > 0

    def _log(self) -> list[Duty]:
        return [("seal", self._seal), ("publish", self.publisher.publish)]

    def _seal(self) -> int:
        sealed = self.sealer.seal()
        if sealed:
            self._signals.notify(_sealed(self._host.service.name))
        return sealed

    def _work(self) -> list[Duty]:
        duties: list[Duty] = [("due", self.schedule.fire)]
        duties += [(f"from-{s.source}", partial(self._follow, s)) for s in self.subscriptions]
        duties.append(("parked", self._retry_parked))
        duties += [("own", partial(duty, self._host)) for duty in self._host.service.duties]
        duties.append(("own", self._measure))
        return duties

    def _follow(self, subscription: Subscription) -> bool:
        """Handle what a bus brought from the subscription's source, or else a page of its log."""
        batch = self._mail.look(subscription.source, BATCH) if self._mail else None
        if self._mail is None or batch is None or not batch.letters:
            passed = subscription.catch_up()
            if passed:
                self._logs_every_s = 0.0  # a bus that stands well and brings nothing: its other end may be cut off
            return passed > 0
        self._logs_every_s = LOGS_EVERY_S
        checkpoint = subscription.receive([(letter.sequence, letter.body) for letter in batch.letters])
        if checkpoint is None:
            return False  # another worker is at it: look again soon
        self._mail.settle(batch, checkpoint)
        return True

    def _found(self, *parts: str) -> set[str]:
        """Which duties the database has work for, among `parts`. Raises WrongClock: due commands would fire too early."""
        sql = " UNION ALL ".join([_NOW, *(self._look_for[part] for part in parts)])
        with self._looking.connect() as connection:
            started = time.time()
            found = set(connection.exec_driver_sql(f"/* {self._host.service.name} */ {sql}").scalars())
            ended = time.time()
        [now] = [name for name in found if name.startswith("now ")]
        check_clock(started, float(now[4:]), ended)
        return found

    def _mailed(self) -> set[str]:
        return {f"from-{source}" for source in self._mail.sources()} if self._mail else set()

    def _waiting_work(self) -> set[str]:
        now = time.monotonic()
        parts = ["due", "parked"]
        if self._mail is None or not self._mail.well() or now - self._logs_at >= self._logs_every_s:
            self._logs_at = now
            parts += [f"from-{s.source}" for s in self.subscriptions]
        return self._found(*parts) | self._mailed()

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

    def _run(self, loop: Loop) -> None:
        pause: dict[str, tuple[float, float]] = {}
        idle, breath = IDLE_MIN_S, 0
        while not self._stopping.is_set():
            seen = self._signals.count(loop.names)
            did = False
            waiting = self._turn("look", loop.look, pause) or set()
            for name, duty in loop.duties:
                if self._stopping.is_set():
                    return
                if not _has_work(name, waiting):
                    continue
                if name in pause and time.monotonic() < pause[name][0]:
                    continue
                did = bool(self._turn(name, duty, pause)) or did
            idle = IDLE_MIN_S if did else min(idle * 2, IDLE_MAX_S)
            if did or self._signals.wait(loop.names, seen, idle):
                # Who is woken from rest looks at once. Under load the next batch grows meanwhile: fewer looks and
                # transactions for as many entries.
                self._stopping.wait(BREATHERS_S[breath])
                breath = min(breath + 1, len(BREATHERS_S) - 1)
            else:
                breath = 0

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


_NOW = "SELECT 'now ' || extract(epoch FROM clock_timestamp())"


def _has_work(name: str, waiting: set[str]) -> bool:
    """A service's own duties know by themselves; the others were looked for."""
    return name == "own" or name in waiting


def _sealed(service: str) -> str:
    """The signal that a service's log has grown."""
    return f"sealed:{service}"


def _looks(host: Host) -> dict[str, str]:
    """{duty: SQL that names it where it has something to do}. It may be late, never wrong: the duties look again."""
    instant = "(SELECT instant FROM market.sandbox)" if host.clock.sandbox else "clock_timestamp()"
    looks = {
        "seal": "SELECT 'seal' WHERE EXISTS (SELECT 1 FROM outbox)",
        "publish": "SELECT 'publish' WHERE (SELECT sequence FROM log_head) > (SELECT sequence FROM publication)",
        "due": f"SELECT 'due' WHERE EXISTS (SELECT 1 FROM due WHERE due_at <= {instant} "
        "AND (next_try IS NULL OR next_try <= clock_timestamp()))",
        "parked": "SELECT 'parked' WHERE EXISTS (SELECT 1 FROM parked WHERE next_try <= clock_timestamp())",
    }
    for source in host.service.sources:
        looks[f"from-{source}"] = (
            f"SELECT 'from-{source}' WHERE (SELECT sequence FROM \"{source}\".log_head) > "
            f"(SELECT sequence FROM subscription WHERE source = '{source}')"
        )
    return looks

"""The toy market as production runs it: a process for every replica of a service, RabbitMQ between them.

A caller speaks to it as the gateway does. Tests do something to a process, to the broker or to the network; then `rest`
waits until the processes have made good what was left undone, by themselves, and `check` holds all of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from kernel.ids import new_id
from kernel.instants import to_text
from tests.faults.book import Sent, is_final
from tests.faults.checks import backlog
from tests.faults.patience import PATIENCE_S, until
from tests.faults.rpc import Rpc
from tests.faults.system import ROOT, Child, System
from tests.faults.tap import Tap
from tests.rabbit import declare_for
from tests.support import Market

DRAINED_WITHIN_S = 60.0  # check R
REPLICAS = {"box": 2, "mirror": 2, "clockwork": 1, "audit": 1}
AGAIN_S = 0.05


class Process(Child):
    """One replica of a service."""

    def __init__(self, service: str, process: subprocess.Popen[bytes], said: Path) -> None:
        super().__init__(process, said, said)
        self.service = service
        self._said = said

    def told(self, *words: str) -> bool:
        """Whether a line of its log has all of `words`."""
        return any(all(w.encode() in line for w in words) for line in self._said.read_bytes().splitlines())

    def count_of(self, word: str) -> int:
        """How often its log has `word`."""
        return self._said.read_bytes().count(word.encode())

    def until_told(self, *words: str) -> None:
        self.until(lambda: self.told(*words))

    @property
    def pid(self) -> int:
        return self.process.pid


class Fleet(System):
    """Processes of a market's services over the broker at `amqp_url`, and the book of what was asked of them."""

    def __init__(self, market: Market, folder: Path, amqp_url: str) -> None:
        super().__init__(market, folder)
        self.amqp_url = amqp_url
        self.database_url, self.broker_url = market.url, amqp_url
        self.environment: dict[str, str] = {}
        self.processes: list[Process] = []
        self.declared_at = time.monotonic()
        self.began = to_text(datetime.now(UTC))
        self.declare()
        self.tap = Tap(amqp_url, [s.name for s in market.services])
        self.local = market.installation.bus
        self.connect()

    def connect(self) -> None:
        """Commands of the test go over RabbitMQ from now on."""
        self.rpc = Rpc(self.broker_url)
        self.market.installation.bus = self.rpc  # type: ignore[assignment] # it attaches no host

    def through(self, database_url: str, broker_url: str) -> None:
        """Processes and callers find the database and the broker there; the test itself as before."""
        self.rpc.close()
        self.database_url, self.broker_url = database_url, broker_url
        self.connect()

    def declare(self) -> list[str]:
        """What the topology job does; what it made."""
        return declare_for(self.amqp_url, self.market.services).made

    def close(self) -> None:
        super().close()
        self.rpc.close()
        self.market.installation.bus = self.local

    # -- processes ------------------------------------------------------------------------------------------------

    def staff(self, replicas: Mapping[str, int] = REPLICAS) -> None:
        """As many replicas as there shall be: those that are missing are started, those too many stopped."""
        for service, wanted in replicas.items():
            alive = self.alive(service)
            for one in alive[wanted:]:
                one.stop()
            for _ in range(wanted - len(alive)):
                self.start(service)
        for process in self.alive():
            process.until_told("taking calls")

    def start(self, service: str, failpoint: str = "", **environment: str) -> Process:
        """One more replica; `until_told("taking calls")` waits for it."""
        said = self.folder / f"{service}-{len(self._children)}.log"
        settings = {
            "MARKET_DATABASE_URL": self.database_url,
            "MARKET_AMQP_URL": self.broker_url,
            "MARKET_HOME": str(self.market.settings.home),
            "MARKET_POOL_SIZE": "3",
            "MARKET_FAILPOINT": failpoint,
            **self.environment,
        }
        command = [sys.executable, "-P", "-W", "ignore", "-m", "tests.faults.service", service]
        with said.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **settings, **environment},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        made = Process(service, process, said)
        self._children.append(made)
        self.processes.append(made)
        return made

    def alive(self, service: str = "") -> list[Process]:
        """The processes that run now, of one service or of all, the eldest first."""
        return [p for p in self.processes if p.process.poll() is None and service in ("", p.service)]

    def stop(self, service: str) -> None:
        """Stop every replica of a service in order."""
        for process in self.alive(service):
            process.stop()

    # -- commands -------------------------------------------------------------------------------------------------

    @contextmanager
    def locally(self) -> Iterator[None]:
        """Commands of this thread's test go to the database without the broker: what they wrote waits in the outbox."""
        self.market.installation.bus = self.local
        try:
            yield
        finally:
            self.market.installation.bus = self.rpc  # type: ignore[assignment]

    @contextmanager
    def load(self, callers: int = 4, pause_s: float = 0.02) -> Iterator[Load]:
        """Callers at work until the end of the block."""
        load = Load(self, callers, pause_s)
        load.start()
        try:
            yield load
        finally:
            load.stop()

    def goes_on_by_the_log(self, puts: int = 20) -> None:
        """The broker is away or useless: commands are accepted, sealed and have their effects all the same."""
        with self.locally():
            self.put(self.open_boxes(2), puts)
        self.until(lambda: not self.market.installation.unsettled())
        assert self.unpublished("box") >= puts, "something was published: the fault was none"

    def unpublished(self, service: str) -> int:
        [(count,)] = self.market.sql(
            f"SELECT h.sequence - p.sequence FROM {service}.log_head h, {service}.publication p"
        )
        return int(count)

    def head(self, service: str) -> int:
        """The number of the last entry of a log."""
        return int(self.market.sql(f"SELECT sequence FROM {service}.log_head")[0][0])

    # -- the end --------------------------------------------------------------------------------------------------

    def until(self, check: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        until(check, within_s)

    def reached(self) -> dict[str, list[int]]:
        return self.tap.reached()

    def rest(self, within_s: float = DRAINED_WITHIN_S) -> None:
        """Ask again for what nobody knows; then the processes do what is left, without anybody's help."""
        self.settle()
        end = time.monotonic() + within_s
        while waiting := backlog(self):
            assert time.monotonic() < end, f"it doesn't drain by itself: {waiting}"
            time.sleep(0.05)


class Load:
    """Callers who put into boxes one after another, each command under its key until it is answered."""

    def __init__(self, fleet: Fleet, callers: int, pause_s: float) -> None:
        self._fleet = fleet
        self._boxes = fleet.open_boxes(callers)
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(box,)) for box in self._boxes]
        self.answered = 0
        self.busy = 0
        self.slowest_s = 0.0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int = 20, within_s: float = PATIENCE_S) -> None:
        """Wait until `count` more commands are answered."""
        wanted = self.answered + count
        self._fleet.until(lambda: self.answered >= wanted, within_s)

    def _call(self, box_id: str) -> None:
        while not self._stopping.is_set():
            sent = Sent(new_id(), "box.put", {"id": box_id, "amount": 1})
            began = time.monotonic()
            while not is_final(self._fleet.book.send(sent, self._fleet.send)):
                self.busy += 1
                if self._stopping.wait(AGAIN_S):
                    return  # nobody knows what came of it: `settle` asks
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.answered += 1
            self._stopping.wait(self._pause_s)

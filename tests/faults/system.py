"""The toy market as one system of processes: what was asked, who runs, and the end at which all is checked."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import psutil
from sqlalchemy.exc import DBAPIError

from kernel.database import is_transient
from kernel.ids import new_id
from kernel.publisher import Publisher
from tests.faults.book import KEEPER, Answer, Book, Sent
from tests.faults.patience import PATIENCE_S
from tests.faults.transport import FileTransport, published
from tests.support import Market

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """One process of the market; what it says goes to a file that outlives it."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, errors: Path) -> None:
        self.process = process
        self._output = output
        self._errors = errors

    def said(self, what: str) -> list[Any]:
        """Every value that it gave under the name `what`."""
        lines = self._output.read_bytes().splitlines(keepends=True)
        whole = [orjson.loads(line) for line in lines if line.endswith(b"\n")]
        return [line[what] for line in whole if what in line]

    def until(self, check: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Poll until `check()` holds; a process that died meanwhile, or `within_s`, end the test."""
        deadline = time.monotonic() + within_s
        while not check():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self._errors.read_text()}"
            assert time.monotonic() < deadline, f"it didn't come true in time: {self._errors.read_text()}"
            time.sleep(0.005)

    def died(self) -> None:
        """Wait for its death by SIGKILL."""
        self.ended(-signal.SIGKILL)

    def frozen(self) -> None:
        """Wait until it is stopped by SIGSTOP."""
        self.until(lambda: psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED)

    def kill(self) -> None:
        self.process.kill()
        self.ended(-signal.SIGKILL)

    def stop(self) -> None:
        """Stop gracefully."""
        self.process.terminate()
        self.ended(0)

    def ended(self, status: int) -> None:
        """Wait for its end with `status`; one of a signal is below zero."""
        try:
            found = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            found = None
        assert found == status, f"its status is {found}, not {status}: {self._errors.read_text()[-5000:]}"


class System:
    """A toy market, its caller's book and its processes."""

    def __init__(self, market: Market, folder: Path) -> None:
        self.market = market
        self.book = Book()
        self.folder = folder
        self.published = folder / "published"
        self._children: list[Child] = []
        for name, worker in market.installation.workers.items():
            engine = market.installation.hosts[name].engine
            worker.publisher = Publisher(name, engine, FileTransport(self.published))

    def close(self) -> None:
        for child in self._children:
            if child.process.poll() is None:
                child.kill()

    # -- commands of this process ---------------------------------------------------------------------------------

    def send(self, sent: Sent) -> Answer:
        return self.market.answer(sent.name, sent.data, KEEPER, key=sent.key, correlation_id=sent.key)

    def give(self, name: str, data: dict[str, Any], key: str | None = None) -> Answer:
        """Send one command and write it into the book."""
        return self.book.send(Sent(key or new_id(), name, data), self.send)

    def open_boxes(self, count: int = 4, colour: str = "red") -> list[str]:
        boxes = [new_id() for _ in range(count)]
        for box_id in boxes:
            self.give("box.open_box", {"id": box_id, "colour": colour})
        return boxes

    def put(self, boxes: Sequence[str], count: int) -> None:
        """`count` things into the boxes in turn."""
        for number in range(count):
            self.give("box.put", {"id": boxes[number % len(boxes)], "amount": number + 1})

    # -- processes ------------------------------------------------------------------------------------------------

    def worker(self, *services: str, url: str = "") -> Child:
        """The workers of some services in a process, which says `ready` when they run; `url`: its way to the database."""
        number = len(self._children)
        output, errors = self.folder / f"{number}.out", self.folder / f"{number}.err"
        command = [sys.executable, "-m", "tests.faults.child", "--url", url or self.market.url]
        home = self.market.settings.home
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                [*command, "--home", home, "--published", self.published, *services],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip
        child = Child(process, output, errors)
        self._children.append(child)
        return child

    def reached(self) -> dict[str, list[int]]:
        """{service: sequences in the order in which they reached the bus}."""
        return published(self.published)

    # -- the end --------------------------------------------------------------------------------------------------

    def settle(self) -> int:
        """Ask again for what nobody knows; how many commands that were."""
        return self.book.settle(self.send)

    def rest(self) -> None:
        """Settle, let the workers of this process do what is left, as often as their pools hold dead connections."""
        self.settle()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.market.work(rounds=500)
            except DBAPIError as problem:
                if not is_transient(problem) or time.monotonic() > deadline:
                    raise

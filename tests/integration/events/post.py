"""A toy market over RabbitMQ: its workers in threads or processes, and what reached whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import REGISTRY

from kernel.bus.attach import Attached
from kernel.host import Host
from kernel.ids import new_id
from kernel.settings import PROJECT
from kernel.worker import Signals
from tests.faults.book import KEEPER
from tests.support import Market, eventually

PATIENCE_S = 20.0


class Post:
    """Workers of a market's services on the broker at `url`. `check` afterwards: every effect once."""

    def __init__(self, market: Market, url: str, folder: Path) -> None:
        self.market = market
        self.url = url
        self._folder = folder
        self._attached: list[tuple[Host, Attached]] = []
        self._children: list[subprocess.Popen[bytes]] = []
        self.put = 0

    def close(self) -> None:
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.kill()
                child.wait()
        for host, attached in self._attached:
            attached.stop()
            host.close()

    # -- workers --------------------------------------------------------------------------------------------------

    def attach(self, name: str) -> Attached:
        """A worker of a service in threads of this process."""
        signals = Signals()
        service = self.market.installation.hosts[name].service
        host = Host(service, self.market.url, self.market.settings, signals.notify)
        attached = Attached(host, signals, self.url)
        attached.start()
        self._attached.append((host, attached))
        return attached

    def spawn(self, name: str, green: bool = True, failpoint: str = "") -> subprocess.Popen[bytes]:
        """A worker of a service in a process of its own."""
        command = [
            sys.executable, "-W", "ignore", "-m", "tests.integration.events.child", name, "--url", self.market.url,
            "--amqp", self.url, "--home", str(self.market.settings.home), *(["--green"] if green else []),
        ]  # fmt: skip
        errors = (self._folder / f"{name}-{len(self._children)}.err").open("wb")
        child = subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=errors,
            env={**os.environ, "MARKET_FAILPOINT": failpoint},
        )  # fmt: skip
        errors.close()
        self._children.append(child)
        assert child.stdout is not None
        assert orjson.loads(child.stdout.readline() or b'"it died"') == {"ready": True}, Path(errors.name).read_text()
        return child

    # -- what is sent and what has come ---------------------------------------------------------------------------

    def open_boxes(self, count: int = 3) -> list[str]:
        boxes = [new_id() for _ in range(count)]
        for box_id in boxes:
            self.market.do("box.open_box", {"id": box_id, "colour": "red"}, KEEPER)
        return boxes

    def fill(self, boxes: list[str], count: int) -> None:
        for number in range(count):
            self.market.do("box.put", {"id": boxes[number % len(boxes)], "amount": 1}, KEEPER)
            self.put += 1

    def value(self, sql: str) -> Any:
        return self.market.sql(sql)[0][0]

    def arrived(self) -> int:
        """How many things the mirror has seen being put, each once."""
        return int(self.value("SELECT coalesce(sum(amount), 0) FROM mirror.seen"))

    def until(self, check: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        eventually(check, timeout_s)

    def everything_has_arrived(self, timeout_s: float = PATIENCE_S) -> None:
        """Nothing waits, and every event has had each of its effects once."""
        self.until(lambda: self.arrived() >= self.put and not self.unsettled(), timeout_s)
        assert self.arrived() == self.put
        effects = self.market.sql(
            "SELECT count(*), count(DISTINCT convert_from(entry, 'UTF8')::jsonb->'event'->>'causationid') FROM mirror.log"
        )
        assert effects == [(self.put, self.put)]

    def brought(self, consumer: str = "mirror", source: str = "box") -> int:
        """How many entries the broker has brought to a worker of this process."""
        return int(metric("market_bus_deliveries_total", service=consumer, source=source))

    def unsettled(self) -> list[str]:
        return self.market.installation.unsettled()


def metric(name: str, **labels: str) -> float:
    """A metric of this process, 0 before it was first set."""
    return REGISTRY.get_sample_value(name, labels) or 0.0

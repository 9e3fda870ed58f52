"""A toy market whose services are processes on RabbitMQ, and callers beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import orjson
from sqlalchemy import create_engine

from kernel.bus.call import Call
from kernel.bus.client import RabbitBus
from kernel.database import admin_url
from kernel.ids import new_id
from kernel.settings import PROJECT
from tests.support import Market, eventually, person

KEEPER = person("keeper")
START_S = 20.0


class Replica:
    """One process of a service, with what it said."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def said(self, event: str) -> list[dict[str, Any]]:
        """Its log lines of one kind."""
        lines = [orjson.loads(line) for line in self._log.read_bytes().splitlines() if line.startswith(b"{")]
        return [line for line in lines if line["event"] == event]

    def until_it_says(self, event: str, times: int = 1) -> dict[str, Any]:
        eventually(lambda: self.process.poll() is None and len(self.said(event)) >= times, START_S)
        return self.said(event)[-1]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


class Street:
    """Processes of a market's services on the broker at `url`, and calls to them."""

    def __init__(self, market: Market, url: str, folder: Path) -> None:
        self.market = market
        self.url = url
        self._folder = folder
        self._replicas: list[Replica] = []

    def start(self, name: str = "box", broker: str = "", wait: bool = True, **environment: str) -> Replica:
        """A replica that takes calls, or only was started."""
        log = self._folder / f"{name}-{len(self._replicas)}.log"
        arguments = [self.market.url, broker or self.url, str(self.market.settings.home)]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.integration.rpc.replica", name, *arguments],
                cwd=PROJECT, stderr=file, env={**os.environ, "MARKET_AMQP_URL": "", **environment},
            )  # fmt: skip
        replica = Replica(process, log)
        self._replicas.append(replica)
        if wait:
            replica.until_it_says("taking calls")
        return replica

    def close(self) -> None:
        for replica in self._replicas:
            if replica.process.poll() is None:
                replica.process.send_signal(signal.SIGCONT)
                replica.process.kill()
                replica.process.wait()

    @asynccontextmanager
    async def bus(self, url: str = "") -> AsyncIterator[RabbitBus]:
        bus = RabbitBus(url or self.url, "test")
        await bus.start()
        try:
            yield bus
        finally:
            await bus.stop()

    async def do(self, bus: RabbitBus, name: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The answer to a command of box; `within` seconds."""
        within = more.pop("within", 10.0)
        call = self.market.call(f"box.{name}", data, KEEPER, **more)
        return await bus.command("box", name, data, shortened(call, within))

    async def total(self, bus: RabbitBus, colour: str) -> dict[str, Any]:
        params = {"colour": colour}
        return await bus.query("box", "total_of", params, self.market.call("box.total_of", params, KEEPER))

    def box(self, colour: str = "red") -> str:
        """A box, opened here and now and not over the bus."""
        box_id = new_id()
        self.market.do("box.open_box", {"id": box_id, "colour": colour}, KEEPER)
        return box_id

    def held(self, box_id: str) -> int:
        return int(self.market.sql("SELECT state->>'held' FROM box.box WHERE id = %s", (box_id,))[0][0])

    @contextmanager
    def locked(self, box_id: str) -> Iterator[None]:
        """While this lasts, whatever is asked of the box is under way and doesn't get on."""
        engine = create_engine(admin_url(self.market.url), pool_size=1)
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("SELECT 1 FROM box.box WHERE id = %s FOR UPDATE", (box_id,))
            yield
        engine.dispose()

    async def until_waiting(self, count: int = 1) -> None:
        """Until so many commands wait for a lock."""
        sql = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
            "AND application_name = 'market-box'"
        )
        with anyio.fail_after(10):
            while self.market.sql(sql)[0][0] < count:
                await anyio.sleep(0.01)


def shortened(call: Call, within_s: float) -> Call:
    """`call` with at most `within_s` seconds from now."""
    return replace(call, deadline=min(call.deadline, time.time() + within_s))

"""The body of `./market run gateway`: the pages and the API over RabbitMQ, in a process without a database of its own.

The market's clock, which in a sandbox isn't the machine's, is asked from a service over the bus.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import anyio
from anyio import from_thread
from fastapi import FastAPI

from app.broker import broker_url
from app.gateway import server_for
from kernel import tracing
from kernel.bus import wire
from kernel.bus.call import Call
from kernel.bus.client import RabbitBus
from kernel.instants import from_text
from kernel.logs import configure, logger
from kernel.settings import Settings
from services.gateway.app import create_app
from services.gateway.options import Options

ASKED = ("audit", "orders", "registry")
"""Who is asked for the time, in turn: any service knows it, and one of them may be away."""
ANSWER_S = 3.0
AGAIN_S = 2.0
log = logger("gateway")


class BusClock:
    """The market's clock, read in a thread of the event loop that the bus lives on; an answer is kept for a second."""

    KEPT_S = 1.0

    def __init__(self, bus: RabbitBus, asked: Sequence[str], first: dict[str, Any]) -> None:
        self._bus = bus
        self._asked = asked
        self.sandbox: bool = first["sandbox"]
        self._known = time.monotonic(), from_text(first["now"])

    @classmethod
    async def found(cls, bus: RabbitBus, asked: Sequence[str] = ASKED) -> BusClock:
        """Once a service has told the time: whether this is a sandbox must be known before anything is shown."""
        while True:
            told = await the_time(bus, asked)
            if told:
                return cls(bus, asked, told)
            log.warning("waiting for a service that tells the market's time", asked=asked, broker=str(bus.address))
            await asyncio.sleep(AGAIN_S)

    def now(self) -> datetime:
        """A sandbox's instant, at most a second old; older while no service answers."""
        at, instant = self._known
        if time.monotonic() - at >= self.KEPT_S:
            told = from_thread.run(the_time, self._bus, self._asked)
            instant = from_text(told["now"]) if told else instant
            self._known = time.monotonic(), instant
        return instant


async def the_time(bus: RabbitBus, asked: Sequence[str]) -> dict[str, Any] | None:
    """`{"sandbox", "now"}` as the first service that answers tells it."""
    for service in asked:
        answer = await bus.query(service, wire.PROBE, {}, Call(deadline=time.time() + ANSWER_S))
        if "reply" in answer:
            reply: dict[str, Any] = answer["reply"]
            return reply
    return None


def application(bus: RabbitBus, clock: BusClock, settings: Settings, options: Options | None = None) -> FastAPI:
    """The gateway over the bus."""
    return create_app(bus, settings, options=options, clock=clock if clock.sandbox else None, single_machine=False)


async def serve(host: str, port: int, settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM; the exit status."""
    bus = RabbitBus(broker_url(settings), "gateway")
    await bus.start()
    try:
        server = server_for(application(bus, await BusClock.found(bus), settings), port, host)
        await server.serve()
        return 0 if server.started else 1
    finally:
        await bus.stop()


def main(host: str = "127.0.0.1", port: int = 8000, settings: Settings | None = None) -> int:
    settings = settings or Settings()
    configure(settings.log_level)
    broker_url(settings)
    tracing.start("market-gateway", settings)
    try:
        return anyio.run(serve, host, port, settings)
    finally:
        tracing.stop()

"""The bus of one process: direct calls, through the same bytes that RabbitMQ would carry.

Everything is written to JSON and read again, so that nothing can come to depend on sharing objects. Callers on an event
loop reach it through a bounded set of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from anyio import CapacityLimiter, to_thread

from kernel.bus import wire
from kernel.bus.call import Bus, Call
from kernel.refusal import UNAVAILABLE


class Handler(Protocol):
    """What stands behind a name on the bus."""

    def command(self, name: str, data: Any, call: Call) -> dict[str, Any]: ...

    def query(self, name: str, params: Any, call: Call) -> dict[str, Any]: ...


class LocalBus:
    """Commands and queries to the services of this process."""

    def __init__(self) -> None:
        self._services: dict[str, Handler] = {}

    def attach(self, name: str, handler: Handler) -> None:
        self._services[name] = handler

    def detach(self, name: str) -> None:
        self._services.pop(name, None)

    def command(self, service: str, name: str, data: Mapping[str, Any], call: Call) -> dict[str, Any]:
        return self._carry(service, "command", name, data, call)

    def query(self, service: str, name: str, params: Mapping[str, Any], call: Call) -> dict[str, Any]:
        return self._carry(service, "query", name, params, call)

    def _carry(self, service: str, kind: str, name: str, data: Mapping[str, Any], call: Call) -> dict[str, Any]:
        handler = self._services.get(service)
        if handler is None:
            return {"refused": UNAVAILABLE.having(what=service).to_dict()}
        answer = getattr(handler, kind)(name, *wire.read_request(wire.request(data, call)))
        return wire.read_reply(wire.reply(answer))


class InThreads:
    """A bus that blocks, for an event loop: `at_once` calls in threads, and `waiting` more that wait for one."""

    def __init__(self, bus: Bus, at_once: int, waiting: int) -> None:
        self._bus = bus
        self._limiter = CapacityLimiter(at_once)
        self.most = at_once + waiting

    async def command(self, service: str, name: str, data: Mapping[str, Any], call: Call) -> dict[str, Any]:
        return await self._run(partial(self._bus.command, service, name, data, call))

    async def query(self, service: str, name: str, params: Mapping[str, Any], call: Call) -> dict[str, Any]:
        return await self._run(partial(self._bus.query, service, name, params, call))

    async def _run(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return await to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=True)

"""The services of a fleet for the threads of a test: the gateway's own client of RabbitMQ, on a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from kernel.bus.call import Call
from kernel.bus.client import RabbitBus


class Rpc:
    """A Bus (kernel/bus/call.py) over RabbitMQ."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rpc", daemon=True)
        self._thread.start()
        self.bus = RabbitBus(url, "faults")
        self._run(self.bus.start())

    def command(self, service: str, name: str, data: Mapping[str, Any], call: Call) -> dict[str, Any]:
        answer: dict[str, Any] = self._run(self.bus.command(service, name, data, call))
        return answer

    query = command

    def close(self) -> None:
        self._run(self.bus.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

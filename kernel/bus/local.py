"""The bus of one process: direct calls, through the same bytes that RabbitMQ would carry.

Everything is written to JSON and read again, so that nothing can come to depend on sharing objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from kernel.bus.call import Call
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
        sent = orjson.loads(orjson.dumps({"data": data, "call": call.to_dict()}))
        answer = getattr(handler, kind)(name, sent["data"], Call.from_dict(sent["call"]))
        received: dict[str, Any] = orjson.loads(orjson.dumps(answer))
        return received

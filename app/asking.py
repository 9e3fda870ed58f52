"""Asking a service what anybody may ask, from a command that has its host in its own process."""

from __future__ import annotations

from typing import Any

from app.failure import Failure
from kernel.bus.call import Caller
from kernel.host import Host
from kernel.identity import SigningKey
from kernel.settings import Settings
from kernel.store import body_hash


class Asker:
    """`ask(query, **parameters)` gives the reply. Raises Failure where it is refused."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host = host
        self._caller = Caller(SigningKey.at(settings.keys / "gateway.key"), settings.call_deadline_s)

    def __call__(self, name: str, **params: Any) -> dict[str, Any]:
        asked = {key: value for key, value in params.items() if value is not None}
        target = f"{self._host.service.name}.{name}"
        answer = self._host.query(name, asked, self._caller.call(target, body_hash(asked), token=None))
        if "refused" in answer:
            raise Failure(answer["refused"]["en"], "see what the installation's log says")
        found: dict[str, Any] = answer["reply"]
        return found

"""A call: what travels with every command and query, whichever bus carries it."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Protocol, runtime_checkable

from kernel.identity import SigningKey, stamp_message
from kernel.ids import new_id
from kernel.instants import to_text


@dataclass(frozen=True)
class Call:
    """The envelope of a command or query.

    `key`: idempotency key of a command. `deadline`: unix time after which the service drops the call.
    `received_at`/`stamp`: when the gateway received it, and its signature over that. `expected_version`: If-Match.
    `wait`: `<source>/<event id>` that a query's answer must include. `traceparent`: where the call stands in its trace
    (W3C Trace Context); nothing is decided by it, so it isn't signed.
    """

    key: str = ""
    token: str | None = None
    received_at: str = ""
    stamp: str = ""
    deadline: float = 0.0
    correlation_id: str = ""
    expected_version: int | None = None
    wait: str | None = None
    traceparent: str = ""

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Call:
        """The call that came over a bus. Raises ValueError for what is none.

        A field that this version doesn't know is left alone, so that callers may be newer than services.
        """
        if not isinstance(data, Mapping):
            raise ValueError("call: an object is expected")
        known = {name: data[name] for name in _TYPES if name in data}
        for name, value in known.items():
            if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
                raise ValueError(f"call.{name}: {type(value).__name__}")
        return cls(**known)


_TYPES: dict[str, tuple[type, ...]] = {
    "key": (str,),
    "token": (str, NoneType),
    "received_at": (str,),
    "stamp": (str,),
    "deadline": (float, int),
    "correlation_id": (str,),
    "expected_version": (int, NoneType),
    "wait": (str, NoneType),
    "traceparent": (str,),
}


class Caller:
    """Makes stamped calls; held by the gateway, which alone has the stamp's private key."""

    def __init__(self, key: SigningKey, deadline_s: float) -> None:
        self._key = key
        self._deadline_s = deadline_s

    def call(
        self,
        command: str,
        body_hash: bytes,
        *,
        token: str | None,
        key: str | None = None,
        received_at: datetime | None = None,
        correlation_id: str | None = None,
        expected_version: int | None = None,
        wait: str | None = None,
    ) -> Call:
        """A call of `command` ("orders.submit_bid") whose canonical body hashes to `body_hash`."""
        plain = Call(
            key=key or new_id(),
            token=token,
            received_at=to_text(received_at or datetime.now(UTC)),
            deadline=time.time() + self._deadline_s,
            correlation_id=correlation_id or new_id(),
            expected_version=expected_version,
            wait=wait,
        )
        message = stamp_message(plain.received_at, command, plain.key, token, body_hash)
        return replace(plain, stamp=base64.b64encode(self._key.sign(message)).decode())


class Bus(Protocol):
    """Carries commands and queries to services. The answer is `{"reply": …}` or `{"refused": …}` with more."""

    def command(self, service: str, name: str, data: Mapping[str, Any], call: Call) -> dict[str, Any]: ...

    def query(self, service: str, name: str, params: Mapping[str, Any], call: Call) -> dict[str, Any]: ...


@runtime_checkable
class AsyncBus(Protocol):
    """The same for callers on an event loop. Whatever goes wrong on the way is a refusal, within the call's deadline."""

    most: int
    """Calls that may be under way at once; the caller refuses more."""

    async def command(self, service: str, name: str, data: Mapping[str, Any], call: Call) -> dict[str, Any]: ...

    async def query(self, service: str, name: str, params: Mapping[str, Any], call: Call) -> dict[str, Any]: ...

"""Calls to services: the one place of the gateway that knows what the bus is like.

The bus is one for an event loop: RabbitMQ's client, or the local bus through threads. Every call is stamped with the
instant at which its request was received and must be answered within the longest time that a call may take, counted
from that instant: a competition closes that much after its deadline (DESIGN D3), so no call that was received in time
may be decided later.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

import anyio

from kernel import tracing
from kernel.bus.call import AsyncBus, Call, Caller
from kernel.identity import Actor
from kernel.refusal import INVALID, NO_ANSWER, Refused
from kernel.store import body_hash
from services.gateway.metrics import CALL_SECONDS, CALLS
from services.gateway.problems import OVERLOADED

GRACE_S = 2.0
Carry: TypeAlias = Callable[[str, str, Mapping[str, Any], Call], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Asker:
    """Who asks, as a call needs it: the token is passed on, the service proves it again."""

    actor: Actor
    token: str | None
    correlation_id: str


class Calls:
    """Commands and queries to services, answers as they come: `{"reply": …}` or `{"refused": …}` with more."""

    def __init__(self, bus: AsyncBus, caller: Caller, deadline_s: float) -> None:
        self._bus = bus
        self._caller = caller
        self._deadline_s = deadline_s
        self._under_way = 0

    async def command(
        self,
        name: str,
        data: Mapping[str, Any],
        asker: Asker,
        *,
        key: str,
        received_at: datetime,
        expected_version: int | None = None,
    ) -> dict[str, Any]:
        """Give the command `name` ("orders.submit_bid"). Raises Refused when it can't even be sent."""
        service, _, command = name.partition(".")
        call = self._caller.call(
            name,
            _hashed(data, expected_version),
            token=asker.token,
            key=key,
            received_at=received_at,
            correlation_id=asker.correlation_id,
            expected_version=expected_version,
        )
        return await self._run(self._bus.command, service, command, data, self._in_time(call, received_at))

    async def query(
        self, name: str, params: Mapping[str, Any], asker: Asker, *, wait: str | None = None
    ) -> dict[str, Any]:
        """Ask the query `name`; `wait` names an event ("orders/<id>") that the answer must include."""
        service, _, query = name.partition(".")
        hashed = _hashed(params, None)
        call = self._caller.call(name, hashed, token=asker.token, correlation_id=asker.correlation_id, wait=wait)
        return await self._run(self._bus.query, service, query, params, call)

    async def reply(self, name: str, params: Mapping[str, Any], asker: Asker) -> dict[str, Any]:
        """The reply of a query; raises Answered with the service's refusal."""
        answer = await self.query(name, params, asker)
        if "refused" in answer:
            raise Answered(answer["refused"])
        reply: dict[str, Any] = answer["reply"]
        return reply

    def _in_time(self, call: Call, received_at: datetime) -> Call:
        return replace(call, deadline=min(call.deadline, received_at.timestamp() + self._deadline_s))

    async def _run(
        self,
        carry: Carry,
        service: str,
        name: str,
        data: Mapping[str, Any],
        call: Call,
    ) -> dict[str, Any]:
        """The answer, timed, counted, and below what asks in its trace."""
        started, outcome = time.perf_counter(), "abandoned"
        with tracing.span(f"{service}.{name}", "client", correlation_id=call.correlation_id) as span:
            try:
                call = replace(call, traceparent=str(span.place))
                answer = await self._carried(partial(carry, service, name, data, call))
                outcome = tracing.outcome_of(answer)
                return answer
            except Refused as refused:
                outcome = refused.refusal.code
                raise
            finally:
                span.set({"market.outcome": outcome})
                CALLS.labels(service, name, outcome).inc()
                CALL_SECONDS.labels(service, name).observe(time.perf_counter() - started)

    async def _carried(self, carry: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        if self._under_way >= self._bus.most:
            raise Refused(OVERLOADED)
        self._under_way += 1
        try:
            with anyio.fail_after(self._deadline_s + GRACE_S):
                return await carry()
        except TimeoutError as problem:
            raise Refused(NO_ANSWER) from problem
        finally:
            self._under_way -= 1


class Answered(Exception):
    """A service's refusal, in its travelling form, on its way to the client."""

    def __init__(self, refusal: Mapping[str, Any]) -> None:
        super().__init__(refusal["code"])
        self.refusal = refusal


def _hashed(data: Mapping[str, Any], expected_version: int | None) -> bytes:
    try:
        return body_hash(data, expected_version)
    except ValueError as problem:
        raise Refused(INVALID.having(summary=str(problem))) from problem


def received_now() -> datetime:
    """The instant of receipt: the machine's clock, which is what a stamp vouches for."""
    return datetime.now(UTC)

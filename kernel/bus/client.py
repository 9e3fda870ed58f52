"""Calls from an event loop: one connection to RabbitMQ, thousands of calls in flight, each with a deadline.

* No queue for the service: refused at once (`mandatory`). A queue, but nobody there in time: NO_ANSWER at the deadline;
  the message has gone by then too (`expiration`).
* A connection that is lost comes back by itself, and what was in flight is sent again under the same keys within its
  deadlines, so most callers notice nothing. Without a connection a call waits a moment and is refused.
* Replies come to a queue of this connection alone, which ends with it.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pamqp.base import Frame
from pamqp.commands import Basic, Queue

from kernel.bus import wire
from kernel.bus.address import Address
from kernel.bus.call import Call
from kernel.bus.session import Message, Session, exchange_of_calls
from kernel.logs import logger, told
from kernel.refusal import INVALID, NO_ANSWER, TOO_LATE, UNAVAILABLE, Refusal

OPEN_S = 10.0
TICK_S = 1.0
PATIENCE_S = 2.0
"""How long a call waits for a connection that is away."""
RETRY_MIN_S, RETRY_MAX_S = 0.1, 5.0
log = logger("bus")


@dataclass(slots=True, eq=False)
class _Waiting:
    """A call in flight."""

    id: str
    key: str
    service: str
    body: bytes
    headers: dict[str, Any] | None
    deadline: float
    answer: asyncio.Future[dict[str, Any]]
    timer: asyncio.TimerHandle | None = None


class RabbitBus:
    """The services behind a broker, as an AsyncBus. `start` and `stop` belong to one event loop."""

    def __init__(self, url: str, name: str, most: int = 5000) -> None:
        """`name`: who calls, for the broker's operator and in the name of the queue of replies."""
        self.most = most
        self.address = Address.of(url)
        self._name = name
        self._reply_to = ""
        self._protocol: _Protocol | None = None
        self._connected = asyncio.Event()
        self._waiting: dict[str, _Waiting] = {}
        self._ids = itertools.count()
        self._task: asyncio.Task[None] | None = None
        self._exchange_there = True

    @property
    def connected(self) -> bool:
        return self._protocol is not None

    async def start(self) -> None:
        """Begin to connect, and go on trying until `stop`."""
        self._task = asyncio.create_task(self._keep_connected())

    async def stop(self) -> None:
        """Hang up; what is in flight is answered with NO_ANSWER."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for waiting in list(self._waiting.values()):
            self._refuse(waiting, NO_ANSWER)

    async def command(self, service: str, name: str, data: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """The answer to a command, or to a query: on this bus their names share one space."""
        left = call.deadline - time.time()
        if left <= 0:
            return _refused(TOO_LATE)
        try:
            body = wire.request(data, call)
        except TypeError as problem:
            return _refused(INVALID.having(summary=str(problem)))
        if len(body) > wire.MOST_BYTES:
            return _refused(INVALID.having(summary=f"more than {wire.MOST_BYTES} bytes"))
        if not self._connected.is_set() and not await self._connects(min(PATIENCE_S, left)):
            return _refused(UNAVAILABLE.having(what=service))
        if self._protocol and self._protocol.session.blocked:  # out of memory or disk: nothing that is sent is read
            return _refused(UNAVAILABLE.having(what=service))
        loop = asyncio.get_running_loop()
        waiting = _Waiting(
            id=str(next(self._ids)),
            key=wire.key_of(service, name),
            service=service,
            body=body,
            headers=wire.headers(call),
            deadline=call.deadline,
            answer=loop.create_future(),
        )
        waiting.timer = loop.call_later(call.deadline - time.time(), self._refuse, waiting, NO_ANSWER)
        self._waiting[waiting.id] = waiting
        self._send(waiting)
        try:
            return await waiting.answer
        finally:
            waiting.timer.cancel()
            self._waiting.pop(waiting.id, None)

    query = command

    # -- sending --------------------------------------------------------------------------------------------------

    async def _connects(self, timeout_s: float) -> bool:
        try:
            await asyncio.wait_for(self._connected.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def _send(self, waiting: _Waiting) -> None:
        protocol = self._protocol
        if protocol is None:
            return  # sent when the connection is back, if that is in time
        properties = Basic.Properties(
            content_type=wire.CONTENT_TYPE,
            content_encoding=wire.ENCODING,
            reply_to=self._reply_to,
            correlation_id=waiting.id,
            headers=waiting.headers,
            expiration=str(max(1, int((waiting.deadline - time.time()) * 1000))),
        )
        protocol.session.publish(waiting.key, waiting.body, properties, mandatory=True)
        protocol.flush_soon()

    # -- what comes -----------------------------------------------------------------------------------------------

    def came(self, message: Message) -> None:
        """A reply, or a call of ours that no queue takes."""
        waiting = self._waiting.get(message.properties.correlation_id or "")
        if waiting is None or waiting.answer.done():
            return None  # answered already, or given up
        if not message.tag:
            return self._refuse(waiting, UNAVAILABLE.having(what=waiting.service))
        try:
            waiting.answer.set_result(wire.read_reply(message.body))
        except wire.Unreadable as problem:
            log.error("an unreadable reply", service=waiting.service, error=told(problem))
            self._refuse(waiting, UNAVAILABLE.having(what=waiting.service))
        return None

    def _refuse(self, waiting: _Waiting, refusal: Refusal) -> None:
        if not waiting.answer.done():
            waiting.answer.set_result(_refused(refusal))

    # -- the connection -------------------------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        pause = RETRY_MIN_S
        while True:
            protocol = None
            try:
                protocol = await self._connect()
                pause = RETRY_MIN_S
                await protocol.lost
            except (OSError, TimeoutError) as problem:
                self._exchange_there = getattr(problem, "code", 0) != 404
                log.warning(
                    "no connection to the broker, trying again",
                    broker=str(self.address), error=told(problem), pause_s=pause,
                )  # fmt: skip
            finally:
                self._protocol = None
                self._connected.clear()
                if protocol:
                    protocol.hang_up()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_MAX_S)

    async def _connect(self) -> _Protocol:
        loop = asyncio.get_running_loop()
        reply_to = str(uuid.uuid4())
        queue = f"rpc.reply-{self._name}-{reply_to}"
        setup = (
            exchange_of_calls(self._exchange_there),
            Queue.Declare(queue=queue, exclusive=True, auto_delete=True),
            Queue.Bind(queue=queue, exchange=wire.EXCHANGE, routing_key=reply_to),
            Basic.Consume(queue=queue, no_ack=True),
        )
        protocol = _Protocol(self, setup)
        try:
            async with asyncio.timeout(OPEN_S):
                address = self.address
                await loop.create_connection(lambda: protocol, address.host, address.port, ssl=address.tls)
                await asyncio.wait((protocol.ready, protocol.lost), return_when=asyncio.FIRST_COMPLETED)
                if protocol.lost.done():
                    protocol.lost.result()
        except BaseException:
            protocol.hang_up()
            raise
        self._reply_to, self._protocol = reply_to, protocol
        self._connected.set()
        log.info("connected", broker=str(self.address))
        for waiting in list(self._waiting.values()):  # their replies would go to a queue that has ended
            self._send(waiting)
        return protocol


class _Protocol(asyncio.Protocol):
    """The session on a transport of the event loop; what is written in one turn of the loop leaves together."""

    def __init__(self, bus: RabbitBus, setup: Sequence[Frame]) -> None:
        loop = asyncio.get_running_loop()
        self.session = Session(bus.address, f"market {bus._name}", setup)
        self.ready: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.lost.add_done_callback(_looked_at)
        self._bus = bus
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._flushing = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._tick()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self.session.feed(data):
                self._bus.came(message)
        except OSError as problem:
            return self._lose(problem)
        if self.session.ready and not self.ready.done():
            self.ready.set_result(None)
        return self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(exc if isinstance(exc, OSError) else ConnectionError("the broker closed the connection"))

    def flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def hang_up(self) -> None:
        """Say good-bye where that is still possible."""
        if self._timer:
            self._timer.cancel()
        if not self.lost.done():
            self.session.close()
            self._flush()
        if self._transport:
            self._transport.close()

    def _flush(self) -> None:
        self._flushing = False
        if self.session.out and self._transport:
            self._transport.write(self.session.taken())

    def _tick(self) -> None:
        try:
            self.session.tick()
        except OSError as problem:
            return self._lose(problem)
        self._flush()
        self._timer = self._loop.call_later(TICK_S, self._tick)
        return None

    def _lose(self, problem: OSError) -> None:
        if not self.lost.done():
            self.lost.set_exception(problem)
        if self._transport:
            self._transport.abort()


def _looked_at(lost: asyncio.Future[None]) -> None:
    """So that nothing complains of an error for which nobody waits any more."""
    if not lost.cancelled():
        lost.exception()


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {"refused": refusal.to_dict()}

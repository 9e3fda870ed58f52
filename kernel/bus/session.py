"""AMQP 0-9-1 as far as calls need it: one connection with one channel, as bytes in and bytes out.

No socket and no thread, so that the gateway's event loop and a service's green threads speak by the same code. What is
written together waits in `out` together and leaves in one system call: a library that writes each frame by itself spends
half of a service's time there.

Whatever the broker says that ends the connection or the channel, the loss of a queue included, is raised as Broken.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pamqp import commands, frame, header
from pamqp.base import Frame
from pamqp.commands import Basic, Channel, Connection
from pamqp.exceptions import PAMQPException

from kernel.bus.address import Address
from kernel.bus.wire import EXCHANGE, MOST_BYTES

HEARTBEAT_S = 10
FRAME_MAX = 131_072
_HEAD = struct.Struct(">BHI")
_END = b"\xce"
_METHOD, _HEADER, _BODY, _HEARTBEAT = 1, 2, 3, 8
_BEAT = _HEAD.pack(_HEARTBEAT, 0, 0) + _END
_CHANNEL = 1


class Broken(ConnectionError):
    """The connection can't be used any more; `code` is AMQP's reply code, 0 where there was none."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


@dataclass(slots=True)
class Message:
    """What came: a delivery with its tag, or (tag 0) a message of ours that the broker could route to nobody.

    `body` is None where it was longer than `MOST_BYTES`.
    """

    tag: int
    routing_key: str
    properties: Basic.Properties
    body: bytes | None


class Session:
    """One connection's state. A driver sends `out`, feeds what it reads, and ticks every second or so."""

    def __init__(self, address: Address, name: str, setup: Sequence[Frame]) -> None:
        """`setup`: what to ask for on the channel, each with an answer; `ready` when all was granted."""
        self.out = bytearray(header.ProtocolHeader().marshal())
        self.ready = False
        self.blocked = ""
        self._address = address
        self._name = name
        self._setup = setup
        self._granted = 0
        self._in = bytearray()
        self._frame_max = FRAME_MAX
        self._heartbeat_s = HEARTBEAT_S
        self._arriving: _Arriving | None = None
        self._sent_at = self._heard_at = time.monotonic()

    def feed(self, data: bytes) -> list[Message]:
        """The whole messages that `data`, just read, brings. Raises Broken."""
        self._heard_at = time.monotonic()
        self._in += data
        came: list[Message] = []
        at, held = 0, self._in
        while len(held) - at >= 8:
            kind, _, size = _HEAD.unpack_from(held, at)
            if size > self._frame_max:
                raise Broken(f"a frame of {size} bytes")
            end = at + 7 + size
            if len(held) <= end:
                break
            if held[end] != 0xCE:
                raise Broken("a frame without an end")
            if kind == _BODY:
                message = self._on_body(bytes(held[at + 7 : end]))
            elif kind == _HEARTBEAT:
                message = None
            else:
                message = self._on_frame(_parsed(bytes(held[at : end + 1])))
            if message:
                came.append(message)
            at = end + 1
        del held[:at]
        return came

    def publish(self, key: str, body: bytes, properties: Basic.Properties, *, mandatory: bool = False) -> None:
        """Send `body` to the exchange of calls under `key`."""
        self.out += _publish_frame(key, mandatory)
        self.out += frame.marshal(header.ContentHeader(0, len(body), properties), _CHANNEL)
        most = self._frame_max - 8
        for start in range(0, len(body), most):
            part = body[start : start + most]
            self.out += _HEAD.pack(_BODY, _CHANNEL, len(part)) + part + _END

    def ack(self, tag: int) -> None:
        self.out += _ACK.pack(_METHOD, _CHANNEL, 13, 60, 80, tag, 0, 0xCE)

    def cancel(self, consumer_tag: str) -> None:
        """Ask for no more deliveries; some may be under way."""
        self._write(Basic.Cancel(consumer_tag, nowait=True))

    def close(self) -> None:
        """Say good-bye; what was delivered and not acknowledged goes to others."""
        self.out += frame.marshal(Connection.Close(200, "", 0, 0), 0)

    def tick(self) -> None:
        """Keep the connection alive. Raises Broken when nothing was heard for two heartbeats."""
        now = time.monotonic()
        if now - self._heard_at > 2 * self._heartbeat_s:
            raise Broken(f"nothing was heard of the broker for {now - self._heard_at:.0f} s")
        if not self.out and now - self._sent_at > self._heartbeat_s / 2 and self.ready:
            self.out += _BEAT

    def taken(self) -> bytearray:
        """What there is to send, which is the driver's from now on."""
        out, self.out = self.out, bytearray()
        self._sent_at = time.monotonic()
        return out

    # -- what comes -----------------------------------------------------------------------------------------------

    def _on_frame(self, came: Any) -> Message | None:
        if isinstance(came, Basic.Deliver):
            self._arriving = _Arriving(came.delivery_tag or 0, came.routing_key or "")
        elif isinstance(came, header.ContentHeader):
            return self._on_header(came)
        elif isinstance(came, Basic.Return):
            self._arriving = _Arriving(0, came.routing_key or "")
        elif handler := _HANDLERS.get(type(came)):
            handler(self, came)
        elif came.name in _GRANTS:
            self._granted += 1
            self.ready = self._granted == len(self._setup)
        return None

    def _on_header(self, came: header.ContentHeader) -> Message | None:
        arriving = self._arriving
        if arriving is None:
            raise Broken("a header of nothing")
        arriving.properties, arriving.wanted = came.properties, came.body_size
        return self._whole() if not came.body_size else None

    def _on_body(self, part: bytes) -> Message | None:
        arriving = self._arriving
        if arriving is None:
            raise Broken("a body of nothing")
        arriving.got += len(part)
        if arriving.wanted <= MOST_BYTES:
            arriving.parts.append(part)
        return self._whole() if arriving.got >= arriving.wanted else None

    def _whole(self) -> Message:
        arriving, self._arriving = self._arriving, None
        assert arriving is not None
        body = b"".join(arriving.parts) if arriving.wanted <= MOST_BYTES else None
        return Message(arriving.tag, arriving.key, arriving.properties, body)

    def _on_start(self, came: Connection.Start) -> None:
        abilities: Any = {
            "consumer_cancel_notify": True,
            "connection.blocked": True,
            "authentication_failure_close": True,
        }
        self._write(
            Connection.StartOk(
                {"product": "market", "connection_name": self._name, "capabilities": abilities},
                "PLAIN",
                f"\0{self._address.user}\0{self._address.password}",
                "en_US",
            ),
            0,
        )

    def _on_tune(self, came: Connection.Tune) -> None:
        self._frame_max = min(came.frame_max or FRAME_MAX, FRAME_MAX)
        self._heartbeat_s = min(came.heartbeat or HEARTBEAT_S, HEARTBEAT_S)
        self._write(Connection.TuneOk(came.channel_max, self._frame_max, self._heartbeat_s), 0)
        self._write(Connection.Open(self._address.vhost), 0)

    def _on_open(self, came: Connection.OpenOk) -> None:
        self._write(Channel.Open())

    def _on_channel(self, came: Channel.OpenOk) -> None:
        for one in self._setup:
            self._write(one)

    def _on_close(self, came: Connection.Close | Channel.Close) -> None:
        raise Broken(came.reply_text, came.reply_code or 0)

    def _on_closed(self, came: Connection.CloseOk) -> None:
        raise Broken("closed")

    def _on_cancel(self, came: Basic.Cancel) -> None:
        raise Broken("the queue was deleted")

    def _on_blocked(self, came: Connection.Blocked) -> None:
        self.blocked = came.reason or "blocked"

    def _on_unblocked(self, came: Connection.Unblocked) -> None:
        self.blocked = ""

    def _write(self, method: Frame, channel: int = _CHANNEL) -> None:
        self.out += frame.marshal(method, channel)


@dataclass(slots=True)
class _Arriving:
    """A message whose parts are coming."""

    tag: int
    key: str
    properties: Any = None
    wanted: int = 0
    got: int = 0
    parts: list[bytes] = field(default_factory=list)


def _parsed(data: bytes) -> Any:
    try:
        return frame.unmarshal(data)[2]
    except (PAMQPException, ValueError, KeyError, IndexError, struct.error) as problem:
        raise Broken(f"a frame that can't be read: {type(problem).__name__}") from problem


@lru_cache(maxsize=1024)
def _publish_frame(key: str, mandatory: bool) -> bytes:
    return frame.marshal(Basic.Publish(exchange=EXCHANGE, routing_key=key, mandatory=mandatory), _CHANNEL)


_ACK = struct.Struct(">BHIHHQBB")
_GRANTS = {"Exchange.DeclareOk", "Queue.DeclareOk", "Queue.BindOk", "Basic.QosOk", "Basic.ConsumeOk"}
_HANDLERS: dict[type, Callable[[Session, Any], None]] = {
    Connection.Start: Session._on_start,
    Connection.Tune: Session._on_tune,
    Connection.OpenOk: Session._on_open,
    Channel.OpenOk: Session._on_channel,
    Connection.Close: Session._on_close,
    Channel.Close: Session._on_close,
    Connection.CloseOk: Session._on_closed,
    Basic.Cancel: Session._on_cancel,
    Connection.Blocked: Session._on_blocked,
    Connection.Unblocked: Session._on_unblocked,
}


def exchange_of_calls(there: bool) -> Frame:
    """Ask for the exchange: only look that it is there, which needs no right to make it, or make it."""
    return commands.Exchange.Declare(exchange=EXCHANGE, exchange_type="topic", durable=True, passive=there)

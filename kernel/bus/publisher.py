"""Publishing to RabbitMQ: many entries on the way at once, each confirmed, and none counted that wasn't.

The client library matches confirms to nothing, so the delivery tags are counted here: the n-th message of a channel has
the tag n. After **any** error the connection is dropped, as a channel whose count is in doubt can confirm the wrong
message; the publisher's cursor then stands, and the batch is sent again over a new connection. Subscribers skip what
they have seen.

An entry that no queue wants is returned and counted, and publishing goes on: the log has it, and who subscribes later
reads it there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from struct import pack
from typing import Any

from amqp import Channel, Connection, Message

from kernel.bus.broker import BrokerError, connect, drop
from kernel.bus.topology import exchange_of
from kernel.logs import logger
from kernel.metrics import BUS_CONNECTED, BUS_UNROUTED
from kernel.publisher import Sealed
from kernel.tracing import traceparent_of_event

CONFIRM_S = 10.0  # less than the publisher's lease, with what connecting and writing may take
CHUNK = 100  # messages in one write
PERSISTENT = 2
_PUBLISH, _METHOD, _HEADER, _BODY, _END = (60, 40), 1, 2, 3, b"\xce"
_MANDATORY = 1
_CORRELATION = re.compile(rb'"correlationid":"([0-9a-f-]{36})"')
log = logger("publisher")


class RabbitTransport:
    """The publisher's way to RabbitMQ, for one thread. Connects when it is used; `close` when it isn't any more."""

    def __init__(self, url: str, service: str, confirm_s: float = CONFIRM_S) -> None:
        self._url = url
        self._service = service
        self._confirm_s = confirm_s
        self._connection: Connection | None = None
        self._channel: Channel | None = None
        self._sent = 0
        self._waiting: set[int] = set()
        self._refused = 0
        self._unrouted = 0
        self._routed = True
        self._blocked = False

    def publish(self, source: str, entries: Sequence[Sealed]) -> None:
        """Send `entries` and wait until the broker has confirmed each; raises when it hasn't within the time."""
        try:
            self._connect_if_need_be()
            for start in range(0, len(entries), CHUNK):
                self._send(source, entries[start : start + CHUNK])
                self._listen(0)
            self._all_confirmed()
        except BaseException:
            self.close()
            raise
        if self._unrouted:
            BUS_UNROUTED.labels(self._service).inc(self._unrouted)
            if self._routed:
                log.warning("no queue wants these events: were they deleted?", service=self._service)
        self._routed = not self._unrouted

    def close(self, politely: bool = False) -> None:
        """Drop the connection; the next use makes a new one."""
        connection, self._connection = self._connection, None
        BUS_CONNECTED.labels(self._service, "publisher").set(0)
        drop(connection, politely)

    def _connect_if_need_be(self) -> None:
        self._unrouted = 0
        if self._connection is not None:
            try:
                self._listen(0)  # the broker may have said goodbye since
                return
            except Exception:  # noqa: BLE001 - nothing is on the way: begin anew
                self.close()
        self._sent, self._refused, self._blocked = 0, 0, False
        self._waiting.clear()
        self._connection = connect(self._url, f"market {self._service} publisher", on_blocked=self._on_blocked)
        self._channel = channel = self._connection.channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        BUS_CONNECTED.labels(self._service, "publisher").set(1)

    def _send(self, source: str, entries: Sequence[Sealed]) -> None:
        connection, channel = self._connection, self._channel
        assert connection is not None and channel is not None
        self._waiting.update(range(self._sent + 1, self._sent + 1 + len(entries)))
        self._sent += len(entries)
        exchange = exchange_of(source)
        frames = [
            frame for entry in entries for frame in _frames(channel.channel_id, exchange, entry, connection.frame_max)
        ]
        connection.transport.write(b"".join(frames))

    def _listen(self, timeout_s: float) -> None:
        """Hear what the broker has said, for `timeout_s` at most. Raises where it takes nothing any more."""
        assert self._connection is not None
        try:
            while True:
                self._connection.drain_events(timeout=timeout_s)
                if timeout_s:
                    break
        except TimeoutError:
            pass
        if self._blocked:
            raise BrokerError("RabbitMQ takes no messages now: it is short of memory or disk")
        if self._refused:
            raise BrokerError(f"RabbitMQ refused {self._refused} messages")

    def _all_confirmed(self) -> None:
        until = time.monotonic() + self._confirm_s
        while self._waiting:
            left = until - time.monotonic()
            if left <= 0:
                raise BrokerError(f"RabbitMQ left {len(self._waiting)} messages unconfirmed for {self._confirm_s:g} s")
            self._listen(left)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._waiting = {waiting for waiting in self._waiting if waiting > tag}
        else:
            self._waiting.discard(tag)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._refused += sum(waiting <= tag for waiting in self._waiting) if multiple else 1

    def _on_return(self, *_: Any) -> None:
        self._unrouted += 1

    def _on_blocked(self, _reason: str) -> None:
        self._blocked = True


def _frames(channel: int, exchange: str, sealed: Sealed, frame_max: int) -> Iterator[bytes]:
    """One entry as AMQP frames (0-9-1, §2.3.5). Written here, as the library asks the socket for news before each."""
    headers: dict[str, Any] = {"sequence": sealed.sequence, "type": sealed.type}
    traceparent = _traceparent(sealed)
    if traceparent:
        headers["traceparent"] = traceparent
    message = Message(
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=PERSISTENT,
        message_id=sealed.event_id,
        type=sealed.type,
        application_headers=headers,
    )
    properties = message._serialize_properties()
    routing_key = sealed.type.split(".")[2]
    method = b"".join((pack(">HHH", *_PUBLISH, 0), _short(exchange), _short(routing_key), bytes((_MANDATORY,))))
    yield _frame(_METHOD, channel, method)
    yield _frame(_HEADER, channel, pack(">HHQ", _PUBLISH[0], 0, len(sealed.entry)) + properties)
    room = frame_max - 8
    for start in range(0, len(sealed.entry), room):
        yield _frame(_BODY, channel, sealed.entry[start : start + room])


def _traceparent(sealed: Sealed) -> str:
    """For readers who are not ours: ours derive it from the entry. An event's names are sorted, so `data` comes later."""
    found = _CORRELATION.search(sealed.entry)
    return traceparent_of_event(found[1].decode(), sealed.event_id) if found else ""


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return b"".join((pack(">BHI", kind, channel, len(payload)), payload, _END))


def _short(text: str) -> bytes:
    encoded = text.encode()
    return bytes((len(encoded),)) + encoded

"""Receiving events from RabbitMQ: one connection and one thread for all subscriptions of a process.

The thread only moves messages: into boxes, and acknowledgements back, many with one. What a message does is the
worker's business, in its own transactions, so a slow database never makes the broker think that this process is dead.

* What is no entry goes to the dead letters at once, and nothing waits for it.
* What the worker can't handle for `GIVE_BACK_S` goes back to the queue, where another replica may be luckier.
* A queue that is missing (or was deleted, or may not be read) is asked for again every `RETRY_S`; the worker follows
  the log meanwhile. So it does while there is no broker.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from amqp import Channel, Connection, Message
from amqp.exceptions import ChannelError

from kernel.bus.broker import HEARTBEAT_S, connect, drop
from kernel.bus.topology import queue_of
from kernel.chain import take_apart
from kernel.logs import logger, told
from kernel.mail import Batch, Letter
from kernel.metrics import BUS_CONNECTED, BUS_DELIVERED, BUS_LAST_DELIVERY, BUS_QUEUE_MISSING, BUS_UNREADABLE

PREFETCH = 300  # of a subscription: three batches, so that the next is here when one is done
GIVE_BACK_S, GIVE_BACK_PAUSE_MAX_S = 20.0, 300.0  # growing, as a queue gives up on what it gave too often
RETRY_S = 2.0
TOLD_EVERY_S = 10.0  # a flood of junk is counted, not logged one by one
RECONNECT_MIN_S, RECONNECT_MAX_S = 0.2, 5.0
BUSY_S, QUIET_S = 0.01, 0.5  # how long one look at the socket may last: acknowledgements wait for its end
log = logger("consumer")


class _Box:
    """One subscription: its channel, while it has one, and what has come over it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.channel: Channel | None = None
        self.letters: deque[Letter] = deque()
        self.settled: list[tuple[int, bool]] = []  # (tag, everything up to it acknowledged; else this one put away)
        self.moved_at = 0.0  # when a letter was last settled, or came into the empty box
        self.ask_at = 0.0
        self.pause_s = RETRY_S
        self.missing = ""

    def close(self, ask_at: float = 0.0) -> Channel | None:
        """Forget the channel and what came over it: the broker will bring it again."""
        channel, self.channel = self.channel, None
        self.letters.clear()
        self.settled.clear()
        self.ask_at = ask_at
        return channel


class Consumer:
    """A service's mail from RabbitMQ (kernel/mail.py)."""

    def __init__(self, url: str, service: str, sources: Iterable[str], wake: Callable[[str], None]) -> None:
        self._url = url
        self._service = service
        self._wake = wake
        self._boxes = {source: _Box(source) for source in sources}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._left: list[Channel] = []  # whose queue is gone
        self._told_at = -TOLD_EVERY_S
        self.connected = False

    # -- the worker's side ----------------------------------------------------------------------------------------

    def well(self) -> bool:
        return self.connected and all(box.channel is not None for box in self._boxes.values())

    def missing(self) -> dict[str, str]:
        """{source: why its queue can't be read}."""
        return {box.source: box.missing for box in self._boxes.values() if box.missing}

    def sources(self) -> set[str]:
        return {box.source for box in self._boxes.values() if box.letters}

    def look(self, source: str, limit: int) -> Batch:
        box = self._boxes[source]
        with self._lock:
            return Batch(source, list(islice(box.letters, limit)), box.channel)

    def settle(self, batch: Batch, checkpoint: int) -> None:
        box = self._boxes[batch.source]
        done = [letter.tag for letter in batch.letters if letter.sequence <= checkpoint]
        foreign = [letter.tag for letter in batch.letters if letter.sequence > checkpoint]
        with self._lock:
            if box.channel is not batch.box:
                return  # the connection was lost meanwhile: they come again, and are skipped
            for _ in batch.letters:
                box.letters.popleft()
            box.moved_at, box.pause_s = time.monotonic(), RETRY_S
            box.settled += [(tag, False) for tag in foreign]
            box.settled += [(tag, True) for tag in done[-1:]]
        if foreign:
            self._unreadable(batch.source, "it is not in the log", len(foreign))

    # -- the thread -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"{self._service}-bus", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Acknowledge what was done and say goodbye."""
        self._stopping.set()
        if self._thread:
            self._thread.join(5.0)

    def _run(self) -> None:
        pause = RECONNECT_MIN_S
        while not self._stopping.is_set():
            connection = None
            try:
                connection = connect(self._url, f"market {self._service} consumer", HEARTBEAT_S)
                self._heard(True)
                pause = RECONNECT_MIN_S
                self._serve(connection)
            except Exception as problem:  # noqa: BLE001 - whatever it was, the log is followed meanwhile
                log.warning("the broker is away", service=self._service, error=told(problem))
            finally:
                self._left.clear()
                self._heard(False)
                drop(connection, politely=self._stopping.is_set())
            self._stopping.wait(pause)
            pause = min(pause * 2, RECONNECT_MAX_S)

    def _heard(self, connected: bool) -> None:
        self.connected = connected
        BUS_CONNECTED.labels(self._service, "consumer").set(connected)
        if not connected:
            with self._lock:
                for box in self._boxes.values():
                    box.close()
            for source in self._boxes:
                self._wake(f"log:{source}")  # the worker looks into the logs from now on

    def _serve(self, connection: Connection) -> None:
        patience, ticked_at = BUSY_S, 0.0
        while not self._stopping.is_set():
            now = time.monotonic()
            while self._left:
                self._left.pop().close()
            for box in self._boxes.values():
                if box.channel is None and now >= box.ask_at:
                    self._subscribe(connection, box)
                self._give_back(box, now)
            busy = self._acknowledge()
            patience = BUSY_S if busy else min(patience * 2, QUIET_S)
            try:
                connection.drain_events(timeout=patience)
                patience = BUSY_S
            except TimeoutError:
                pass
            if now - ticked_at >= 1.0:
                ticked_at = now
                connection.heartbeat_tick()
        self._acknowledge()

    def _subscribe(self, connection: Connection, box: _Box) -> None:
        queue = queue_of(self._service, box.source)
        try:
            channel = connection.channel()
            channel.auto_decode = False  # an entry is bytes
            channel.basic_qos(0, PREFETCH, False)
            box.letters.clear()
            box.channel = channel
            channel.basic_consume(
                queue, callback=partial(self._arrived, box, channel), on_cancel=lambda _tag: self._lost(box)
            )
        except ChannelError as problem:
            self._lost(box, problem.reply_text or type(problem).__name__)
            return
        box.missing = ""
        BUS_QUEUE_MISSING.labels(self._service, box.source).set(0)

    def _lost(self, box: _Box, why: str = "the broker has cancelled the subscription") -> None:
        with self._lock:
            channel = box.close(time.monotonic() + RETRY_S)
        if channel is not None and channel.is_open:
            self._left.append(channel)
        if not box.missing:
            log.error("no queue: following the log", service=self._service, source=box.source, error=why)
        box.missing = why
        BUS_QUEUE_MISSING.labels(self._service, box.source).set(1)
        self._wake(f"log:{box.source}")

    def _arrived(self, box: _Box, channel: Channel, message: Message) -> None:
        tag = message.delivery_info["delivery_tag"]
        body = message.body or b""  # the library gives a str where there is none
        try:
            sequence = take_apart(body).sequence
        except ValueError as problem:
            channel.basic_reject(tag, requeue=False)
            self._unreadable(box.source, told(problem))
            return
        with self._lock:
            if not box.letters:
                box.moved_at = time.monotonic()
            box.letters.append(Letter(sequence, body, tag))
        BUS_DELIVERED.labels(self._service, box.source).inc()
        BUS_LAST_DELIVERY.labels(self._service, box.source).set(time.time())
        self._wake(f"log:{box.source}")

    def _acknowledge(self) -> bool:
        """Tell the broker what was done; whether anything still waits for the worker."""
        busy = False
        for box in self._boxes.values():
            with self._lock:
                channel, settled, box.settled = box.channel, box.settled, []
                busy = busy or bool(box.letters)
            if channel is None:
                continue
            for tag, done in settled:
                if done:
                    channel.basic_ack(tag, multiple=True)
                else:
                    channel.basic_reject(tag, requeue=False)
        return busy

    def _give_back(self, box: _Box, now: float) -> None:
        with self._lock:
            if box.channel is None or not box.letters or now - box.moved_at < GIVE_BACK_S:
                return
            channel = box.close(now + box.pause_s)
            box.pause_s = min(box.pause_s * 2, GIVE_BACK_PAUSE_MAX_S)
        log.warning("given back: the worker can't handle them", service=self._service, source=box.source)
        if channel is not None:
            channel.close()

    def _unreadable(self, source: str, why: str, count: int = 1) -> None:
        BUS_UNREADABLE.labels(self._service, source).inc(count)
        now = time.monotonic()
        if now - self._told_at >= TOLD_EVERY_S:
            self._told_at = now
            log.error("sent to the dead letters", service=self._service, source=source, error=why)

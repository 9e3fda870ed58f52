"""A queue that gets everything that any service publishes, so that publication can be held against the logs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from amqp import Message

from kernel.bus.broker import connect, drop
from kernel.bus.topology import exchange_of
from kernel.chain import take_apart

QUEUE = "faults.tap"
QUIET_S = 0.4


class Tap:
    """Every sequence of every service in the order in which the broker took it."""

    def __init__(self, url: str, services: Iterable[str]) -> None:
        self._url = url
        self._reached: dict[str, list[int]] = {service: [] for service in services}
        self.lay()

    def lay(self) -> None:
        """Make the queue, which is as safe as those of subscriptions."""
        connection = connect(self._url, "tap")
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        for service in self._reached:
            channel.queue_bind(QUEUE, exchange_of(service), "#")
        drop(connection, politely=True)

    def lay_again(self, heads: dict[str, int]) -> None:
        """Its queue was deleted: nobody knows what of the logs, which end at `heads`, went by."""
        self.lay()
        for service, head in heads.items():
            self._reached[service] += sorted(set(range(1, head + 1)) - set(self._reached[service]))

    def reached(self) -> dict[str, list[int]]:
        """{service: sequences, as often as they came}; to be asked when nothing is published any more."""
        connection = connect(self._url, "tap")
        try:
            channel = connection.channel()
            channel.auto_decode = False
            channel.basic_consume(QUEUE, no_ack=True, callback=self._came)
            with suppress(TimeoutError):
                while True:
                    connection.drain_events(timeout=QUIET_S)
        finally:
            drop(connection, politely=True)
        return {service: list(reached) for service, reached in self._reached.items()}

    def _came(self, message: Message) -> None:
        service = message.delivery_info["exchange"].removesuffix(".events")
        with suppress(ValueError):  # junk is published by some tests
            self._reached[service].append(take_apart(message.body or b"").sequence)

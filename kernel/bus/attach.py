"""A service's worker on RabbitMQ: publishes to it and receives from it, and does without it where it must."""

from __future__ import annotations

from typing import Any

from kernel.bus.consumer import Consumer
from kernel.bus.publisher import RabbitTransport
from kernel.health import health
from kernel.host import Host
from kernel.worker import Signals, Worker


class Attached:
    """A running worker with its two connections."""

    def __init__(self, host: Host, signals: Signals, url: str) -> None:
        name = host.service.name
        self._host = host
        self._transport = RabbitTransport(url, name)
        self.consumer = Consumer(url, name, host.service.sources, signals.notify)
        self.worker = Worker(host, signals, self._transport, self.consumer)

    def start(self) -> None:
        self.consumer.start()
        self.worker.start()

    def stop(self) -> None:
        """Let every turn end, acknowledge what was done, close both connections; the database is the host's to close."""
        self.worker.stop()
        self.consumer.stop()
        self._transport.close(politely=True)

    def health(self) -> dict[str, Any]:
        """The host's health with what RabbitMQ has to do with it. A broker that is away is no illness: the logs are read."""
        return {
            **health(self._host),
            "bus": {"connected": self.consumer.connected, "queues_missing": self.consumer.missing()},
        }


def attach_bus(host: Host, signals: Signals, url: str) -> Attached:
    """Start the worker of `host` on the broker at `url`; it needn't be there yet."""
    attached = Attached(host, signals, url)
    attached.start()
    return attached

"""The market's exchanges and queues for events: what they are called, what they promise, and their declaration.

    <service>.events ──#──▶ market.<consumer>.from.<service>.v1 ──undecodable──▶ market.dead ──▶ market.dead.v1

A queue is replicated (quorum), has one active consumer at a time, so that replicas don't overtake each other, gives up
on a message after `DELIVERY_LIMIT` deliveries, and loses nothing on the way to the dead-letter queue. Every consumer's
queue takes everything of its source: a subscription counts, and passes over what it doesn't want by itself. Whose
consumer has stayed away for `FORGOTTEN_AFTER_S` is deleted with what is in it, before it fills the disk: the log has that.
docs/adr/0017 says why there is no limit on its length.

An exchange is declared as nameko declares it, without arguments: with any (an alternate exchange, say) a stranger's
`@event_handler` would wait for ever at its start. What is routed nowhere is returned to the publisher, who counts it.

Declared by one job before services start, who only use it. Declaring again is harmless. A queue's promises are in its
name: whoever changes them raises the version at its end, as RabbitMQ keeps a queue as it was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from amqp import Channel, Connection
from amqp.exceptions import AccessRefused, NotFound, PreconditionFailed

DEAD = "market.dead"
DEAD_QUEUE = "market.dead.v1"
DELIVERY_LIMIT = 20
DEAD_LETTERS = 100_000  # junk is kept to be looked at, not to fill the disk
FORGOTTEN_AFTER_S = 3 * 24 * 3600

SUBSCRIPTION_ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    "x-delivery-limit": DELIVERY_LIMIT,  # RabbitMQ 3.10 has none of its own
    "x-dead-letter-exchange": DEAD,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",  # which that strategy asks for
    "x-expires": FORGOTTEN_AFTER_S * 1000,
}
DEAD_ARGUMENTS: dict[str, Any] = {"x-queue-type": "quorum", "x-max-length": DEAD_LETTERS}


def exchange_of(source: str) -> str:
    """Where a service's events go; nameko's own event handlers expect this name."""
    return f"{source}.events"


def queue_of(consumer: str, source: str) -> str:
    """The queue that brings `source`'s events to `consumer`."""
    return f"market.{consumer}.from.{source}.v1"


class Binding(NamedTuple):
    """One subscription as `contracts/subscriptions.yaml` names it."""

    exchange: str
    queue: str


@dataclass
class Declared:
    """What was found or made."""

    exchanges: list[str] = field(default_factory=list)
    queues: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)


class Different(Exception):
    """`name` exists with other promises; `what` is the broker's sentence on the difference."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name
        self.what = what


class Forbidden(Exception):
    """The broker doesn't let this account declare."""


def declare(connection: Connection, services: Iterable[str], bindings: Iterable[Binding]) -> Declared:
    """Make what is missing; what there is stays. Raises Different, Forbidden, or what the connection raises."""
    found = Declared()
    _exchange(connection, found, DEAD, "fanout")
    _queue(connection, found, DEAD_QUEUE, DEAD_ARGUMENTS, DEAD)
    for service in services:
        _exchange(connection, found, exchange_of(service), "topic")
    for binding in bindings:
        _queue(connection, found, binding.queue, SUBSCRIPTION_ARGUMENTS, binding.exchange)
    return found


def _exchange(connection: Connection, found: Declared, name: str, kind: str) -> None:
    def declare(channel: Channel, passive: bool) -> None:
        channel.exchange_declare(name, kind, passive=passive, durable=True, auto_delete=False)

    _ensure(connection, found, name, declare)
    found.exchanges.append(name)


def _queue(connection: Connection, found: Declared, name: str, arguments: dict[str, Any], exchange: str) -> None:
    def declare(channel: Channel, passive: bool) -> None:
        channel.queue_declare(name, passive=passive, durable=True, auto_delete=False, arguments=arguments)
        if not passive:
            channel.queue_bind(name, exchange, "#")

    _ensure(connection, found, name, declare)
    found.queues.append(name)


def _ensure(connection: Connection, found: Declared, name: str, declare: Any) -> None:
    """Look first, so that it can be told what was made; then declare, which finds differences."""
    try:
        with connection.channel() as channel:
            declare(channel, True)
    except NotFound:
        found.made.append(name)
    except AccessRefused as problem:
        raise Forbidden(problem.reply_text) from problem
    try:
        with connection.channel() as channel:
            declare(channel, False)
    except PreconditionFailed as problem:
        raise Different(name, problem.reply_text) from problem
    except AccessRefused as problem:
        raise Forbidden(problem.reply_text) from problem

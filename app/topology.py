"""The body of `./market topology`: the exchanges and queues that `contracts/subscriptions.yaml` names, in RabbitMQ."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress

import orjson
import yaml
from amqp.exceptions import NotFound

from app.failure import Failure
from kernel.bus.address import Address
from kernel.bus.broker import ERRORS, connect, drop
from kernel.bus.topology import Binding, Declared, Different, Forbidden, declare
from kernel.settings import PROJECT, Settings

SUBSCRIPTIONS = PROJECT / "contracts" / "subscriptions.yaml"


def main(as_json: bool) -> int:
    """Declare what is missing."""
    settings = Settings()
    if not settings.amqp_url:
        raise Failure("there is no RabbitMQ to declare anything in", "name it: MARKET_AMQP_URL=amqp://user:…@host/")
    declared = declare_all(settings.amqp_url)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(vars(declared)) + b"\n")
        return 0
    for name in declared.made:
        print(f"made {name}")
    print(f"{len(declared.exchanges)} exchanges, {len(declared.queues)} queues, {len(declared.made)} of them new")
    return 0


def declare_all(url: str) -> Declared:
    """Everything of the contracts in the broker at `url`. Raises Failure."""
    rows = yaml.safe_load(SUBSCRIPTIONS.read_text())
    services = sorted({row["source"] for row in rows})
    try:
        address = Address.of(url)
    except ValueError as problem:
        raise Failure(str(problem), "correct MARKET_AMQP_URL") from problem
    try:
        connection = connect(url, "market topology")
    except ERRORS as problem:
        why = str(problem) or type(problem).__name__
        raise Failure(
            f"RabbitMQ at {address} can't be used: {why}", "start it, or correct MARKET_AMQP_URL"
        ) from problem
    try:
        return declare(connection, services, [Binding(row["exchange"], row["queue"]) for row in rows])
    except Different as problem:
        raise Failure(
            f"{problem.name} exists and is another than this release needs: {problem.what}",
            f"when nothing waits in it, delete it (rabbitmqctl delete_queue {problem.name}) and repeat; "
            "subscriptions read the log meanwhile",
        ) from problem
    except Forbidden as problem:
        raise Failure(
            f"this account may not declare: {problem}", "use the deployment's account, which may configure market names"
        ) from problem
    except ERRORS as problem:
        raise Failure(f"RabbitMQ broke off: {problem}", "repeat: what was declared stays") from problem
    finally:
        drop(connection, politely=True)


def empty(url: str, queues: Iterable[str]) -> None:
    """Throw away what waits in `queues`, those that exist: it is of an installation that is gone. Raises Failure."""
    try:
        connection = connect(url, "market topology")
        try:
            for queue in queues:
                with suppress(NotFound):  # which closes its channel
                    connection.channel().queue_purge(queue)
        finally:
            drop(connection, politely=True)
    except ERRORS as problem:
        raise Failure(f"RabbitMQ at {Address.of(url)} broke off: {problem}", "repeat") from problem

"""publish: what confirms that are waited for together buy. The same log, publisher, exchange and replicated queue, two ways.

* `together`: the market's transport; a batch is on the way at once, and its confirms are counted as they come.
* `each`: one message, one confirm, as the client library does it by itself.

Ratio: `vs_confirm_each` = together / each, in events per second from the log until the cursor stands behind them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from amqp import Message
from sqlalchemy import Engine

from bench.broker import bench_broker
from bench.database import bench_database
from bench.run import say
from kernel.bus.broker import connect, drop
from kernel.bus.publisher import PERSISTENT, RabbitTransport
from kernel.bus.topology import exchange_of, queue_of
from kernel.chain import START, next_entry
from kernel.database import engine_for
from kernel.ids import new_id
from kernel.publisher import Publisher, Sealed, Transport
from kernel.settings import Settings
from tests.toy.services import box_service, mirror_service

EVENTS = {"together": 20_000, "each": 2_000}
EVENT_BYTES = 700  # what a bid's event has


class ConfirmEach:
    """The alternative: each message waits for the confirm of the one before."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url, "bench, a confirm for each")
        self._channel = self._connection.channel()
        self._channel.confirm_select()

    def publish(self, source: str, entries: Sequence[Sealed]) -> None:
        for sealed in entries:
            message = Message(
                sealed.entry,
                content_type="application/json",
                delivery_mode=PERSISTENT,
                message_id=sealed.event_id,
                application_headers={"sequence": sealed.sequence, "type": sealed.type},
            )
            name = sealed.type.split(".")[2]
            self._channel.basic_publish_confirm(message, exchange_of(source), name, mandatory=True)

    def close(self) -> None:
        drop(self._connection, politely=True)


def fill(engine: Engine, count: int) -> None:
    """A log of `count` entries, as a sealer would leave it."""
    link, rows = START, []
    for _ in range(count):
        event_id = new_id()
        event = b'{"id":"%s","pad":"%s"}' % (event_id.encode(), b"x" * (EVENT_BYTES - 60))
        entry, link = next_entry(link, event, "2027-01-01T00:00:00.000000Z")
        rows.append((link.sequence, event_id, "Box/bench", "market.box.ThingPut.v1", entry))
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        cursor.executemany(
            "INSERT INTO log (sequence, event_id, subject, type, entry) VALUES (%s, %s, %s, %s, %s)", rows
        )
        connection.exec_driver_sql("UPDATE log_head SET sequence = %s, hash = %s, sealed_at = %s", tuple(link))


def rate(engine: Engine, transport: Transport, count: int) -> float:
    """Events per second, `count` of them from the log's beginning."""
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE publication SET sequence = 0")
    publisher = Publisher("box", engine, transport)
    publisher.publish()  # connected, and its code has been run
    done, started = 0, time.perf_counter()
    while done < count - 500:
        done += publisher.publish()
    return done / (time.perf_counter() - started)


def run() -> dict[str, float]:
    services = [box_service(), mirror_service()]
    rates: dict[str, list[float]] = {name: [] for name in EVENTS}
    with bench_database(services) as (url, home), bench_broker(services) as amqp_url:
        engine = engine_for(url, "box", Settings(home=home))
        fill(engine, max(EVENTS.values()))
        queue = connect(amqp_url, "bench")
        ways: dict[str, RabbitTransport | ConfirmEach] = {
            "together": RabbitTransport(amqp_url, "box"),
            "each": ConfirmEach(amqp_url),
        }
        for _ in range(2):  # turn about, so that a slow moment of the machine hits both
            for name, transport in ways.items():
                rates[name].append(rate(engine, transport, EVENTS[name]))
                queue.channel().queue_purge(queue_of("mirror", "box"))
        for transport in ways.values():
            transport.close()
        drop(queue)
        engine.dispose()
    together, each = max(rates["together"]), max(rates["each"])
    say(f"publish: {together:,.0f} events/s confirmed together, {each:,.0f} with a confirm for each")
    return {"vs_confirm_each": together / each}

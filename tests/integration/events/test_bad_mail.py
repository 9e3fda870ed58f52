"""What a broker, or somebody who can write to it, may bring: twice, in any order, with holes, junk, forged, poison."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import psycopg
import pytest
from amqp import Message

from kernel.bus import consumer as receiving
from kernel.bus.broker import connect, drop
from kernel.bus.topology import DEAD_QUEUE, queue_of
from kernel.chain import make_entry
from tests.faults.book import KEEPER
from tests.integration.events.post import Post, metric
from tests.toy import services
from tests.toy.services import POISON

pytestmark = pytest.mark.needs("rabbitmq")


def brought(post: Post, bodies: Sequence[bytes]) -> None:
    """The broker brings these to the mirror."""
    connection = connect(post.url, "test")
    channel = connection.channel()
    channel.confirm_select()
    for body in bodies:
        channel.basic_publish(Message(body, delivery_mode=2), "box.events", "ThingPut")
    drop(connection, politely=True)


def dead(post: Post) -> list[bytes]:
    """The dead letters, which stay there."""
    connection = connect(post.url, "test")
    channel = connection.channel()
    channel.auto_decode = False
    found = []
    while message := channel.basic_get(DEAD_QUEUE):
        found.append(message.body or b"")
    drop(connection)
    return found


def waiting(post: Post, queue: str) -> int:
    connection = connect(post.url, "test")
    count = int(connection.channel().queue_declare(queue, passive=True).message_count)
    drop(connection)
    return count


def sealed(post: Post, puts: int, boxes: int = 3) -> list[bytes]:
    """Entries that are in the log and that nobody publishes."""
    post.fill(post.open_boxes(boxes), puts)
    while post.market.installation.workers["box"].sealer.seal():
        pass
    return [bytes(row[0]) for row in post.market.sql("SELECT entry FROM box.log ORDER BY sequence")]


def mirror(post: Post) -> None:
    """The mirror's worker, which looks into logs by itself so rarely that it is the broker who brings what comes."""
    attached = post.attach("mirror")
    attached.worker._logs_at = float("inf")
    post.until(attached.consumer.well)


@pytest.mark.parametrize("seed", range(3))
def test_doubled_shuffled_and_with_holes(post: Post, seed: int) -> None:
    dice = random.Random(seed)
    entries = sealed(post, 120)
    mirror(post)
    mail = [entry for entry in entries * 2 if dice.random() > 0.2]
    dice.shuffle(mail)
    brought(post, [*mail, entries[-1]])
    post.everything_has_arrived()
    post.until(lambda: waiting(post, queue_of("mirror", "box")) == 0)
    assert dead(post) == []


def test_junk_goes_to_the_dead_letters_while_others_flow(post: Post) -> None:
    entries = sealed(post, 30)
    mirror(post)
    junk = [b"", b"\xff\xfe", b'{"event":', b'{"a":1}', entries[3][:-10]]
    mixed = [body for pair in zip(junk, entries, strict=False) for body in pair]
    before = metric("market_bus_unreadable_total", service="mirror", source="box")
    brought(post, mixed + entries[len(junk) :])
    post.everything_has_arrived()
    post.until(lambda: waiting(post, DEAD_QUEUE) == len(junk))
    assert sorted(dead(post)) == sorted(junk)
    assert metric("market_bus_unreadable_total", service="mirror", source="box") == before + len(junk)


def test_what_is_not_in_the_log_goes_to_the_dead_letters(post: Post) -> None:
    entries = sealed(post, 10)
    mirror(post)
    forged = make_entry(b'{"id":"x"}', "0" * 64, "2027-01-01T00:00:00.000000Z", len(entries) + 1_000)
    brought(post, [entries[0], forged, *entries[1:]])
    post.everything_has_arrived()
    post.until(lambda: waiting(post, DEAD_QUEUE) == 1)
    assert dead(post) == [forged]


def test_an_entry_whose_inside_is_spoilt_is_read_from_the_log(post: Post) -> None:
    entries = sealed(post, 10)
    mirror(post)
    spoilt = entries[5].replace(b'"data":{', b'"data":[', 1)
    assert spoilt != entries[5]
    brought(post, [*entries[:5], spoilt, *entries[6:]])
    post.everything_has_arrived()


def test_poison_makes_its_stream_wait_and_no_other(post: Post) -> None:
    box, mirrored = post.attach("box"), post.attach("mirror")
    post.until(lambda: mirrored.consumer.well() and box.consumer.well())
    bad, good = post.open_boxes(2)
    post.market.do("box.put", {"id": bad, "amount": POISON}, KEEPER)
    post.fill([bad, good], 20)
    post.until(lambda: post.arrived() == 10)
    post.until(lambda: post.value("SELECT count(*) FROM mirror.parked") == 11)
    assert dead(post) == [], "an event that can't be handled is in the log: it waits in its stream, not in a queue"
    assert mirrored.health()["parked"] == 11
    services.ANTIDOTE.append(True)
    post.until(lambda: post.value("SELECT count(*) FROM mirror.parked") == 0)
    post.until(lambda: post.arrived() == 20 + POISON)


def test_a_database_that_refuses_for_a_while_costs_a_pause_and_nothing_else(post: Post, postgres_dsn: str) -> None:
    entries = sealed(post, 40)
    name = post.value("SELECT current_database()")
    mirror(post)
    failures = metric("market_worker_failures_total", service="mirror", duty="look")
    with psycopg.connect(postgres_dsn, autocommit=True) as elsewhere:
        elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        elsewhere.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        brought(post, entries)
        time.sleep(2)  # the time that it is away: nothing is waited for
        elsewhere.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    post.everything_has_arrived()
    failed = metric("market_worker_failures_total", service="mirror", duty="look") - failures
    assert 1 <= failed < 30, "two threads that try again with growing pauses"
    assert dead(post) == []


def test_what_a_worker_can_not_handle_goes_back_to_the_queue(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "GIVE_BACK_S", 0.3)
    entries = sealed(post, 20)
    queue = queue_of("mirror", "box")
    with psycopg.connect(post.market.url) as holder:
        holder.execute("SELECT FROM mirror.subscription FOR UPDATE")  # another worker that hangs
        mirror(post)
        brought(post, entries)
        post.until(lambda: waiting(post, queue) == len(entries))
        assert post.arrived() == 0
    post.everything_has_arrived()
    post.until(lambda: waiting(post, queue) == 0)
    assert dead(post) == []

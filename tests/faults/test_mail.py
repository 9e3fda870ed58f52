"""What the broker brings, callers send and rights forbid: junk, poison, doubles, disorder, forgeries, and far too much."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from amqp import Message
from amqp.exceptions import AccessRefused

from app.rabbit_node import RabbitNode
from kernel.bus.broker import connect, drop
from kernel.bus.topology import DEAD_QUEUE, queue_of
from kernel.ids import new_id
from kernel.subscription import Subscription
from tests.faults.book import Answer, Sent, is_final
from tests.faults.checks import check, entries
from tests.faults.fleet import Fleet
from tests.toy import services
from tests.toy.services import POISON

pytestmark = [pytest.mark.needs("rabbitmq"), pytest.mark.timeout(240)]

QUEUE = queue_of("mirror", "box")


def ends_well(fleet: Fleet) -> None:
    fleet.staff()
    fleet.rest()
    check(fleet)


def brought(fleet: Fleet, bodies: Iterable[bytes]) -> None:
    """These come to the mirror as if from the box."""
    connection = connect(fleet.amqp_url, "test")
    channel = connection.channel()
    channel.confirm_select()
    for body in bodies:
        channel.basic_publish(Message(body, delivery_mode=2), "", QUEUE)
    drop(connection, politely=True)


def waiting(fleet: Fleet, queue: str) -> int:
    connection = connect(fleet.amqp_url, "test")
    count = int(connection.channel().queue_declare(queue, passive=True).message_count)
    drop(connection)
    return count


# -- poison -----------------------------------------------------------------------------------------------------------


@pytest.mark.matrix(14, "messages that are no JSON or half an entry; an event that raises")
def test_poison(fleet: Fleet) -> None:
    [bad] = fleet.open_boxes(1)
    fleet.rest()
    junk = [b"", b"\xff\xfe", b"no JSON", b'{"event":', b'{"a":1}', entries(fleet, "box")[0][:-10]]
    mirror = fleet.market.installation.hosts["mirror"]
    with fleet.load() as load:
        brought(fleet, junk)
        for amount in (1, POISON, 2, 3):
            fleet.give("box.put", {"id": bad, "amount": amount})
        load.more()
        fleet.until(lambda: parked(fleet) == 3)
        fleet.until(lambda: waiting(fleet, DEAD_QUEUE) == len(junk))  # where an administrator finds them
        load.more()
    fleet.until(lambda: fleet.market.installation.unsettled() == [])
    assert parked(fleet) == 3, "its stream waits, and no other"
    assert any(m.told("sent to the dead letters") for m in fleet.alive("mirror"))
    assert busy(fleet, "mirror") < 0.5, "it goes on trying without a pause"
    services.ANTIDOTE.append(True)  # a better release
    fleet.until(lambda: Subscription(mirror, "box").retry_parked(everything=True) or parked(fleet) == 0)
    ends_well(fleet)


def parked(fleet: Fleet) -> int:
    return int(fleet.market.sql("SELECT count(*) FROM mirror.parked")[0][0])


def busy(fleet: Fleet, service: str, over_s: float = 1.0) -> float:
    """How much of one processor the replicas of a service use."""
    watched = [psutil.Process(process.pid) for process in fleet.alive(service)]
    for process in watched:
        process.cpu_percent()
    time.sleep(over_s)  # the time over which it is measured
    return sum(process.cpu_percent() for process in watched) / 100


# -- doubles and disorder ---------------------------------------------------------------------------------------------


@pytest.mark.matrix(15, "every entry three times, shuffled, half of them new")
def test_a_storm_of_duplicates(fleet: Fleet) -> None:
    dice = random.Random(15)
    boxes = fleet.open_boxes(5)
    fleet.put(boxes, 60)
    fleet.rest()
    fleet.stop("mirror")
    fleet.put(boxes, 60)
    fleet.until(lambda: fleet.market.sql("SELECT count(*) FROM box.outbox") == [(0,)] and not fleet.unpublished("box"))
    storm = entries(fleet, "box")[-120:] * 3
    dice.shuffle(storm)
    brought(fleet, storm)
    ends_well(fleet)
    fleet.until(lambda: waiting(fleet, QUEUE) == 0)


@pytest.mark.matrix(16, "shuffled with holes, brought bit by bit to four replicas while nobody publishes")
def test_disorder(fleet: Fleet) -> None:
    dice = random.Random(16)
    fleet.stop("box")
    fleet.staff({"mirror": 4})
    with fleet.locally():
        fleet.put(fleet.open_boxes(5), 150)
    sealer = fleet.market.installation.workers["box"].sealer
    before = fleet.head("box")
    while sealer.seal():
        pass
    mail = [entry for entry in entries(fleet, "box")[before:] if dice.random() > 0.2]
    dice.shuffle(mail)
    while mail:
        size = dice.randrange(1, 20)
        brought(fleet, mail[:size])
        del mail[:size]
    fleet.until(lambda: not fleet.market.installation.unsettled())
    ends_well(fleet)


# -- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.matrix(46, "a service with another's account publishes as a third; the broker says 403")
def test_wrong_rights(fleet: Fleet, broker: RabbitNode) -> None:
    vhost, user = fleet.amqp_url.rsplit("/", 1)[1], f"mirror-{new_id()}"
    broker.rabbitmqctl("add_user", user, "secret")
    own = "^(rpc-mirror|mirror\\.events|nameko-rpc)$"
    broker.rabbitmqctl(
        "set_permissions", "-p", vhost, user, "^rpc-mirror$", own, "^(rpc-mirror|nameko-rpc|market\\..*)$"
    )
    url = fleet.amqp_url.replace("guest:guest", f"{user}:secret")
    fleet.rest()
    connection = connect(url, "forger")
    channel = connection.channel()
    channel.confirm_select()
    with pytest.raises(AccessRefused, match="403"):
        channel.basic_publish_confirm(Message(entries(fleet, "box")[-1]), "box.events", "ThingPut")
    drop(connection)
    fleet.stop("box")
    wrong = fleet.start("box", MARKET_AMQP_URL=url)
    wrong.until_told("no connection to the broker", "ACCESS_REFUSED")  # it gets no calls,
    fleet.goes_on_by_the_log()
    wrong.until_told("a turn failed", "publish", "ACCESS_REFUSED")  # publishes nothing, and says so
    wrong.stop()
    ends_well(fleet)


# -- callers ----------------------------------------------------------------------------------------------------------


def final(fleet: Fleet, sent: Sent) -> Answer:
    while not is_final(answer := fleet.send(sent)):
        pass
    return answer


@pytest.mark.matrix(42, "two calls at once under one key with different amounts, 20 times")
def test_the_same_key_with_another_body(fleet: Fleet) -> None:
    [box_id] = fleet.open_boxes(1)
    for _ in range(20):
        pair = [Sent(new_id(), "box.put", {"id": box_id, "amount": 1})]
        pair.append(Sent(pair[0].key, "box.put", {"id": box_id, "amount": 2}))
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda sent: final(fleet, sent), pair))
        [(sent, done)] = [(s, a) for s, a in zip(pair, answers, strict=True) if "refused" not in a]
        [refused] = [a for a in answers if "refused" in a]
        assert (refused["refused"]["code"], refused["refused"]["kind"]) == ("idempotency_key_reused", "invalid")
        fleet.book.sent[sent.key] = sent
        fleet.book.hear(sent.key, done)
    ends_well(fleet)


EVENTS = 10_000
LONG_DRAINED_WITHIN_S = 180.0  # for what takes ten on a machine that has nothing else to do
GROWTH_MB = 150


@pytest.mark.matrix(43, "10,000 events while the consumer is stopped")
def test_a_backlog(fleet: Fleet) -> None:
    fleet.rest()
    fleet.stop("mirror")
    boxes = fleet.open_boxes(10)
    for number in range(EVENTS // 100):
        fleet.give("box.put_many", {"id": boxes[number % 10], "amount": 1, "times": 100})
    fleet.settle()
    fleet.until(lambda: waiting(fleet, QUEUE) >= EVENTS)
    fleet.staff()
    watched = [psutil.Process(mirror.pid) for mirror in fleet.alive("mirror")]
    before = [process.memory_info().rss for process in watched]
    fleet.rest(LONG_DRAINED_WITHIN_S)
    grown = [(process.memory_info().rss - was) / 2**20 for process, was in zip(watched, before, strict=True)]
    assert max(grown) < GROWTH_MB
    check(fleet)

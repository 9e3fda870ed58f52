"""Service processes are killed, frozen, starved and misled about the time: others go on, and nothing is half done."""

from __future__ import annotations

import random
import resource
import signal
from datetime import UTC, datetime

import pytest

from app.machine import faketime_library
from kernel.chain import take_apart
from kernel.ids import new_id
from kernel.instants import to_text
from tests.faults.checks import check, entries, events
from tests.faults.fleet import Fleet

pytestmark = [pytest.mark.needs("rabbitmq"), pytest.mark.timeout(240)]

IDLE_S = 2.0  # after which the database takes the head row from whoever sleeps on it


def ends_well(fleet: Fleet) -> None:
    fleet.staff()
    fleet.rest()
    check(fleet)


KILLS = 6


@pytest.mark.matrix(1, "SIGKILL of a service process at random, six times under load")
def test_processes_killed_at_random(fleet: Fleet) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown when it fails
    dice = random.Random(seed)
    with fleet.load(callers=6) as load:
        for _ in range(KILLS):
            fleet.give("clockwork.wind", {"id": new_id(), "ticks": 10})
            load.more(dice.randrange(5, 60))
            victim = dice.choice(fleet.alive())
            victim.kill()
            fleet.start(victim.service)
        load.more(40)
    ends_well(fleet)


@pytest.mark.matrix(2, "consumer: failpoint subscription.committed:exit")
def test_a_consumer_dies_between_its_commit_and_its_acknowledgement(fleet: Fleet) -> None:
    fleet.stop("mirror")
    dying = fleet.start("mirror", "subscription.committed:exit")
    with fleet.load() as load:
        dying.died()
        load.more()
    [(reached,)] = fleet.market.sql("SELECT sequence FROM mirror.subscription WHERE source = 'box'")
    assert reached > 0, "it died before its commit"
    ends_well(fleet)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("host.committed", marks=pytest.mark.matrix(2, "call: failpoint host.committed:exit")),
        pytest.param("host.before_commit", marks=pytest.mark.matrix(2, "call: failpoint host.before_commit:exit")),
    ],
)
def test_a_call_whose_process_dies_is_answered_by_another(fleet: Fleet, place: str) -> None:
    dying = fleet.start("box", f"{place}:exit")
    with fleet.load() as load:
        dying.died()
        load.more(40)
        assert not load.busy, "a caller had to ask again, though another replica was there"
    ends_well(fleet)


@pytest.mark.matrix(3, "failpoint publisher.published:exit")
def test_a_publisher_dies_between_confirm_and_cursor(fleet: Fleet) -> None:
    before = len(fleet.reached()["box"])
    dying = fleet.start("box", "publisher.published:exit")
    with fleet.load() as load:
        dying.died()
        load.more()
    ends_well(fleet)
    came = fleet.reached()["box"][before:]
    assert len(came) > len(set(came)), "nothing was published twice: it died elsewhere"


@pytest.mark.matrix(23, "failpoint sealer.locked:stop (SIGSTOP), SIGCONT")
def test_a_process_frozen_inside_the_sealers_lock(fleet: Fleet) -> None:
    frozen = fleet.start("box", "sealer.locked:stop")
    with fleet.load() as load:
        frozen.frozen()
        head = fleet.head("box")
        fleet.until(lambda: fleet.head("box") > head, 10 * IDLE_S)
        load.more()
        frozen.process.send_signal(signal.SIGCONT)
        load.more()
    frozen.stop()
    ends_well(fleet)


# -- limits -----------------------------------------------------------------------------------------------------------


def needs_new_connections(fleet: Fleet, service: str) -> None:
    ended = fleet.market.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = %s",
        (f"market-{service}",),
    )
    assert ended[0][0] > 0


@pytest.mark.matrix(44, "prlimit of open files to 3, then its sessions terminated")
def test_a_process_without_descriptors(fleet: Fleet) -> None:
    starved = fleet.start("box")
    starved.until_told("taking calls")
    held = resource.prlimit(starved.pid, resource.RLIMIT_NOFILE)
    with fleet.load() as load:
        load.more()
        resource.prlimit(starved.pid, resource.RLIMIT_NOFILE, (3, held[1]))
        needs_new_connections(fleet, "box")
        load.more(40)  # by the others, and by itself where it still has what it needs
        starved.until(lambda: starved.told("Too many open files") or starved.told("a turn failed"))
        resource.prlimit(starved.pid, resource.RLIMIT_NOFILE, held)
        load.more(40)
    assert starved.process.poll() is None, "it has to go on when it is given what it needs"
    starved.stop()
    ends_well(fleet)


@pytest.mark.matrix(44, "prlimit of memory: no more of it, under load, then its sessions terminated")
def test_a_process_without_memory(fleet: Fleet) -> None:
    starved = fleet.start("box")
    starved.until_told("taking calls")
    with fleet.load(callers=8, pause_s=0) as load:
        load.more()
        resource.prlimit(starved.pid, resource.RLIMIT_AS, (2**20, resource.RLIM_INFINITY))
        needs_new_connections(fleet, "box")
        starved.ended(1)  # for its supervisor to start it again, and not half alive
        load.more()
    assert starved.told("no memory left")
    ends_well(fleet)


# -- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.needs("faketime")
@pytest.mark.parametrize(
    ("skew", "told"),
    [
        pytest.param("-15m", "behind", marks=pytest.mark.matrix(35, "replicas 15 minutes behind (libfaketime)")),
        pytest.param("+2d", "ahead", marks=pytest.mark.matrix(35, "replicas two days ahead (libfaketime)")),
    ],
)
def test_replicas_whose_clock_is_wrong(fleet: Fleet, skew: str, told: str) -> None:
    environment = {"LD_PRELOAD": str(faketime_library()), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    skewed = [fleet.start(service, **environment) for service in ("box", "mirror", "clockwork")]
    for process in skewed:
        process.until_told("taking calls")
    with fleet.load() as load:
        load.more()
        fleet.give("clockwork.wind", {"id": new_id(), "ticks": 3})
        for process in skewed:
            process.until_told("a turn failed", f"s {told} ", "the database's")
        load.more()
    for process in skewed:
        process.stop()
    ends_well(fleet)
    said = [event["time"] for service in ("box", "mirror", "clockwork") for event in events(fleet, service)]
    said += [
        take_apart(entry).sealedat for service in ("box", "mirror", "clockwork") for entry in entries(fleet, service)
    ]
    assert fleet.began <= min(said) and max(said) <= to_text(datetime.now(UTC)), "a wrong clock's instant is in the log"

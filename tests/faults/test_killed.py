"""Processes killed by SIGKILL: at every named place between a command and its last effect, and at random under load."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from kernel.ids import new_id
from tests.faults.checks import check
from tests.faults.system import Child, System
from tests.support import eventually


@pytest.mark.parametrize(("place", "committed"), [("host.before_commit", 0), ("host.committed", 1)])
def test_a_command_whose_process_dies_around_its_commit_is_settled_by_its_key(
    system: System, place: str, committed: int
) -> None:
    boxes = system.open_boxes(2)
    system.put(boxes, 3)
    [(before,)] = system.market.sql("SELECT count(*) FROM box.outbox")
    writer = system.writer(boxes, 5, failpoint=f"{place}:exit")
    writer.died()
    assert len(writer.said("sent")) == 1 and not writer.said("answered")
    assert system.market.sql("SELECT count(*) FROM box.outbox") == [(before + committed,)]
    assert system.settle() == 1
    assert system.market.sql("SELECT count(*) FROM box.outbox") == [(before + 1,)]
    system.rest()
    check(system)


def _count(system: System, table: str) -> int:
    return int(system.market.sql(f"SELECT count(*) FROM {table}")[0][0])


def _sequence(system: System, table: str) -> int:
    return int(system.market.sql(f"SELECT sequence FROM {table}")[0][0])


# Where the worker dies → what is so at that moment, with 22 events to be sealed, published and mirrored.
DEATHS: dict[str, tuple[str, Callable[[System], bool]]] = {
    "sealer.locked": ("box", lambda s: _count(s, "box.outbox") == 22),
    "sealer.before_commit": ("box", lambda s: _count(s, "box.outbox") == 22 and _count(s, "box.log") == 0),
    "sealer.committed": ("box", lambda s: _count(s, "box.log") == 22 and _sequence(s, "box.publication") == 0),
    "publisher.before_publish": ("box", lambda s: not s.published.read_bytes()),
    "publisher.published": ("box", lambda s: bool(s.published.read_bytes()) and _sequence(s, "box.publication") == 0),
    "subscription.mid_batch": (
        "mirror",
        lambda s: _sequence(s, "mirror.subscription") == 0 == _count(s, "mirror.seen"),
    ),
    "subscription.before_commit": ("mirror", lambda s: _count(s, "mirror.image") == 0 == _count(s, "mirror.outbox")),
}


@pytest.mark.parametrize("place", DEATHS)
def test_a_worker_that_dies_leaves_nothing_half_done(system: System, place: str) -> None:
    boxes = system.open_boxes(2)
    system.put(boxes, 20)
    service, is_so = DEATHS[place]
    if service == "mirror":
        assert system.market.installation.workers["box"].sealer.seal() == 22
    system.worker(service, failpoint=f"{place}:exit").died()
    # The dead process's transaction ends when the server notices: only then is the half-done undone for everybody.
    eventually(lambda: _nobody_works(system))
    assert is_so(system)
    system.rest()
    check(system)


def _nobody_works(system: System) -> bool:
    [(working,)] = system.market.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename LIKE 'market_%%' AND xact_start IS NOT NULL"
    )
    return not working


def test_due_commands_survive_the_death_of_the_schedule_and_fire_once_in_order(system: System) -> None:
    system.give("clockwork.wind", {"id": new_id(), "ticks": 8})
    system.worker("clockwork", failpoint="schedule.before_commit:exit").died()
    eventually(lambda: _nobody_works(system))
    assert _count(system, "clockwork.due") == 8
    system.rest()
    check(system)


ROUNDS, NO_NEW_ROUND_AFTER_S = 4, 6.0


def test_writers_and_workers_killed_at_random_under_load(system: System) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown when it fails
    dice = random.Random(seed)
    boxes = system.open_boxes(5)
    for _ in range(3):
        system.give("clockwork.wind", {"id": new_id(), "ticks": 10})
    everything = ("box", "mirror", "clockwork")
    workers = [system.worker(*everything), system.worker(*everything)]
    writers = [system.writer(boxes, 10_000)]
    started = time.monotonic()
    for round_ in range(ROUNDS):
        writer = writers[round_]
        if time.monotonic() - started < NO_NEW_ROUND_AFTER_S:
            writers.append(system.writer(boxes, 10_000))  # it comes up while the other one works
        victim = dice.randrange(2)
        _answers(writer, dice.randrange(1, 60))
        workers[victim].kill()
        workers[victim] = system.worker(*everything)
        _answers(writer, dice.randrange(1, 60))
        writer.kill()
        if round_ + 1 == len(writers):
            break
    for child in (*workers, *writers):
        child.kill()
    system.rest()
    check(system)


def _answers(writer: Child, more: int) -> None:
    wanted = writer.count("answered") + more
    writer.until(lambda: writer.count("answered") >= wanted)

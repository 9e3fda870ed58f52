"""A worker dies before each message of its work in turn: what was half done is as if it had never begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.faults.checks import backlog, check
from tests.faults.patience import until
from tests.faults.proxy import Proxy
from tests.faults.system import System

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def proxy(toy_database: str) -> Iterator[Proxy]:
    made = Proxy(toy_database)
    yield made
    made.close()


def _sealed(system: System) -> None:
    system.put(system.open_boxes(1), 1)
    system.market.installation.workers["box"].turn()


#: What gives a service work, how it is told that this is done, and in how many messages at least.
WORK: dict[str, tuple[Callable[[System], object], str, int]] = {
    "box": (lambda system: system.put(system.open_boxes(1), 4), "box: ", 4),  # to seal, to publish
    "mirror": (_sealed, "mirror behind box", 2),
    "audit": (_sealed, "audit", 4),  # to take, to sign
}


@pytest.mark.parametrize(
    "service",
    [
        pytest.param(
            name, marks=pytest.mark.matrix(4, f"{name}: SIGKILL in place of each message that locks or writes")
        )
        for name in WORK
    ],
)
def test_a_worker_dies_at_each_message(system: System, proxy: Proxy, service: str) -> None:
    give, waiting, at_least = WORK[service]
    for number in count(1):
        worker = system.worker(service, url=proxy.url)
        worker.until(lambda worker=worker: worker.said("ready"))
        proxy.fell(number, worker.process.pid)
        give(system)
        until(lambda: proxy.felled or not _waits(system, waiting))
        if not proxy.spare():
            worker.stop()
            break
        worker.died()
        until(lambda: not _at_work(system))  # its transaction ends when the server notices
        system.rest()
        check(system)
    system.rest()
    check(system)
    assert number > at_least, "there was hardly anything to do"


def _waits(system: System, waiting: str) -> bool:
    if any(line.startswith(waiting) for line in backlog(system)):
        return True
    if waiting != "audit":
        return False
    leaves, signed = "SELECT count(*) FROM audit.leaf", "SELECT coalesce(max(size), 0) FROM audit.checkpoint"
    return system.market.sql(leaves) != system.market.sql(signed)


def _at_work(system: System) -> bool:
    [(working,)] = system.market.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename LIKE 'market_%%' AND xact_start IS NOT NULL"
    )
    return bool(working)

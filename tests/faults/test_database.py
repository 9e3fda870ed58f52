"""The database fails: answers get lost, backends die at COMMIT, the whole server is killed and comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.conftest import databases
from tests.faults.checks import check
from tests.faults.commits import held_at_commit
from tests.faults.conftest import Make
from tests.faults.proxy import Loss, Proxy
from tests.faults.server import Server
from tests.faults.system import PATIENCE_S, System
from tests.support import eventually


@pytest.fixture
def proxied(fresh_database: str, make_system: Make) -> Iterator[tuple[System, Proxy]]:
    proxy = Proxy(fresh_database)
    yield make_system(proxy.url), proxy
    proxy.close()


@pytest.mark.parametrize(("what", "replayed"), [("answer", True), ("commit", False)])
def test_a_commit_that_the_network_loses_is_settled_by_its_key(
    proxied: tuple[System, Proxy], what: Loss, replayed: bool
) -> None:
    system, proxy = proxied
    [box_id] = system.open_boxes(1)
    system.market.installation.hosts["box"].engine.dispose()  # a new connection: nothing is prepared on it yet
    proxy.lose(what)
    answer = system.give("box.put", {"id": box_id, "amount": 1}, key="lost once")
    assert proxy.lost == 1
    assert "refused" not in answer and ("replayed" in answer) is replayed
    assert answer["version"] == 2
    system.rest()
    check(system)


def test_workers_get_over_lost_commits_by_themselves(proxied: tuple[System, Proxy]) -> None:
    system, proxy = proxied
    boxes = system.open_boxes(2)
    system.put(boxes, 10)
    worker = system.worker("box", "mirror")
    losses: tuple[Loss, ...] = ("answer", "commit", "answer", "commit")
    for count, what in enumerate(losses, start=1):
        proxy.lose(what)
        system.put(boxes, 3)
        worker.until(lambda count=count: proxy.lost >= count)
    worker.until(lambda: not system.market.installation.unsettled())
    worker.stop()
    system.rest()
    check(system)


def test_terminated_backends_lose_nothing(system: System) -> None:
    boxes = system.open_boxes(4)
    worker = system.worker("box", "mirror")
    worker.until(lambda: worker.said("ready"))
    with ThreadPoolExecutor(4) as pool:
        given = [pool.submit(system.give, "box.put", {"id": boxes[n % 4], "amount": n}) for n in range(120)]
        for number in range(1, 7):
            eventually(lambda number=number: sum(one.done() for one in given) >= number * 15)
            with psycopg.connect(system.market.url) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND usename LIKE 'market_%'"
                )
    worker.until(lambda: not system.market.installation.unsettled())
    worker.stop()
    system.rest()
    check(system)


# -- a server of our own, which may be killed -------------------------------------------------------------------------


@pytest.fixture
def own(server: Server, make_system: Make) -> Iterator[System]:
    with databases(server.dsn) as create:
        yield make_system(create(None))


def test_what_was_accepted_survives_the_death_of_the_server(own: System, server: Server) -> None:
    boxes = own.open_boxes(4)
    worker = own.worker("box", "mirror", "clockwork")
    writer = own.writer(boxes, 10_000)
    worker.until(lambda: worker.said("ready"))
    writer.until(lambda: writer.count("answered") >= 30)
    server.kill(signal.SIGQUIT)
    reached = writer.count("answered")
    server.start_again()
    # Neither was told anything: both find the server again by themselves.
    writer.until(lambda: writer.count("answered") >= reached + 30)
    writer.kill()
    eventually(lambda: own.settle() == 0)
    worker.until(lambda: not own.market.installation.unsettled())
    worker.stop()
    own.rest()
    check(own)


@pytest.mark.parametrize("how", ["terminated", "killed"])
def test_a_backend_that_dies_before_its_commit_has_done_nothing(own: System, server: Server, how: str) -> None:
    [box_id] = own.open_boxes(1)
    with ThreadPoolExecutor(1) as pool, held_at_commit(own, box_id) as held:
        answer = pool.submit(own.give, "box.put", {"id": box_id, "amount": 1}, "at the gate")
        _end_backend(own, held.wait(), how)
        held.release()
        answer.result(20)
    own.settle()
    assert own.book.answers["at the gate"]["version"] == 2
    assert "replayed" not in own.book.answers["at the gate"]
    own.rest()
    check(own)


@pytest.mark.parametrize("how", ["terminated", "killed"])
def test_a_backend_that_dies_after_its_commit_and_before_its_answer_has_done_it(
    own: System, server: Server, how: str
) -> None:
    [box_id] = own.open_boxes(1)
    # A standby that never comes: the commit is on disk, and its answer waits.
    server.configure(synchronous_standby_names="nobody")
    with ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(own.give, "box.put", {"id": box_id, "amount": 1}, "done unheard")
            eventually(lambda: len(_waiting_for_standby(server)) > 0, PATIENCE_S)
            _end_backend(own, _waiting_for_standby(server)[0], how)
        finally:
            eventually(lambda: _can(server, synchronous_standby_names=""), PATIENCE_S)
        answer.result(20)
    own.settle()
    assert own.book.answers["done unheard"]["replayed"] is True
    own.rest()
    check(own)


def _waiting_for_standby(server: Server) -> list[int]:
    with psycopg.connect(server.dsn) as connection:
        return [r[0] for r in connection.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")]


def _can(server: Server, **settings: str) -> bool:
    try:
        server.configure(**settings)
    except psycopg.OperationalError:
        return False
    return True


def _end_backend(system: System, pid: int, how: str) -> None:
    """`killed` by SIGKILL, after which the whole server starts anew; or `terminated` alone."""
    if how == "killed":
        os.kill(pid, signal.SIGKILL)
    else:
        system.market.sql("SELECT pg_terminate_backend(%s)", (pid,))

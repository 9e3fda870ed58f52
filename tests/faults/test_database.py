"""A COMMIT whose answer never comes: it was done or it wasn't, and the command's key tells which."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.conftest import databases
from tests.faults.checks import check
from tests.faults.commits import held_at_commit
from tests.faults.conftest import Make
from tests.faults.patience import PATIENCE_S, until
from tests.faults.proxy import Loss, Proxy
from tests.faults.server import Server
from tests.faults.system import System
from tests.faults.toys import toys
from tests.support import market


@pytest.fixture
def proxied(toy_database: str, make_system: Make) -> Iterator[tuple[System, Proxy]]:
    proxy = Proxy(toy_database)
    yield make_system(proxy.url), proxy
    proxy.close()


@pytest.mark.parametrize(
    ("what", "replayed"),
    [
        pytest.param("answer", True, marks=pytest.mark.matrix(20, "proxy: RST instead of one COMMIT's answer")),
        pytest.param("commit", False, marks=pytest.mark.matrix(20, "proxy: RST instead of one COMMIT")),
    ],
)
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


# -- a server of our own, which may be killed -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_template(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("own")
    with databases(server.dsn) as create:
        url = create(None)
        with market(toys(home), url, home):
            pass
        yield str(make_url(url).database)
        server.ready()


@pytest.fixture
def own(server: Server, own_template: str, make_system: Make) -> Iterator[System]:
    server.ready()
    with databases(server.dsn) as create:
        yield make_system(create(own_template))
        server.ready()


ENDS = [
    pytest.param("terminated", marks=pytest.mark.matrix(17, "pg_terminate_backend in the middle of a COMMIT")),
    pytest.param("killed", marks=pytest.mark.matrix(18, "kill -9 of the backend in the middle of a COMMIT")),
]


@pytest.mark.parametrize("how", ENDS)
def test_a_backend_that_dies_before_its_commit_has_done_nothing(own: System, how: str) -> None:
    [box_id] = own.open_boxes(1)
    with ThreadPoolExecutor(1) as pool, held_at_commit(own, box_id) as held:
        answer = pool.submit(own.give, "box.put", {"id": box_id, "amount": 1}, "at the gate")
        _end_backend(own, held.wait(), how)
        held.release()
        answer.result(PATIENCE_S)
    own.settle()
    assert own.book.answers["at the gate"]["version"] == 2
    assert "replayed" not in own.book.answers["at the gate"]
    own.rest()
    check(own)


@pytest.mark.parametrize("how", ENDS)
def test_a_backend_that_dies_after_its_commit_and_before_its_answer_has_done_it(
    own: System, server: Server, how: str
) -> None:
    [box_id] = own.open_boxes(1)
    # A standby that never comes: the commit is on disk, and its answer waits.
    server.configure(synchronous_standby_names="nobody")
    with ThreadPoolExecutor(1) as pool:
        try:
            answer = pool.submit(own.give, "box.put", {"id": box_id, "amount": 1}, "done unheard")
            until(lambda: _waiting_for_standby(server))
            _end_backend(own, _waiting_for_standby(server)[0], how)
        finally:
            server.ready()
            until(lambda: _can(server, synchronous_standby_names=""))
        answer.result(PATIENCE_S)
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

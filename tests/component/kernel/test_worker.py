"""The worker's loops: a duty that fails doesn't stop the others, stopping is graceful, waking is prompt."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from kernel.ids import new_id
from kernel.installation import NotSettled
from kernel.worker import Signals
from tests.support import Market, eventually, market, person
from tests.toy.services import box_service, mirror_service

KEEPER = person("keeper")


@pytest.fixture
def toys(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([box_service(), mirror_service()], fresh_database, tmp_path_factory.mktemp("home")) as made:
        yield made


def put(toys: Market, count: int) -> None:
    box_id = new_id()
    toys.do("box.open_box", {"id": box_id, "colour": "red"}, KEEPER)
    for _ in range(count):
        toys.do("box.put", {"id": box_id, "amount": 1}, KEEPER)


def test_a_duty_that_fails_is_counted_and_tried_again_while_the_others_go_on(toys: Market) -> None:
    worker = toys.installation.workers["box"]
    tried = threading.Event()

    def fails() -> int:
        tried.set()
        raise RuntimeError("the bus is gone")

    real, worker.publisher.publish = worker.publisher.publish, fails  # type: ignore[method-assign]
    labels = {"service": "box", "duty": "publish"}
    before = REGISTRY.get_sample_value("market_worker_failures_total", labels) or 0
    toys.installation.start()
    put(toys, 3)
    assert tried.wait(10)
    toys.installation.settle()
    assert toys.sql("SELECT sequence FROM box.log_head") == [(4,)], "sealing goes on"
    assert toys.sql("SELECT sequence FROM mirror.subscription") == [(4,)], "and so do those who follow"
    assert (REGISTRY.get_sample_value("market_worker_failures_total", labels) or 0) > before
    assert toys.sql("SELECT sequence FROM box.publication") == [(0,)]
    worker.publisher.publish = real  # type: ignore[method-assign]


def test_stopping_ends_every_thread_and_leaves_nothing_half_done(toys: Market) -> None:
    before = threading.active_count()
    toys.installation.start()
    put(toys, 20)
    for worker in toys.installation.workers.values():
        worker.stop()
    assert threading.active_count() == before
    toys.work()
    assert toys.installation.unsettled() == []
    assert toys.sql("SELECT amount FROM mirror.seen") == [(20,)]


def test_what_waits_is_named_when_the_time_is_up(toys: Market) -> None:
    put(toys, 2)
    with pytest.raises(NotSettled, match=r"box: to seal \(3\)"):
        toys.installation.settle(timeout_s=0)
    toys.work()
    toys.installation.settle(timeout_s=0)


def test_a_worker_that_finds_the_database_gone_finds_it_again(toys: Market) -> None:
    toys.installation.start()
    put(toys, 1)
    toys.installation.settle()
    toys.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'market_%%' "
             "AND datname = current_database()")  # fmt: skip
    put(toys, 1)
    toys.installation.settle()


def test_signals_wake_only_those_who_wait_for_them() -> None:
    signals = Signals()
    mine, others = frozenset({"", "box"}), frozenset({"mirror"})
    seen, theirs = signals.count(mine), signals.count(others)
    waiting = threading.Thread(target=signals.wait, args=(mine, seen, 60))
    waiting.start()
    signals.notify("log:box")
    signals.notify("mirror")
    assert waiting.is_alive() and signals.count(mine) == seen
    signals.notify("box")
    eventually(lambda: not waiting.is_alive())
    assert (signals.count(mine), signals.count(others)) == (seen + 1, theirs + 1)
    signals.notify()
    assert signals.count(mine) == seen + 2

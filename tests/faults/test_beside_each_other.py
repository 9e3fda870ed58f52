"""Several of everything at once: two workers share the work, sealers leave no gap, connections stay few."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.checks import check
from tests.faults.system import System


@pytest.mark.matrix(5, "two processes with every worker under load")
def test_two_workers_at_once_under_load_do_everything_once(system: System) -> None:
    boxes = system.open_boxes(6)
    workers = [system.worker("box", "mirror", "clockwork", "audit") for _ in range(2)]
    for worker in workers:
        worker.until(lambda worker=worker: worker.said("ready"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: system.give("box.put", {"id": boxes[n % 6], "amount": n}), range(200)))
    workers[0].until(lambda: not system.market.installation.unsettled())
    for worker in workers:
        worker.stop()
    sealed = [worker.said("sealed")[0] for worker in workers]
    [(heads,)] = system.market.sql(
        "SELECT (SELECT sequence FROM box.log_head) + (SELECT sequence FROM mirror.log_head)"
    )
    assert sum(sealed) == heads == 206 + 200, f"they sealed {sealed}"
    check(system)


@pytest.mark.matrix(5, "eight threads seal at once")
def test_sealers_in_many_threads_leave_no_gap(system: System) -> None:
    boxes = system.open_boxes(6)
    sealer = system.market.installation.workers["box"].sealer

    def put_and_seal(number: int) -> int:
        system.give("box.put", {"id": boxes[number % 6], "amount": number})
        return sealer.seal()

    with ThreadPoolExecutor(8) as pool:
        sealed = sum(pool.map(put_and_seal, range(160)))
    sealed += sealer.seal()
    assert system.market.sql("SELECT sequence FROM box.log_head") == [(166,)] and sealed == 166
    system.rest()
    check(system)


def test_a_service_process_never_holds_more_connections_than_its_pool(system: System) -> None:
    boxes = system.open_boxes(8)
    installation = system.market.installation
    installation.start()
    most = 0
    with ThreadPoolExecutor(32) as pool:
        done = [pool.submit(system.give, "box.put", {"id": boxes[n % 8], "amount": n}) for n in range(320)]
        while not all(one.done() for one in done):
            [(open_now,)] = system.market.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'market-box'"
            )
            most = max(most, open_now)
    assert not [one.result() for one in done if "refused" in one.result()]
    assert 1 < most <= system.market.settings.pool_size
    installation.settle()
    system.rest()
    check(system)

"""What others do to the database doesn't stop the log; locks that nobody gives back end in a clear refusal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Connection

from kernel.chain import take_apart
from kernel.clock import MOST_SKEW_S, move_sandbox
from kernel.sealer import Sealer
from tests.faults.book import KEEPER
from tests.faults.checks import check, entries
from tests.faults.commits import held_at_commit
from tests.faults.conftest import Make
from tests.faults.patience import PATIENCE_S
from tests.faults.system import System


def test_an_event_whose_id_was_drawn_early_and_committed_late_is_not_lost(system: System) -> None:
    [late], [early] = system.open_boxes(1, "late"), system.open_boxes(1, "early")  # their totals are different rows
    sealer = system.market.installation.workers["box"].sealer
    with ThreadPoolExecutor(1) as pool, held_at_commit(system, late) as held:
        answer = pool.submit(system.give, "box.put", {"id": late, "amount": 1})
        held.wait()  # its event has its id and nobody can see it
        system.put([early], 5)
        assert sealer.seal() == 7
        held.release()
        assert "refused" not in answer.result(PATIENCE_S)
    assert sealer.seal() == 1
    system.rest()
    check(system)


@pytest.fixture
def impatient(toy_database: str, make_system: Make, monkeypatch: pytest.MonkeyPatch) -> System:
    monkeypatch.setenv("MARKET_LOCK_TIMEOUT_MS", "60")
    return make_system(toy_database)


def test_a_lock_that_is_not_given_back_ends_in_the_refusal_unavailable(impatient: System) -> None:
    [box_id] = impatient.open_boxes(1)
    with psycopg.connect(impatient.market.url) as other:
        other.execute("SELECT 1 FROM box.box WHERE id = %s FOR UPDATE", (box_id,))
        answer = impatient.give("box.put", {"id": box_id, "amount": 1}, key="held")
        assert (answer["refused"]["code"], answer["refused"]["kind"]) == ("unavailable", "busy")
        assert "box" in answer["refused"]["en"] and "тем же ключом" in answer["refused"]["ru"]
        other.rollback()
    assert impatient.settle() == 1, "the caller doesn't know, and asks again with the same key"
    impatient.rest()
    check(impatient)


class BackwardClock:
    """A machine's clock that goes back a minute at each look."""

    sandbox = False

    def __init__(self) -> None:
        self._now = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self, connection: Connection) -> datetime:
        self._now -= timedelta(minutes=1)
        return self._now


@pytest.mark.matrix(35, "a sealer whose clock goes back a minute at each look")
def test_a_clock_that_jumps_back_never_makes_sealedat_decrease(system: System) -> None:
    boxes = system.open_boxes(1)
    host = system.market.installation.hosts["box"]
    sealer = Sealer("box", host.engine, BackwardClock(), batch=2)
    for _ in range(4):
        system.put(boxes, 2)
        assert sealer.seal() > 0
    while sealer.seal():
        pass
    system.rest()  # the real clock is years behind by now
    instants = [take_apart(entry).sealedat for entry in entries(system, "box")]
    assert len(instants) == 9 and instants == sorted(instants)
    check(system)


@pytest.mark.matrix(35, "a call stamped by a gateway that is ahead")
def test_a_call_from_the_future_is_for_a_replica_whose_clock_is_right(system: System) -> None:
    [box_id] = system.open_boxes(1)
    put = ("box.put", {"id": box_id, "amount": 1}, KEEPER)
    ahead = timedelta(seconds=MOST_SKEW_S)
    assert system.market.refused(*put, received_at=datetime.now(UTC) + 2 * ahead) == "unavailable"
    assert "version" in system.give("box.put", put[1])


def test_a_sandbox_clock_can_not_be_set_back(system: System) -> None:
    with system.market._admin.begin() as connection, pytest.raises(ValueError, match="no sandbox"):
        move_sandbox(connection, datetime(2040, 1, 1, tzinfo=UTC))
    system.market.sql("INSERT INTO market.sandbox (instant) VALUES ('2030-01-01T00:00:00Z')")
    with system.market._admin.begin() as connection, pytest.raises(ValueError, match="has passed"):
        move_sandbox(connection, datetime(2029, 12, 31, tzinfo=UTC))

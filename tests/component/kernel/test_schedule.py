"""Due commands: not before their instant, once each, in order, also after sleeping through; failures make way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kernel.ids import new_id
from kernel.schedule import Schedule
from tests.component.kernel import teller
from tests.component.kernel.teller import teller_service
from tests.support import Market, market, person
from tests.toy.services import box_service

KEEPER = person("keeper")
START = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def toys(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("home")
    with market([box_service(), teller_service()], fresh_database, home, sandbox_from=START) as made:
        yield made
    teller.BROKEN.clear()


def later(toys: Market, after_s: int, *amounts: int) -> str:
    slip_id = new_id()
    toys.do("teller.number_later", {"id": slip_id, "amounts": amounts, "after_s": after_s}, KEEPER)
    return slip_id


def numbers(toys: Market, slip_id: str) -> list[int]:
    return toys.sql("SELECT state->'numbers' FROM teller.slip WHERE id = %s", (slip_id,))[0][0]  # type: ignore[no-any-return]


def test_nothing_fires_before_its_instant_and_all_of_it_at_that_instant(toys: Market) -> None:
    slip_id = later(toys, 60, 2, 4)
    toys.move_clock(START + timedelta(seconds=59, microseconds=999_999))
    toys.work()
    assert numbers(toys, slip_id) == []
    toys.move_clock(START + timedelta(seconds=60))
    toys.work()
    assert numbers(toys, slip_id) == [1, 2]
    assert toys.sql("SELECT count(*) FROM teller.due") == [(0,)]


def test_what_was_slept_through_fires_in_the_order_of_its_instants(toys: Market) -> None:
    third, first, second = later(toys, 300, 2), later(toys, 100, 2), later(toys, 200, 2, 4)
    toys.move_clock(START + timedelta(days=400))
    toys.work()
    assert [numbers(toys, slip_id) for slip_id in (first, second, third)] == [[1], [2, 3], [4]]


def test_its_events_say_what_caused_them_and_stand_at_the_instant_of_firing(toys: Market) -> None:
    later(toys, 60, 2)
    toys.move_clock(START + timedelta(hours=1))
    toys.work()
    [promised, numbered] = [
        row[0]
        for row in toys.sql("SELECT convert_from(entry, 'UTF8')::jsonb->'event' FROM teller.log ORDER BY sequence")
    ]
    assert numbered["causationid"] == promised["id"] and numbered["correlationid"] == promised["correlationid"]
    assert numbered["actor"] == "system:teller" and numbered["time"] == "2027-01-01T01:00:00.000000Z"


def test_one_that_fails_waits_with_growing_pauses_while_the_others_go_on(toys: Market) -> None:
    broken = later(toys, 0, 2)
    teller.BROKEN.append(True)
    schedule = Schedule(toys.installation.hosts["teller"])
    pauses = []
    for _ in range(4):
        assert schedule.fire() == 1, "it was tried"
        assert schedule.fire() == 0, "and isn't again before its pause is over"
        [(attempts, pause, error)] = toys.sql(
            "SELECT attempts, extract(epoch FROM next_try - clock_timestamp())::float, error FROM teller.due"
        )
        pauses.append(round(pause))
        toys.sql("UPDATE teller.due SET next_try = clock_timestamp()")
    assert (pauses, attempts, error) == ([1, 2, 4, 8], 4, "RuntimeError: the facts can't be gathered")
    teller.BROKEN.clear()
    toys.sql("UPDATE teller.due SET next_try = clock_timestamp() + interval '1 hour'")
    other = later(toys, 0, 4)
    toys.work()
    assert (numbers(toys, other), numbers(toys, broken)) == ([1], [])
    toys.sql("UPDATE teller.due SET next_try = clock_timestamp()")
    toys.work()
    assert numbers(toys, broken) == [2]


def test_two_schedules_never_fire_at_the_same_time(toys: Market) -> None:
    slip_id = later(toys, 0, 2, 4)
    host = toys.installation.hosts["teller"]
    first, second = Schedule(host), Schedule(host)
    within: list[int] = []
    real: Callable[..., object] = host.store.execute

    def meanwhile(*arguments: object) -> object:
        within.append(second.fire())
        return real(*arguments)

    host.store.execute = meanwhile  # type: ignore[assignment, method-assign]
    assert first.fire() == 1 and within == [0]
    host.store.execute = real  # type: ignore[assignment, method-assign]
    assert second.fire() == 1 and second.fire() == 0
    assert numbers(toys, slip_id) == [1, 2]


def test_a_command_that_this_release_does_not_know_is_kept_with_its_error(toys: Market) -> None:
    later(toys, 0, 2)
    toys.sql("UPDATE teller.due SET command = 'of_another_release'")
    toys.work()
    [(attempts, error)] = toys.sql("SELECT attempts, error FROM teller.due")
    assert attempts == 1 and "of_another_release" in error

"""What a subscriber makes of doubles and holes to the letter, and how it comes back to poison; test_mail has the storms."""

from __future__ import annotations

import pytest

from kernel.subscription import RETRIES, Subscription
from tests.faults.checks import check
from tests.faults.system import System
from tests.toy import services
from tests.toy.services import POISON


def numbered(system: System) -> list[tuple[int, bytes]]:
    return [(sequence, bytes(entry)) for sequence, entry in system.market.sql("SELECT sequence, entry FROM box.log")]


def subscription(system: System, batch: int = 100) -> Subscription:
    return Subscription(system.market.installation.hosts["mirror"], "box", batch)


def sealed(system: System, puts: int) -> list[tuple[int, bytes]]:
    system.put(system.open_boxes(5), puts)
    system.market.installation.workers["box"].sealer.seal()
    return numbered(system)


@pytest.mark.parametrize("order", [(1, 1, 3), (1, 2, 2, 4), (3, 1, 1), (2, 2, 1, 1, 4, 4)])
def test_a_doubled_entry_never_hides_that_another_is_missing(system: System, order: tuple[int, ...]) -> None:
    post = dict(sealed(system, 10))
    mirror = subscription(system)
    start = 5  # the boxes' openings
    assert mirror.deliver([(n, post[n]) for n in range(1, start + 1)])
    assert not mirror.deliver([(start + n, post[start + n]) for n in order])
    [(reached,)] = system.market.sql("SELECT sequence FROM mirror.subscription")
    unbroken = next(n for n in range(1, 6) if n not in order) - 1
    assert reached == start + unbroken
    while mirror.catch_up():
        pass
    system.rest()
    check(system)


def test_what_was_handled_already_is_passed_over_in_silence(system: System) -> None:
    post = sealed(system, 5)
    mirror = subscription(system)
    assert mirror.deliver(post) and mirror.deliver(post) and mirror.deliver([])
    system.rest()
    check(system)


# -- poison -----------------------------------------------------------------------------------------------------------


def poisoned(system: System) -> tuple[str, str]:
    """(box whose second of four puts is poison, box that is well), everything handled as far as it can be."""
    bad, good = system.open_boxes(2)
    for amount in (1, POISON, 2, 3):
        system.give("box.put", {"id": bad, "amount": amount})
        system.give("box.put", {"id": good, "amount": amount % POISON})
    system.rest()
    return bad, good


def amounts(system: System) -> dict[str, int]:
    return dict(system.market.sql("SELECT box_id::text, amount FROM mirror.seen"))


def test_retries_come_after_growing_pauses_and_end_after_five(system: System) -> None:
    poisoned(system)
    mirror = subscription(system)
    first = (
        "SELECT attempts, extract(epoch FROM next_try - clock_timestamp())::float FROM mirror.parked WHERE attempts > 0"
    )
    pauses = []
    for retry in range(1, RETRIES + 1):
        assert mirror.retry_parked() == 0
        assert system.market.sql(first)[0][0] == retry, "its time hasn't come"
        system.market.sql("UPDATE mirror.parked SET next_try = clock_timestamp() WHERE next_try IS NOT NULL")
        assert mirror.retry_parked() == 0
        attempts, pause = system.market.sql(first)[0]
        assert attempts == retry + 1
        pauses.append(pause)
    assert [pause and round(pause) for pause in pauses] == [2, 4, 8, 16, None]
    services.ANTIDOTE.append(True)
    assert mirror.retry_parked() == 0, "after five it waits for a person"
    assert mirror.retry_parked(everything=True) == 3
    system.rest()
    check(system)


def test_a_long_parked_stream_goes_on_by_itself_to_its_end(system: System) -> None:
    poisoned(system)
    mirror = subscription(system, batch=2)
    services.ANTIDOTE.append(True)
    for _ in range(3):
        system.market.sql("UPDATE mirror.parked SET next_try = clock_timestamp() WHERE next_try IS NOT NULL")
        mirror.retry_parked()
    assert system.market.sql("SELECT count(*) FROM mirror.parked") == [(0,)]
    system.rest()
    check(system)

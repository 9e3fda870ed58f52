"""A refusal in a reaction or of a due command is a normal end: nothing waits, nothing is kept, no number is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel.ids import new_id
from tests.component.kernel import teller
from tests.component.kernel.teller import teller_service
from tests.support import Market, market, person
from tests.toy.services import box_service

KEEPER = person("keeper")


@pytest.fixture
def toys(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([box_service(), teller_service()], fresh_database, tmp_path_factory.mktemp("home")) as made:
        yield made


def numbers(toys: Market) -> list[int]:
    return toys.sql("SELECT state->'numbers' FROM teller.slip")[0][0]  # type: ignore[no-any-return]


def nothing_waits(toys: Market) -> bool:
    return toys.sql("SELECT (SELECT count(*) FROM teller.parked), (SELECT count(*) FROM teller.due)") == [(0, 0)]


# 999 is refused by the facts, which have drawn a number by then; odd ones by the decision.
AMOUNTS, DONE = (2, 999, 4, 7, 6, 999, 8), 4


def test_refused_reactions_let_their_stream_go_on_and_give_their_numbers_back(toys: Market) -> None:
    box_id = new_id()
    toys.do("box.open_box", {"id": box_id, "colour": "red"}, KEEPER)
    for amount in AMOUNTS:
        toys.do("box.put", {"id": box_id, "amount": amount}, KEEPER)
    toys.work()
    assert nothing_waits(toys)
    assert numbers(toys) == list(range(1, DONE + 1))
    assert toys.sql("SELECT value FROM teller.counter") == [(DONE,)]


def test_refused_due_commands_end_and_give_their_numbers_back(toys: Market) -> None:
    toys.do("teller.number_later", {"id": new_id(), "amounts": AMOUNTS}, KEEPER)
    toys.work()
    assert nothing_waits(toys)
    assert numbers(toys) == list(range(1, DONE + 1))
    assert toys.sql("SELECT value FROM teller.counter") == [(DONE,)]


def test_refused_commands_give_their_numbers_back(toys: Market) -> None:
    slip_id = new_id()
    codes = [
        toys.answer("teller.number", {"id": slip_id, "amount": amount}, KEEPER).get("refused", {}).get("code")
        for amount in AMOUNTS
    ]
    assert codes == [None, "huge", None, "odd", None, "huge", None]
    assert numbers(toys) == list(range(1, DONE + 1))


def test_facts_that_fail_park_their_stream_and_leave_no_trace_until_they_succeed(toys: Market) -> None:
    box_id = new_id()
    toys.do("box.open_box", {"id": box_id, "colour": "red"}, KEEPER)
    for amount in (2, 4):
        toys.do("box.put", {"id": box_id, "amount": amount}, KEEPER)
    teller.BROKEN.append(True)
    try:
        toys.work()
    finally:
        teller.BROKEN.clear()
    assert toys.sql("SELECT count(*) FROM teller.parked") == [(2,)]
    assert toys.sql("SELECT (SELECT count(*) FROM teller.counter), (SELECT count(*) FROM teller.slip)") == [(0, 0)]
    [subscription] = toys.installation.workers["teller"].subscriptions
    assert subscription.retry_parked(everything=True) == 2
    assert numbers(toys) == [1, 2] and nothing_waits(toys)

"""What may happen between two steps of a rebuild: an event is sealed, a parked stream goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine

from kernel.database import admin_url
from kernel.ids import new_id
from kernel.rebuild import Rebuild
from tests.support import Market, market, person
from tests.toy import services
from tests.toy.services import POISON, box_service, mirror_service

KEEPER = person("keeper")


@pytest.fixture
def toys(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([box_service(), mirror_service()], fresh_database, tmp_path_factory.mktemp("home")) as made:
        yield made
    services.ANTIDOTE.clear()


class Interrupted(Rebuild):
    """A rebuild during which something happens: `before_swap()`, and `between()` after each look at the log in it."""

    before_swap: Callable[[], Any] = staticmethod(lambda: None)
    between: Callable[[], Any] = staticmethod(lambda: None)
    swapping = False

    def _page(self, connection: Connection, source: str, limit: int) -> int:
        read = super()._page(connection, source, limit)
        if self.swapping:
            self.between()
        return read

    def _swap(self) -> bool:
        self.before_swap()
        self.swapping = True
        try:
            return super()._swap()
        finally:
            self.swapping = False


def rebuild(toys: Market, service: str) -> Interrupted:
    made = next(s for s in toys.services if s.name == service)
    return Interrupted(made, create_engine(admin_url(toys.url)), made.projections)


def one_stream_waits(toys: Market) -> str:
    """A box of whose three puts the first was mirrored and the others are parked; another box's put comes after."""
    box_id, other = new_id(), new_id()
    for opened in (box_id, other):
        toys.do("box.open_box", {"id": opened, "colour": "red"}, KEEPER)
    for amount in (1, POISON, 2):
        toys.do("box.put", {"id": box_id, "amount": amount}, KEEPER)
    toys.do("box.put", {"id": other, "amount": 7}, KEEPER)
    toys.work()
    return box_id


def test_an_event_sealed_while_the_tables_are_swapped_is_counted_once(toys: Market) -> None:
    box_id = new_id()
    toys.do("box.open_box", {"id": box_id, "colour": "red"}, KEEPER)
    toys.do("box.put", {"id": box_id, "amount": 5}, KEEPER)
    started = rebuild(toys, "box")
    started.between = toys.installation.workers["box"].sealer.seal  # type: ignore[method-assign]
    started.run()
    assert toys.ask("box.total_of", {"colour": "red"}) == {"amount": 5}


def test_a_parked_stream_that_goes_on_meanwhile_is_in_the_new_table(toys: Market) -> None:
    box_id = one_stream_waits(toys)
    assert toys.sql("SELECT count(*) FROM mirror.parked") == [(2,)]
    [subscription] = toys.installation.workers["mirror"].subscriptions
    services.ANTIDOTE.append(True)
    started = rebuild(toys, "mirror")
    started.before_swap = lambda: subscription.retry_parked(everything=True)  # type: ignore[method-assign]
    started.run()
    assert toys.sql("SELECT amount FROM mirror.seen WHERE box_id = %s", (box_id,)) == [(POISON + 3,)]


def test_what_stays_parked_stays_out_of_the_new_table(toys: Market) -> None:
    box_id = one_stream_waits(toys)
    rebuild(toys, "mirror").run()
    assert toys.sql("SELECT amount FROM mirror.seen WHERE box_id = %s", (box_id,)) == [(1,)]

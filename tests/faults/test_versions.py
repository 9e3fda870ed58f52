"""Two releases beside each other over one log: what the older one wrote, the later one reads and replays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from kernel.aggregate import Aggregate, Context, Decision, decided
from kernel.projection import Projection
from kernel.service import On, Service
from tests.faults.checks import check, check_market
from tests.faults.system import System
from tests.faults.toys import toys
from tests.support import Market
from tests.toy import services as toy


class ThingPut(toy.ThingPut, readers="auditor"):
    """As a later release has it: with one thing more, which older entries haven't."""

    shelf: int = 0


def later_box() -> Service:
    """The box of that release, which says on which shelf things lie."""
    box = Aggregate("Box", toy.Box)
    totals = Projection("totals", (toy.total,))

    @box.command(toy.Put, roles={"keeper", "system"}, states={"open"}, emits=(ThingPut,))
    def put(state: toy.Box, command: toy.Put, context: Context) -> Decision:
        return decided(ThingPut(amount=command.amount, colour=state.colour, shelf=7))

    box.command(toy.OpenBox, roles={"keeper"}, states={toy.NEW}, emits=(toy.BoxOpened,))(toy.open_box)
    box.command(toy.ShutBox, roles={"keeper", "system"}, states={"open"}, emits=(toy.BoxShut,))(toy.shut)
    box.event(toy.BoxOpened, to="open")(toy._opened)
    box.event(ThingPut)(toy._put)
    box.event(toy.BoxShut, to="shut")(toy._shut)
    totals.on("box", "ThingPut", ThingPut)(toy._count)
    commands = (On(toy.OpenBox), On(toy.Put), On(toy.ShutBox))
    return replace(toy.box_service(), aggregates=(box,), commands=commands, projections=(totals,))


@pytest.fixture
def later(system: System, tmp_path: Path) -> Iterator[System]:
    """The same installation's later release, beside the one that runs."""
    settings = system.market.settings
    services = [later_box() if s.name == "box" else s for s in toys(settings.home)]
    made = System(Market(services, system.market.url, settings.home, None, made=True), tmp_path)
    made.book = system.book
    yield made
    made.market.close()


@pytest.mark.matrix(48, "replicas of two releases in turn over one log, the later one's events with a field more")
def test_two_releases_beside_each_other(system: System, later: System) -> None:
    boxes = system.open_boxes(3)
    for turn in range(4):
        for release in (system, later):
            release.put(boxes, 5)
            if turn % 2:  # each also seals and follows what the other has written
                release.market.work()
    later.rest()
    check(later)  # F: the later release replays what the older one wrote
    bodies = later.market.sql("SELECT entry FROM box.log WHERE type LIKE 'market.box.ThingPut.%%' ORDER BY sequence")
    shelves = [orjson.loads(bytes(body))["event"]["data"].get("shelf") for (body,) in bodies]
    assert shelves.count(7) == shelves.count(None) == 20


def test_an_event_that_a_release_does_not_fit_is_found(system: System) -> None:
    system.put(system.open_boxes(1), 2)
    system.rest()
    system.market.sql(
        "SET LOCAL session_replication_role = replica; "
        "UPDATE box.log SET entry = convert_to(replace(convert_from(entry, 'UTF8'), '\"amount\":', '\"weight\":'), 'UTF8')"
    )
    with pytest.raises(AssertionError, match="doesn't fit its contract"):
        check_market(system)

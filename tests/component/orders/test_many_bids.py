"""More than a thousand bids in one competition, by real commands: counted, listed in parts, opened, replayed equal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from app.replay.fold import Fold
from app.replay.live import Live
from app.replay.opening import Openings
from kernel.chain import event_bytes, make_entry, take_apart
from kernel.identity import Actor
from kernel.instants import from_text
from services.orders.domain import bid as bids
from services.orders.domain.competition.closing import PART, StandingBid, list_hash
from services.orders.domain.competition.opening import AT_ONCE
from services.orders.projections.bidding import SHARDS
from tests.component.orders.country import BEGAN, neighbours
from tests.component.orders.tender import Tender, differences, everybody, providers, until
from tests.support import Market, market

BIDS = 1_030
SOURCES = ("registry", "custodian_1", "custodian_2", "custodian_3", "billing", "providers", "orders")


@pytest.fixture
def town(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("home")
    with market(everybody(home / "contracts"), fresh_database, home, BEGAN) as made:
        yield made


def lot_of(tender: Tender, actor: Actor) -> dict[str, Any]:
    return {"competition_id": tender.id, "lot_id": tender.lots[0], "provider_id": actor.organisation}


def logged(town: Market, *names: str) -> list[dict[str, Any]]:
    """The data of orders' events of these names, in the order of the log."""
    rows = town.sql(
        "SELECT entry FROM orders.log WHERE split_part(type, '.', 3) = ANY(%s) ORDER BY sequence", (list(names),)
    )
    return [orjson.loads(event_bytes(bytes(entry)))["data"] for (entry,) in rows]


def openings(town: Market, spoilt: str = "") -> Openings:
    """Every bid opened again from the logs; the first event called `spoilt` lost its last line on the way."""
    services = neighbours()
    live = Live(town.url, services)
    try:
        fold = Fold(services, live.standing.limits, frozenset(live.standing.parked), tables=False)
        found = Openings(fold)
        for source in SOURCES:
            for sequence, entry in live.entries_after(source, 0):
                parts = take_apart(entry)
                event = orjson.loads(parts.event)
                if event["type"].split(".")[2] == spoilt:
                    spoilt = ""
                    del event["data"]["standing"][-1]
                    whole = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
                    entry = make_entry(whole, parts.prevhash, parts.sealedat, parts.sequence)
                fold.feed(source, sequence, entry)
        found.finish()
        return found
    finally:
        live.close()


@pytest.mark.timeout(300)
def test_a_thousand_bids_and_more_are_closed_in_parts_opened_and_replayed(
    town: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    tender = Tender(town, BIDS).open()
    staff = providers(town, BIDS)
    for turn, actor in enumerate(staff):
        tender.bid(actor, 40_000 + turn, 1)
    replaced, withdrawn = staff[0], staff[1]
    town.do("orders.replace_bid", tender.sealed(replaced, 39_000, 1, version=2), replaced)
    town.do("orders.withdraw_bid", lot_of(tender, withdrawn), withdrawn)

    # How many stand is known without looking at them.
    shards = town.sql("SELECT standing FROM orders.bids_taken WHERE competition_id = %s", (tender.id,))
    assert len(shards) == SHARDS and sum(standing for (standing,) in shards) == BIDS - 1
    monkeypatch.setattr(bids, "MAX_BIDS", BIDS - 1)
    again = tender.sealed(withdrawn, 40_001, 1, version=2)
    assert town.refused("orders.submit_bid", again, withdrawn) == "too_many_bids"
    monkeypatch.setattr(bids, "MAX_BIDS", BIDS)
    town.do("orders.submit_bid", again, withdrawn)

    town.move_clock(from_text(tender.page()["deadline"]) + timedelta(seconds=10))
    until(town, lambda: tender.status == "opened", 120)
    until(town, lambda: {bid["status"] for bid in tender.bids()} == {"opened"}, 60)

    order = [*staff[2:], replaced, withdrawn]
    [closed], listed = logged(town, "BiddingClosed"), logged(town, "StandingBidsListed")
    lines = [StandingBid(**line) for part in (closed, *listed) for line in part["standing"]]
    assert [len(part["standing"]) for part in (closed, *listed)] == [PART] * (BIDS // PART) + [BIDS % PART]
    assert [line.provider_id for line in lines] == [actor.organisation for actor in order]
    assert (closed["count"], closed["standing_hash"]) == (BIDS, list_hash(lines))
    opened = logged(town, "BidsOpened")
    assert sum(len(event["bids"]) for event in opened) == BIDS
    assert len({event["opened_at"] for event in opened}) == 1 and BIDS > AT_ONCE
    assert [bid["arrival"] for bid in tender.bids()] == list(range(1, BIDS + 1))
    # Each part is proved to a custodian, and what it has opened it doesn't look at again.
    parts = town.sql("SELECT lines FROM custodian_1.part WHERE competition_id = %s", (tender.id,))
    assert sorted(parts) == sorted((len(part["standing"]),) for part in (closed, *listed))
    until(town, lambda: town.sql("SELECT count(*) FROM custodian_2.opened") == [(BIDS,)], 60)

    assert [found for found in differences(town) if "orders.provider " not in found] == []
    whole = openings(town)
    assert whole.opened == BIDS and whole.differences == []
    assert openings(town, spoilt="StandingBidsListed").differences, "a list with a line less is seen"

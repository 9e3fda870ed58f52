"""200 bids in the 50 ms around a deadline, by the real clock, on real services with all their threads.

In time is what the gateway received before the deadline: all of that is accepted and stands before `BiddingClosed` in
the log, in the list's order; nothing else is accepted and nothing is lost. A deadline in three seconds instead of three
weeks comes from a calendar without working days; everything else is as it always is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from kernel.bus.call import Call
from kernel.chain import event_bytes
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import from_text, to_text
from tests.component.orders.no_terms import without_terms
from tests.component.orders.tender import Tender, differences, everybody
from tests.support import Market, eventually, market, person

BIDS, THREADS = 200, 8
SPREAD = timedelta(milliseconds=50)


@pytest.fixture
def town(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("home")
    with market(everybody(home / "contracts"), fresh_database, home) as made:
        host = made.installation.hosts["orders"]
        host.store.rules = host.rules = without_terms(host.rules)
        yield made


def providers(town: Market, count: int) -> list[Actor]:
    """Active providers, put into the register's copy by hand: including 200 of them is not what this test is about."""
    staff = [person("provider", organisation=new_id()) for _ in range(count)]
    town.sql(
        "INSERT INTO orders.provider (provider_id, status, number, short_name, forms, service_kinds) "
        "SELECT p, 'active', '1', 'АНО', '[\"home\"]', '[\"domestic\"]' FROM unnest(%s::uuid[]) p",
        ([actor.organisation for actor in staff],),
    )
    return staff


def of_orders(town: Market, tender: Tender) -> list[tuple[int, str, str, dict[str, Any]]]:
    """(sequence, event, stream, event with its envelope) of the competition's bids and its closing, in log order."""
    found = []
    for sequence, entry in town.sql("SELECT sequence, entry FROM orders.log ORDER BY sequence"):
        event = orjson.loads(event_bytes(bytes(entry)))
        if event["data"].get("competition_id") == tender.id:
            found.append((sequence, event["type"].split(".")[2], event["subject"].split("/")[1], event))
    return found


@pytest.mark.timeout(180)
def test_200_bids_around_the_deadline(town: Market) -> None:
    staff = providers(town, BIDS)
    tender = Tender(town, 100_000)
    town.installation.start()
    tender.drafted()
    # Far enough that the keys come and 200 forms are sealed before it.
    deadline = datetime.now(UTC) + timedelta(seconds=8)
    tender.do("publish_competition", tender.officer, deadline=to_text(deadline))
    eventually(lambda: tender.status == "open", 6)
    sealed = [tender.sealed(actor, 40_000, 100) for actor in staff]
    for actor in staff:
        town.token(actor)
    assert datetime.now(UTC) < deadline - SPREAD, "this machine was too slow to prepare the bids in time"

    # The gateway stamps all of them in 50 ms; whoever was in time has waited for the others when it is decided.
    def run(turn: int, call: Call) -> tuple[str, str, str]:
        """(bid's provider, received at, outcome)."""
        answer = town.installation.bus.command("orders", "submit_bid", sealed[turn], call)
        outcome = answer["refused"]["code"] if "refused" in answer else "accepted"
        return str(staff[turn].organisation), call.received_at, outcome

    calls = []
    for turn in range(BIDS):
        planned = deadline - SPREAD / 2 + SPREAD * turn / BIDS
        time.sleep(max(0.0, (planned - datetime.now(UTC)).total_seconds()))
        calls.append(tender.call(sealed[turn], staff[turn]))
    with ThreadPoolExecutor(THREADS) as pool:
        sent = list(pool.map(run, range(BIDS), calls))
    in_time = {who for who, received_at, _ in sent if from_text(received_at) < deadline}
    accepted = {who for who, _, outcome in sent if outcome == "accepted"}
    late = {who for who, _, outcome in sent if outcome == "bid_late"}
    assert accepted == in_time and late == {str(a.organisation) for a in staff} - in_time
    assert accepted and late, "the bids lay on one side of the deadline"

    eventually(lambda: tender.status == "opened", 60)
    events = of_orders(town, tender)
    [closing] = [sequence for sequence, name, _, _ in events if name == "BiddingClosed"]
    standing = [event["data"]["provider_id"] for sequence, name, _, event in events if name == "BidSubmitted"]
    assert set(standing) == accepted and len(standing) == len(accepted)
    assert all(sequence < closing for sequence, name, _, _ in events if name == "BidSubmitted")
    [closed] = [event["data"] for _, name, _, event in events if name == "BiddingClosed"]
    assert [line["provider_id"] for line in closed["standing"]] == standing, "the list is in the order of the log"
    refused = [event["data"]["provider_id"] for _, name, _, event in events if name == "LateBidRefused"]
    assert sorted(refused) == sorted(late)
    assert {bid["provider_id"]: bid["status"] for bid in tender.bids()} == dict.fromkeys(accepted, "opened")
    town.installation.settle(30)
    assert [found for found in differences(town) if "orders.provider " not in found] == []

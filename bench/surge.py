"""surge: a competition's last minute over HTTP: a thousand bidders, half of them in its last two seconds.

The whole way of a bid: a gateway's process, RabbitMQ, processes of every service, bids sealed for three custodians; the
machine's clock and a real deadline. What is made before the minute begins (accounts, forms) isn't measured. Bids leave at
their instants whether those before them are answered or not, and a hundred more come in the fifth of a second after the
deadline, so that decisions cross it. After the closing everything is held against the log (`surge_check`): what was
received before the deadline is accepted and stands, what was received after is refused, nothing is lost.

Once with one process of `orders`, then with two. Figures: `p50_ms_1`, `p99_ms_1`, `p50_ms_2`, `p99_ms_2` of the bids of
the last two seconds, from the instant at which each was to leave; `wrong`: how many bids came out otherwise than they
must, in both.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from app.distributed import Distributed
from app.failure import Failure
from app.gateway import HOST
from app.processes import Supervisor, free_ports
from app.services import all_services
from bench.broker import bench_broker
from bench.database import bench_database
from bench.run import say
from bench.surge_check import Bidder, Logged, wrong
from bench.surge_client import Bid, play
from kernel import canonical
from kernel.chain import event_bytes
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import from_text, to_text
from kernel.sealing import from_base64, seal
from kernel.settings import Settings
from services.orders.domain.competition.opening import associated_data
from services.orders.service import service as orders
from tests.component.orders.no_terms import without_terms
from tests.component.orders.tender import Tender
from tests.support import Market, person

BIDDERS, LATECOMERS = 1_000, 100
RUSH_S, AFTER_S = 2.0, 0.2
PREPARE_S = 15.0
"""From the announcement to the last minute: custodians publish their keys, and bids are sealed for them."""
START_S, OPEN_S = 120.0, 60.0
SHOWN = 10
Schedule = list[datetime]


def schedule(deadline: datetime, seconds: float) -> tuple[Schedule, Schedule, Schedule]:
    """When bids leave: half of them evenly until the rush, half in it, and those that come after the deadline."""
    calm, rush = BIDDERS - BIDDERS // 2, BIDDERS // 2
    return (
        _evenly(deadline - timedelta(seconds=seconds), seconds - RUSH_S, calm),
        _evenly(deadline - timedelta(seconds=RUSH_S), RUSH_S, rush),
        _evenly(deadline, AFTER_S, LATECOMERS),
    )


def _evenly(start: datetime, seconds: float, count: int) -> Schedule:
    return [start + timedelta(seconds=seconds * (turn + 0.5) / count) for turn in range(count)]


class Processes(Distributed):
    """One process of each service and the gateway, as `./market up --rabbit` has them, but for orders' calendar."""

    def command(self, name: str) -> Sequence[str]:
        if name == "orders":
            return (sys.executable, "-P", "-m", "bench.surge_orders")
        return super().command(name)


class Bench:
    """An installation of processes, and this process's own hand on it for what isn't measured."""

    def __init__(self, url: str, home: Path, broker: str, log: Path) -> None:
        settings = Settings(home=home, database_url=url)
        self._market = Market([orders()], url, home, None, made=True)
        host = self._market.installation.hosts["orders"]
        host.store.rules = host.rules = without_terms(host.rules)
        self._log = log.open("w")
        [self.port] = free_ports(1)
        self._running = Processes(settings, url, broker, self.port, self._log, replicas=1)
        self._more: Supervisor | None = None

    def start(self) -> None:
        self._running.start(lambda line: None)

    def add_replica(self) -> None:
        """A second process of `orders`."""
        plan = self._running.plan("orders", 2, free_ports(1)[0])
        self._more = Supervisor([plan], self._log)
        self._more.start()
        if self._more.wait_ready(START_S):
            raise Failure("the second process of orders doesn't become ready", f"read {self._log.name}")

    def stop(self) -> None:
        if self._more:
            self._more.stop()
        self._running.stop()
        self._market.close()
        self._log.close()

    # -- before the minute --------------------------------------------------------------------------------------------

    def announce(self, seconds: float) -> tuple[Tender, datetime]:
        """A competition that takes bids, and its deadline."""
        tender = Tender(self._market, 100_000).drafted()
        deadline = datetime.now(UTC) + timedelta(seconds=PREPARE_S + seconds)
        tender.do("publish_competition", tender.officer, deadline=to_text(deadline))
        self._until(lambda: tender.status == "open", PREPARE_S, "the custodians' keys didn't come in time")
        return tender, deadline

    def bids(self, tender: Tender, planned: Schedule) -> list[Bid]:
        """Sealed bids of as many providers."""
        staff = [person("provider", organisation=new_id()) for _ in planned]
        self._market.sql(
            "INSERT INTO orders.provider (provider_id, status, number, short_name, forms, service_kinds) "
            "SELECT p, 'active', '1', 'Bench', '[\"home\"]', '[\"domestic\"]' FROM unnest(%s::uuid[]) p",
            ([actor.organisation for actor in staff],),
        )
        keys = self._market.ask("orders.custodian_keys", {"id": tender.id})["keys"]
        public = [from_base64(key) for _, key in sorted(keys.items())]
        return [self._bid(tender, actor, at, public) for actor, at in zip(staff, planned, strict=True)]

    def _bid(self, tender: Tender, actor: Actor, planned_at: datetime, public: Sequence[bytes]) -> Bid:
        lot_id, provider_id = tender.lots[0], str(actor.organisation)
        content = {"price_kopecks": 40_000, "volume": 100, "values": {}, "text": "Опыт с 2020 года", "people": []}
        form = seal(canonical.dumps(content), associated_data(tender.id, lot_id, provider_id, 1), public)
        body = orjson.dumps({"lot_id": lot_id, "bid_version": 1, "sealed": form.to_dict()})
        return Bid(Bidder(provider_id, planned_at), self._market.token(actor), body)

    # -- after it -----------------------------------------------------------------------------------------------------

    def log_of(self, tender: Tender) -> list[Logged]:
        """The competition's bids and its closing, once bids are being opened."""
        self._until(lambda: tender.status == "opened", OPEN_S, "the competition wasn't closed and opened in time")
        rows = self._market.sql(
            "SELECT sequence, entry FROM orders.log "
            "WHERE split_part(type, '.', 3) IN ('BidSubmitted', 'LateBidRefused', 'BiddingClosed') ORDER BY sequence"
        )
        events = [(sequence, orjson.loads(event_bytes(bytes(entry)))) for sequence, entry in rows]
        return [_logged(*found) for found in events if found[1]["data"]["competition_id"] == tender.id]

    def opened(self, tender: Tender) -> int:
        """How many of its bids are open, once none is sealed any more: the next minute shall not begin before."""
        waiting = "SELECT count(*) FROM orders.compared_bid WHERE competition_id = %s AND status = %s"

        def count(status: str) -> int:
            return int(self._market.sql(waiting, (tender.id, status))[0][0])

        self._until(lambda: count("sealed") == 0, OPEN_S, "the bids weren't opened in time")
        return count("opened")

    def _until(self, holds: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
        until = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > until:
                raise Failure(otherwise, f"read {self._log.name}")
            time.sleep(0.1)


def _logged(sequence: int, event: dict[str, Any]) -> Logged:
    data = event["data"]
    return Logged(
        event["type"].split(".")[2],
        sequence,
        from_text(event["receivedat"]),
        event["id"],
        data.get("provider_id", ""),
        data.get("count", 0),
    )


def last_minute(bench: Bench, replicas: int, seconds: float) -> dict[str, float]:
    """One competition; its figures."""
    tender, deadline = bench.announce(seconds)
    calm, rush, after = schedule(deadline, seconds)
    bids = bench.bids(tender, [*calm, *rush, *after])
    if datetime.now(UTC) > calm[0]:
        raise Failure("this machine is too slow to seal the bids before the minute begins", "try it when it's idle")
    asyncio.run(play(HOST, bench.port, f"/api/v1/competitions/{tender.id}/bids", bids))
    bidders = [bid.bidder for bid in bids]
    faults = wrong(deadline, bidders, bench.log_of(tender))
    if from_text(tender.page()["deadline"]) != deadline:
        raise Failure("the deadline moved while the bench ran", "keys came too late: try it when the machine is idle")
    accepted = sum(one.accepted for one in bidders)
    if (opened := bench.opened(tender)) != accepted:
        faults.append(f"{accepted} bids were accepted and {opened} opened")
    for fault in faults[:SHOWN]:
        say(f"surge: WRONG: {fault}")
    rushed = sorted(one.took_ms for one in bidders if one.planned_at in set(rush) and one.answered_at)
    before = sorted(one.took_ms for one in bidders if one.planned_at < rush[0] and one.answered_at)
    again = Counter(f"{answer.status} {answer.code}".strip() for one in bidders for answer in one.answers[:-1])
    under_way = sum(one.planned_at < deadline and not one.accepted for one in bidders)
    say(
        f"surge: {replicas} of orders: {len(bidders):,} bids, {len(rush)} of them in the last {RUSH_S:g} s and "
        f"{len(after)} after: {accepted:,} accepted, {len(bidders) - accepted} not ({under_way} of them had left before "
        f"the deadline and reached the gateway after it), {again.total()} asked again"
        f"{f' after {dict(again)}' if again else ''}, {len(faults)} wrong"
    )
    say(
        f"surge: {replicas} of orders: in the rush p50 {_of(rushed, 50):,.0f} ms, p99 {_of(rushed, 99):,.0f} ms; "
        f"before it p50 {_of(before, 50):,.0f} ms, p99 {_of(before, 99):,.0f} ms"
    )
    return {f"p50_ms_{replicas}": _of(rushed, 50), f"p99_ms_{replicas}": _of(rushed, 99), "wrong": float(len(faults))}


def _of(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")


def run(seconds: float = 60.0) -> dict[str, float]:
    """`seconds`: how long the last minute is."""
    if seconds <= RUSH_S:
        raise Failure(f"a last minute of {seconds:g} s has no room for {RUSH_S:g} s of rush", "give more --seconds")
    services = all_services()
    descriptor, name = tempfile.mkstemp(prefix="market-surge-", suffix=".log")
    os.close(descriptor)
    log = Path(name)  # kept where something goes wrong
    with bench_broker(services) as broker, bench_database(services) as (url, home):
        bench = Bench(url, home, broker, log)
        try:
            bench.start()
            one = last_minute(bench, 1, seconds)
            bench.add_replica()
            two = last_minute(bench, 2, seconds)
        finally:
            bench.stop()
    found = {**one, **two, "wrong": one["wrong"] + two["wrong"]}
    if not found["wrong"]:
        log.unlink()
    return found

"""append, with a real command: `SubmitBid` through its own handler, 8 writer processes, counted when sealed.

Everything that a bid means is in it: token and stamp checked, input validated, competition locked, facts read, state and
read tables written, receipt signed, reply kept. Three ways, turn about, in the same run: sealed by a sealer's process,
with the log's order given under a lock held through COMMIT, and with no sealer at all. Beside the first two the
service's worker runs, which also publishes.

Ratios: `command_vs_lock` = sealed / locked, `vs_unsealed` = sealed / not sealed.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.append import WRITERS, LockingStore, measured
from bench.database import bench_database
from bench.run import say
from kernel.bus.call import Caller
from kernel.host import Host
from kernel.identity import SigningKey, TokenIssuer
from kernel.ids import new_id
from kernel.settings import Settings
from kernel.store import body_hash
from services.orders.service import service as orders
from tests.component.orders.tender import Tender, everybody
from tests.support import Market, person

COMPETITIONS, LOTS, BIDDERS = 8, 10, 20
WAYS = ("sealed", "locked", "unsealed")


def prepare(url: str, home: Path, competitions: int = COMPETITIONS) -> list[list[dict[str, Any]]]:
    """Open competitions and sealed bids for every writer: commands' data, each with its bidder's token."""
    market = Market(everybody(home / "readers"), url, home, None, made=True)
    work: list[list[dict[str, Any]]] = [[] for _ in range(WRITERS)]
    issuer = TokenIssuer(SigningKey.at(home / "keys" / "access.key"))
    bidders = [person("provider", organisation=new_id()) for _ in range(BIDDERS)]
    for bidder in bidders:
        market.sql(
            "INSERT INTO orders.provider (provider_id, status, short_name, kind, territory, forms, service_kinds) "
            "VALUES (%s, 'active', 'Bench', 'npo', 'kem', '[\"home\"]', '[\"domestic\"]')",
            (bidder.organisation,),
        )
    tokens = {bidder.id: issuer.issue(bidder) for bidder in bidders}
    for _ in range(competitions):
        tender = Tender(market, *([100] * LOTS)).open()
        for lot in range(LOTS):
            for number, bidder in enumerate(bidders):
                data = tender.sealed(bidder, 30_000, 50, lot)
                work[(lot * BIDDERS + number) % WRITERS].append({"data": data, "token": tokens[bidder.id]})
    market.work()
    market.close()
    return work


def submit(url: str, home: str, way: str, file: str, ready: Any, go: Any, done: Any) -> None:
    """One writer process: its bids through the service's host."""
    settings = Settings(home=Path(home))
    host = Host(orders(), url, settings)
    if way == "locked":
        host.store = LockingStore(host.service, host.clock, host.rules, settings.keys)
    caller = Caller(SigningKey.at(settings.keys / "gateway.key"), 60.0)
    bids = pickle.loads(Path(file).read_bytes())
    ready.release()
    go.wait()
    for bid in bids:
        call = caller.call("orders.submit_bid", body_hash(bid["data"]), token=bid["token"])
        answer = host.command("submit_bid", bid["data"], call)
        assert "refused" not in answer, answer
    done.put(len(bids))


def throughput(way: str) -> float:
    """Bids per second until the last is sealed (committed, without a sealer)."""
    with TemporaryDirectory() as readers, bench_database(everybody(Path(readers))) as (url, home):
        work = []
        for number, bids in enumerate(prepare(url, home)):
            file = home / f"bids-{number}"
            file.write_bytes(pickle.dumps(bids))
            work.append((submit, (url, str(home), way, str(file))))
        return measured(work, None if way == "unsealed" else (url, str(home), orders))


def run() -> dict[str, float]:
    rates = dict.fromkeys(WAYS, 0.0)
    for _ in range(2):
        for way in WAYS:
            rates[way] = max(rates[way], throughput(way))
    say("append: SubmitBid/s " + ", ".join(f"{way} {rate:,.0f}" for way, rate in rates.items()))
    return {
        "command_vs_lock": rates["sealed"] / rates["locked"],
        "vs_unsealed": rates["sealed"] / rates["unsealed"],
    }

"""A competition on real services: drafted, sealed for real custodians' keys, opened by them; in a few words.

The audit service is there because custodians release nothing without its checkpoints.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from app.replay.fold import Fold
from app.replay.live import Live
from kernel import canonical
from kernel.bus.call import Call
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.sealing import from_base64, seal
from kernel.service import Service
from services.audit.service import service as audit
from services.orders.domain.competition.opening import associated_data
from tests.component.orders.country import Body, neighbours
from tests.support import Market, person

CRITERIA = [
    {"key": "price", "title": "Цена", "formula": "lowest_price", "weight": 40, "counts": "kopecks"},
    {"key": "quality", "title": "Качество", "formula": "expert_mean", "weight": 60, "counts": "points"},
]


def everybody(home: Path) -> list[Service]:
    """Orders, everybody whom it hears, and the audit service over all of their logs."""
    services = neighbours()
    readers = {service.event_type(event): event.readers for service in services for _, event in service.events.values()}
    home.mkdir(parents=True, exist_ok=True)
    (home / "readers.json").write_bytes(orjson.dumps(readers))
    return [*services, audit(tuple(sorted(service.name for service in services)), home)]


def providers(market: Market, count: int) -> list[Actor]:
    """Active providers, put into the register's copy by hand: including hundreds is not what these tests are about."""
    staff = [person("provider", organisation=new_id()) for _ in range(count)]
    market.sql(
        "INSERT INTO orders.provider (provider_id, status, number, short_name, forms, service_kinds) "
        "SELECT p, 'active', '1', 'АНО', '[\"home\"]', '[\"domestic\"]' FROM unnest(%s::uuid[]) p",
        ([actor.organisation for actor in staff],),
    )
    return staff


def until(market: Market, holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Let the workers take turns until `holds()`; custodians look for work a few times a second."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"it didn't come true: {market.installation.unsettled()}"
        market.work()
        time.sleep(0.02)


def differences(market: Market) -> list[str]:
    """In what orders' live states and tables differ from a replay of the logs that they come from."""
    services = neighbours()
    sources = ("registry", "custodian_1", "custodian_2", "custodian_3", "billing", "providers", "orders")
    live = Live(market.url, services)
    try:
        fold = Fold(services, live.standing.limits, frozenset(live.standing.parked))
        for source in sources:
            for sequence, entry in live.entries_after(source, 0):
                fold.feed(source, sequence, entry)
            for event in live.standing.unsealed[source]:
                fold.feed_unsealed(source, event)
        assert fold.differences == []
        return [str(found) for found in live.compare(fold)]
    finally:
        live.close()


class Tender:
    """One competition of a body, on an approved order with the given lots."""

    def __init__(self, market: Market, *volumes: int, evaluators: int = 3) -> None:
        self.market = market
        self.body = Body(market)
        self.order = self.body.ordered(*volumes)
        self.lots = [lot["lot_id"] for lot in self.order["lots"]]
        self.evaluators = [person("evaluator") for _ in range(evaluators)]
        self.id = new_id()

    def do(self, command: str, by: Actor, **data: Any) -> dict[str, Any]:
        return self.market.do(f"orders.{command}", {"id": self.id, **data}, by)

    def refused(self, command: str, by: Actor | None, **data: Any) -> str:
        return self.market.refused(f"orders.{command}", {"id": self.id, **data}, by)

    @property
    def officer(self) -> Actor:
        return self.body.officer

    def page(self, by: Actor | None = None) -> dict[str, Any]:
        return self.market.ask("orders.competition", {"id": self.id}, by)

    def listed(self, query: str, by: Actor | None = None, **params: Any) -> list[dict[str, Any]]:
        """All items of a list of this competition, part after part."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            part = self.market.ask(f"orders.{query}", {"id": self.id, **params, "cursor": cursor}, by)
            found += part["items"]
            cursor = part["next"]
            if cursor is None:
                return found

    def bids(self, by: Actor | None = None) -> list[dict[str, Any]]:
        return self.listed("competition_bids", by)

    def complaints(self) -> list[str]:
        """The states of the complaints about it, the newest first."""
        found = self.market.ask("orders.complaints", {"competition_id": self.id})["items"]
        return [each["status"] for each in found]

    @property
    def status(self) -> str:
        [(status,)] = self.market.sql("SELECT status FROM orders.competitions WHERE competition_id = %s", (self.id,))
        return str(status)

    def drafted(self, **changes: Any) -> Tender:
        data = {
            "order_id": self.order["id"],
            "lot_ids": self.lots,
            "title": "Доставка продуктов на дом",
            "requirements": [{"code": "no_debts", "text": "Нет задолженности"}],
            "criteria": CRITERIA,
            "evaluators": [member.id for member in self.evaluators],
        }
        self.do("draft_competition", self.officer, **{**data, **changes})
        return self

    def open(self, deadline: str | None = None) -> Tender:
        self.drafted()
        self.do("publish_competition", self.officer, **({"deadline": deadline} if deadline else {}))
        until(self.market, lambda: self.status == "open")
        return self

    # -- bids ---------------------------------------------------------------------------------------------------------

    def sealed(self, by: Actor, price: int, volume: int, lot: int = 0, version: int = 1) -> dict[str, Any]:
        """What a command to submit a bid holds, sealed for the keys that this competition's page gives."""
        lot_id, provider_id = self.lots[lot], by.organisation or ""
        keys = self.market.ask("orders.custodian_keys", {"id": self.id})["keys"]
        content = {"price_kopecks": price, "volume": volume, "values": {}, "text": f"Опыт {price}", "people": []}
        form = seal(
            canonical.dumps(content),
            associated_data(self.id, lot_id, provider_id, version),
            [from_base64(key) for _, key in sorted(keys.items())],
        )
        return {
            "competition_id": self.id,
            "lot_id": lot_id,
            "provider_id": provider_id,
            "bid_version": version,
            "sealed": form.to_dict(),
            "sealed_by": "bidder",
        }

    def bid(self, by: Actor, price: int, volume: int, lot: int = 0) -> str:
        answer = self.market.do("orders.submit_bid", self.sealed(by, price, volume, lot), by)
        return str(answer["reply"]["bid_id"])

    def call(self, data: dict[str, Any], by: Actor) -> Call:
        """A call to submit a bid, stamped by the gateway now."""
        return self.market.call("orders.submit_bid", data, by)

    # -- commission ---------------------------------------------------------------------------------------------------

    def check(self, bid_id: str, met: bool = True) -> dict[str, Any]:
        line = {"requirement": "no_debts", "met": met, "reason": "справка налоговой"}
        return self.do("check_bid", self.officer, bid_id=bid_id, checks=[line])

    def score(self, points: dict[str, int]) -> None:
        """Every member declares no conflict and gives each bid its points."""
        lines = [
            {"bid_id": bid_id, "criterion": "quality", "score": score, "comment": "обосновано"}
            for bid_id, score in points.items()
        ]
        for member in self.evaluators:
            self.do("declare_conflicts", member, text="Конфликта нет")
            self.do("submit_scores", member, scores=lines)

"""A body, its officers and its providers in a market of real services: from an order to an agreement in a few words.

Awards alone are put into their table by hand: a competition with sealed bids takes weeks of the sandbox's calendar and
has its own tests; what an agreement does with an award is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from app.replay.fold import Fold
from app.replay.live import Live
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.service import Service
from services.billing.service import service as billing
from services.custodian.service import service as custodian
from services.orders.service import service as orders
from services.providers.service import service as providers
from services.registry.service import service as registry
from tests.support import Market, person

BEGAN = datetime(2027, 1, 15, 9, tzinfo=UTC)
REGISTRAR, CHECKER = person("registrar"), person("registrar")
TREASURER, SECOND_TREASURER = person("treasurer"), person("treasurer")
COST = 41_200  # of DOM-01 in region/catalogue.toml
SERIAL = iter(range(1, 10_000))


def neighbours() -> list[Service]:
    """Orders and everybody whom it hears."""
    return [registry(), orders(), providers(), billing(), custodian(1), custodian(2), custodian(3)]


def inn() -> str:
    """A right INN of an office that doesn't exist."""
    body = f"0000{next(SERIAL):05d}"
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    return body + str(sum(w * int(n) for w, n in zip(weights, body, strict=True)) % 11 % 10)


class Body:
    """A body with its limit, and short words for what its officers do."""

    def __init__(self, market: Market, limit_kopecks: int = 0) -> None:
        self.market = market
        self.id = new_id()
        self.officer = person("officer", organisation=self.id)
        self.second = person("officer", organisation=self.id)
        if limit_kopecks:
            self.limit(limit_kopecks)

    # -- money --------------------------------------------------------------------------------------------------------

    def limit(self, kopecks: int) -> None:
        data = {"body_id": self.id, "year": 2027, "amount_kopecks": kopecks, "reason": "the budget law"}
        self.market.do("billing.set_limit", data, TREASURER)

    def money(self) -> dict[str, int]:
        [line] = self.market.ask("billing.budget_lines", {"body_id": self.id})["items"]
        return {
            name.removesuffix("_kopecks"): value
            for name, value in line.items()
            if name.endswith("_kopecks") and name != "limit_kopecks" and value
        }

    # -- orders -------------------------------------------------------------------------------------------------------

    def figures(self, *volumes: int, **changes: Any) -> dict[str, Any]:
        lots = [{"lot_id": new_id(), "title": "A part", "volume": v, "limit_price_kopecks": COST} for v in volumes]
        total = sum(volumes)
        return {
            "volume": total + 30,
            "by_assignment": 20,
            "by_competition": total,
            "by_certificate": 10,
            "lots": lots,
            **changes,
        }

    def form(self, *volumes: int, **changes: Any) -> dict[str, Any]:
        """What a command to form an order holds."""
        order = {"body_name": "The department", "year": 2027, "territory": "belomorsk", "service_code": "DOM-01"}
        return {"id": new_id(), **order, **self.figures(*volumes), **changes}

    def ordered(self, *volumes: int) -> dict[str, Any]:
        """An approved order, as its command had it."""
        data = self.form(*volumes)
        self.market.do("orders.form_social_order", data, self.officer)
        self.market.do("orders.approve_social_order", {"id": data["id"]}, self.second)
        return data

    def lots(self, order_id: str) -> list[dict[str, Any]]:
        return list(self.market.ask("orders.social_order", {"id": order_id})["lots"])

    # -- agreements ---------------------------------------------------------------------------------------------------

    def award(self, lot_id: str, provider_id: str, volume: int, price: int = 100) -> str:
        award_id = new_id()
        self.market.sql(
            "INSERT INTO orders.award (award_id, competition_id, lot_id, provider_id, bid_id, volume, "
            "unit_price_kopecks, awarded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, '')",
            (award_id, new_id(), lot_id, provider_id, new_id(), volume, price),
        )
        return award_id

    def draft(self, award_id: str, places: int = 0) -> dict[str, Any]:
        """What a command to draft an agreement holds."""
        term = {"starts": "2027-01-01", "ends": "2027-12-31"}
        return {"id": new_id(), "award_id": award_id, "places": places, **term}

    def drafted(self, provider_id: str, volume: int = 10, price: int = 100, places: int = 0) -> str:
        order = self.ordered(volume)
        data = self.draft(self.award(order["lots"][0]["lot_id"], provider_id, volume, price), places)
        self.market.do("orders.draft_agreement", data, self.officer)
        return str(data["id"])

    def ask_money(self, agreement_id: str) -> None:
        self.market.do("orders.request_reservation", {"id": agreement_id}, self.officer)

    def signed(self, agreement_id: str, provider: Actor) -> None:
        self.market.do("orders.sign_agreement", {"id": agreement_id}, provider)
        self.market.do("orders.countersign_agreement", {"id": agreement_id}, self.second)

    def agreement(self, agreement_id: str) -> dict[str, Any]:
        return self.market.ask("orders.agreement", {"id": agreement_id})


def provider(market: Market, places: int = 100) -> Actor:
    """Staff of a provider that the register includes, with a workspace of `places` at home."""
    provider_id = new_id()
    card = {
        "full_name": "Автономная организация «Берег»",
        "short_name": "АНО «Берег»",
        "legal_form": "автономная некоммерческая организация",
        "kind": "npo",
        "inn": inn(),
        "ogrn": "1260000029431",
        "territory": "kem",
        "forms": ["home"],
        "service_kinds": ["domestic"],
    }
    checks = [{"requirement": "заявление полно", "met": True}]
    market.do("registry.apply_to_register", {"id": provider_id, **card}, REGISTRAR)
    market.do("registry.check_application", {"id": provider_id, "checks": checks}, CHECKER)
    market.do("registry.include_provider", {"id": provider_id}, CHECKER)
    market.work()
    staff = person("provider", organisation=provider_id)
    market.do("providers.set_places", {"id": provider_id, "form": "home", "maximum": places, "funded": places}, staff)
    return staff


def free_places(market: Market, provider_id: str) -> int:
    [(reserved,)] = market.sql(
        "SELECT coalesce(sum(places), 0)::int FROM providers.reservation WHERE provider_id = %s AND status = 'held'",
        (provider_id,),
    )
    return 100 - int(reserved)


def at_once(*calls: Callable[[], dict[str, Any]]) -> list[str]:
    """The outcomes of calls sent at one time: "done" or a refusal's code."""
    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(lambda call: call(), calls))
    return sorted(answer["refused"]["code"] if "refused" in answer else "done" for answer in answers)


def differences(market: Market) -> list[str]:
    """In what the live states and tables differ from a replay of the log (awards that were put in by hand apart)."""
    services = neighbours()
    live = Live(market.url, services)
    try:
        fold = Fold(services, live.standing.limits, frozenset(live.standing.parked))
        for source in ("registry", "orders", "providers", "billing"):
            for sequence, entry in live.entries_after(source, 0):
                fold.feed(source, sequence, entry)
            for event in live.standing.unsealed[source]:
                fold.feed_unsealed(source, event)
        assert fold.differences == []
        return [str(found) for found in live.compare(fold) if "orders.award" not in str(found)]
    finally:
        live.close()

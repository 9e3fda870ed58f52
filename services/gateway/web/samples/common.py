"""What several samples share: the installation, the request, the trust card, names, an activity trail."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.gateway.web.contexts.common import Checkpoint, Option, Page, ProviderRef, Site, TrailItem, Trust
from services.gateway.web.contexts.orders import Unit


def both(ru: str, en: str) -> dict[str, str]:
    """Return a text in both languages."""
    return {"ru": ru, "en": en}


NOW = datetime(2026, 12, 1, 10, 55, tzinfo=UTC)
_ROOT = "b1946ac92492d2347c6235b4d2611184f0c1e53a7d6a9c3b1c55d0c1f1f0a6e2"
TERRITORIES: list[Any] = [
    both("Кандалакшский округ", "Kandalaksha district"),
    both("Поморский район", "Pomor district"),
    both("город Беломорск", "town of Belomorsk"),
]
BUYER = both("Министерство социальной политики", "Ministry of Social Policy")
SERVICE = both("Социальное обслуживание на дому", "Social services at home")
UNIT: Unit = {"code": "recipient", "name": both("получатель", "recipient")}


def site(**changes: Any) -> Site:
    """Return a sandbox installation; `changes` replace keys."""
    base: Site = {
        "name": both("Соцзаказ", "Social Market"),
        "region": both("Беломорский край", "Belomorye Region"),
        "zone": "Europe/Moscow",
        "sandbox": True,
        "single_machine": True,
        "version": "0.1.0",
        "open_data": "/docs",
        "log_key": "belomorye.example+8f2c91aa+AZ3h1t8xq0Vn7mQ2sKf4bT9yLw6cRj5uXePdGiHoNvB1",
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def page(path: str, **changes: Any) -> Page:
    """Return a request of a page without preferences."""
    base: Page = {
        "path": path,
        "query": {},
        "view": "normal",
        "now": NOW,
        "request_id": "01937c5e-8a40-7d3c-9b1e-5f6a7b8c9d0e",
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def checkpoint() -> Checkpoint:
    return {"size": 18432, "root_hash": _ROOT, "time": NOW - timedelta(minutes=3)}


def trust(events: int = 128) -> Trust:
    return {
        "events": events,
        "checkpoint": checkpoint(),
        "verification": {"time": NOW - timedelta(minutes=50), "same": True},
        "command": "./market audit bundle b.zip && ./market audit verify b.zip && "
        "./market audit replay b.zip --against-live",
    }


EMPTY_TRUST: Trust = {
    "events": 0,
    "checkpoint": None,
    "verification": None,
    "command": "./market audit bundle b.zip && ./market audit verify b.zip",
}


def provider_ref(number: int) -> ProviderRef:
    names = [
        (both("АНО «Северный дом»", "Northern Home"), "npo"),
        (both("БФ «Забота рядом»", "Care Nearby Foundation"), "npo"),
        (
            both(
                "ГБУ «Комплексный центр социального обслуживания населения Поморского района»",
                "Pomor District Centre of Social Services",
            ),
            "budget_institution",
        ),
        (both("ИП Иванова М. А.", "M. A. Ivanova, entrepreneur"), "individual"),
    ]
    name, kind = names[number % len(names)]
    return {"id": f"provider-{number}", "name": name, "kind": kind}


def trail(count: int = 4) -> list[TrailItem]:
    names = ["CompetitionAwarded", "BidsOpened", "BiddingClosed", "CompetitionPublished"]
    return [
        {
            "time": NOW - timedelta(hours=7 * i),
            "type": f"market.orders.{names[i % 4]}.v1",
            "actor": both("Система, по правилу", "The system, by rule")
            if i % 4
            else both("Заказчик", "Procurement officer"),
            "ground": "189-FZ art. 13" if i % 4 == 3 else None,
            "entry": {"source": "orders", "sequence": 4128 - 31 * i},
        }
        for i in range(count)
    ]


TERRITORY_OPTIONS: list[Option] = [{"value": f"t{i}", "name": name} for i, name in enumerate(TERRITORIES)]

"""The first page: figures and what closes soon. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.gateway.web.contexts.common import Trust
from services.gateway.web.contexts.landing import LandingPage
from services.gateway.web.pages.frame import Region
from services.gateway.web.pages.orders import order_row

Reply = Mapping[str, Any]

CLOSING_SOON = 5
#: Kinds of accounts (billing's chart) that hold money which agreements have bound.
AGREED = frozenset({"obliged", "accrued", "transit", "paid"})


def soonest(orders: Sequence[Reply]) -> list[Reply]:
    """Orders that take bids, those first whose bidding ends first."""
    return sorted(orders, key=lambda one: str(one["competition"]["deadline"]))[:CLOSING_SOON]


def landing_page(open_orders: Reply, register: Reply, balance: Reply, region: Region, trust: Trust) -> LandingPage:
    """From `orders.social_orders` (open ones, counted), `registry.figures`, `billing.trial_balance`, the log's card."""
    return {
        "figures": {
            "open_orders": open_orders["total"],
            "providers": sum(one["providers"] for one in register["items"] if one["status"] == "active"),
            "agreed_kopecks": sum(one["balance_kopecks"] for one in balance["kinds"] if one["kind"] in AGREED),
            "entries": trust["events"],
        },
        "closing_soon": [order_row(one, region) for one in soonest(open_orders["items"])],
        "trust": trust,
    }

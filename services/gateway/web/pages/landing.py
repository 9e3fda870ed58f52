"""The first page: figures and what closes soon. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.gateway.web.contexts import LandingPage, OrderRow, Trust

Reply = Mapping[str, Any]

CLOSING_SOON = 5
#: Kinds of accounts (billing's chart) that hold money which agreements have bound.
AGREED = frozenset({"obliged", "accrued", "transit", "paid"})


def soonest(competitions: Sequence[Reply]) -> list[Reply]:
    """Open competitions whose bidding ends first."""
    return sorted(competitions, key=lambda one: str(one["deadline"]))[:CLOSING_SOON]


def landing_page(
    open_competitions: int, register: Reply, balance: Reply, rows: Sequence[OrderRow], trust: Trust
) -> LandingPage:
    """From `orders.competitions`, `registry.figures`, `billing.trial_balance` and the log's card."""
    return {
        "figures": {
            "open_orders": open_competitions,
            "providers": sum(one["providers"] for one in register["items"] if one["status"] == "active"),
            "agreed_kopecks": sum(one["balance_kopecks"] for one in balance["kinds"] if one["kind"] in AGREED),
            "entries": trust["events"],
        },
        "closing_soon": list(rows),
        "trust": trust,
    }

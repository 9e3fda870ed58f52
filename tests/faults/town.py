"""The real market around a competition, whose deadline is the instant that it is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kernel.calendar import Deadline, Direction, WorkingCalendar
from kernel.service import Service
from services.orders.rules import load_rules
from tests.component.orders.tender import everybody


class NoTerms(WorkingCalendar):
    """Every term ends at the instant from which it is counted."""

    def _count(self, origin: datetime, days: int, zone: ZoneInfo | str, direction: Direction) -> Deadline:
        return replace(super()._count(origin, days, zone, direction), at=origin)


def town(home: Path) -> list[Service]:
    """Orders, everybody whom it hears, and the audit service."""
    return [
        _without_terms(service) if service.name == "orders" else service for service in everybody(home / "contracts")
    ]


def _without_terms(orders: Service) -> Service:
    def rules(region: Path) -> Any:
        loaded = load_rules(region)
        return replace(loaded, calendar=NoTerms(loaded.calendar._years.values()))

    return replace(orders, load_rules=rules)

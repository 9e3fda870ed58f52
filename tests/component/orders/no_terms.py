"""Rules of orders by which no term takes time, so that a deadline may be seconds away instead of three weeks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from kernel.calendar import Deadline, Direction, WorkingCalendar
from services.orders.rules import Rules


class NoTerms(WorkingCalendar):
    """Every term ends at the instant from which it is counted."""

    def _count(self, origin: datetime, days: int, zone: ZoneInfo | str, direction: Direction) -> Deadline:
        counted = super()._count(origin, days, zone, direction)
        return replace(counted, at=origin)


def without_terms(rules: Rules) -> Rules:
    """The same rules with such a calendar."""
    return replace(rules, calendar=NoTerms(rules.calendar._years.values()))

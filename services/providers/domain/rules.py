"""What the region decides for this service, and how its zone turns instants into days and months."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Rules:
    """`zone`: whose days and months count. `loan_years`: the longest loan. `ad_surface_days_per_year`: how many
    surface-days of advertising space one owner may lend in a calendar year; None: the region has no quota."""

    zone: ZoneInfo
    loan_years: int
    ad_surface_days_per_year: int | None = None


def month_of(instant: datetime, zone: ZoneInfo) -> str:
    """The month ("2027-03") in which `instant` lies for people in `zone`."""
    return instant.astimezone(zone).strftime("%Y-%m")


def years_later(instant: datetime, years: int, zone: ZoneInfo) -> datetime:
    """The same local date and time `years` later; 29 February becomes 28 February where there is none."""
    local = instant.astimezone(zone)
    year = local.year + years
    day = min(local.day, calendar.monthrange(year, local.month)[1])
    return local.replace(year=year, day=day)


def days_by_year(starts: datetime, ends: datetime, zone: ZoneInfo) -> dict[int, int]:
    """How many local days of each calendar year the period [starts, ends) touches; empty for an empty period."""
    if ends <= starts:
        return {}
    first = starts.astimezone(zone).date()
    last = (ends - _INSTANT).astimezone(zone).date()
    days = {}
    for year in range(first.year, last.year + 1):
        begin = max(first, first.replace(year=year, month=1, day=1))
        end = min(last, last.replace(year=year, month=12, day=31))
        days[year] = (end - begin).days + 1
    return days

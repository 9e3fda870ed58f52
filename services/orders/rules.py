"""The region's configuration as orders uses it: days, limits, formulas, custodians and the working calendar.

Loaded once at start, strictly: a number that is missing stops the service instead of being guessed later. `version`
names exactly these files (SHA-256), and every event that rests on them carries it. `days` and `limits` are the tables
of `region.toml` by their own names: `rules.days["standstill_working_days"]`.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kernel.calendar import WorkingCalendar

DAYS = (
    "minimum_acceptance_working_days",
    "question_limit_working_days",
    "answer_working_days",
    "formal_correction_hours",
    "standstill_working_days",
    "reservation_timeout_hours",
    "agreement_signing_working_days",
)
LIMITS = (
    "spread_alarm_points",
    "quorum_evaluators",
    "abnormally_low_below_mean_percent",
    "abnormally_low_below_next_percent",
    "lots_per_order",
    "criteria_per_lot",
)


class BadRegion(ValueError):
    """`region.toml` lacks something that orders needs, or holds it in a wrong form."""


@dataclass(frozen=True)
class Rules:
    """What `context.rules` is in this service."""

    region: str
    version: str
    zone: str
    days: Mapping[str, int]
    limits: Mapping[str, int]
    formulas: tuple[str, ...]
    custodians: tuple[str, ...]
    calendar: WorkingCalendar


def load_rules(folder: Path) -> Rules:
    """The rules of the region in `folder` (`region.toml`, `calendars/`). Raises BadRegion, or CalendarError."""
    text = (folder / "region.toml").read_bytes()
    calendar = WorkingCalendar.load(folder / "calendars")
    return rules_of(text, calendar)


def rules_of(text: bytes, calendar: WorkingCalendar) -> Rules:
    """The rules of a `region.toml`'s bytes: what a bundle carries, so that a replay has the same ones."""
    try:
        region = tomllib.loads(text.decode())
    except ValueError as wrong:
        raise BadRegion(f"region.toml can't be read: {wrong}") from wrong
    numbers = sorted(custodian["number"] for custodian in region.get("custodian", []))
    if numbers != [1, 2, 3]:
        raise BadRegion(f"region.toml names custodians {numbers}; two of three need 1, 2 and 3")
    return Rules(
        region=region["code"],
        version=hashlib.sha256(text).hexdigest(),
        zone=region["zone"],
        days=_whole_numbers(region, "days", DAYS),
        limits=_whole_numbers(region, "limits", LIMITS),
        formulas=tuple(region["formulas"]["allowed"]),
        custodians=tuple(f"custodian_{number}" for number in numbers),
        calendar=calendar,
    )


def _whole_numbers(region: Mapping[str, Any], table: str, needed: tuple[str, ...]) -> Mapping[str, int]:
    given = region.get(table, {})
    for name in needed:
        value = given.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadRegion(f"region.toml: [{table}] {name} must be a whole number from 0, it is {value!r}")
    return MappingProxyType({name: value for name, value in given.items() if isinstance(value, int)})

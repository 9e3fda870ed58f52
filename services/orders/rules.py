"""The region's configuration as orders uses it: days, limits, formulas, custodians, catalogue, working calendar.

Loaded once at start, strictly: a number that is missing stops the service instead of being guessed later. `version`
names exactly these contents (SHA-256 over the SHA-256 of region.toml and of catalogue.toml), and every event that
rests on them carries it; the calendar has versions of its own. `days` and `limits` are the tables
of `region.toml` by their own names: `rules.days["standstill_working_days"]`.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kernel.calendar import WorkingCalendar
from kernel.ids import derived_id
from kernel.money import PositiveKopecks

DAYS = (
    "minimum_acceptance_working_days",
    "question_limit_working_days",
    "answer_working_days",
    "amendment_extension_working_days",
    "bid_confirmation_working_days",
    "formal_correction_hours",
    "low_price_justification_working_days",
    "standstill_working_days",
    "complaint_acceptance_working_days",
    "complaint_decision_working_days",
    "reservation_timeout_hours",
    "agreement_signing_working_days",
    "offline_redemption_working_days",
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


class _Names(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    ru: str
    en: str


class CatalogueVersion(BaseModel):
    """A service of the region's catalogue as it is from `valid_from` on; `cost_kopecks` is normative, per unit."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    code: str
    names: _Names = Field(alias="name")
    kind: str
    form: str
    unit: str
    cost_kopecks: PositiveKopecks
    units_per_place: int = Field(gt=0)
    valid_from: date
    standard_version: str

    @property
    def name(self) -> str:
        """The name for papers, which are in Russian."""
        return self.names.ru


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
    complaint_body: str
    calendar: WorkingCalendar
    catalogue: Mapping[str, Sequence[CatalogueVersion]]
    difference_allowed: bool

    @property
    def reservation_timeout_hours(self) -> int:
        """How long an agreement waits for its money and places."""
        return self.days["reservation_timeout_hours"]


def load_rules(folder: Path) -> Rules:
    """The rules of the region in `folder` (region.toml, catalogue.toml, calendars/). BadRegion, or CalendarError."""
    calendar = WorkingCalendar.load(folder / "calendars")
    return rules_of((folder / "region.toml").read_bytes(), (folder / "catalogue.toml").read_bytes(), calendar)


def rules_of(region_text: bytes, catalogue_text: bytes, calendar: WorkingCalendar) -> Rules:
    """The rules of the files' bytes: what a bundle carries, so that a replay has the same ones."""
    region, catalogue = _toml(region_text, "region.toml"), _toml(catalogue_text, "catalogue.toml")
    numbers = sorted(custodian["number"] for custodian in region.get("custodian", []))
    if numbers != [1, 2, 3]:
        raise BadRegion(f"region.toml names custodians {numbers}; two of three need 1, 2 and 3")
    days = _whole_numbers(region, "days", DAYS)
    if days["bid_confirmation_working_days"] > days["amendment_extension_working_days"]:
        raise BadRegion(
            "region.toml: [days] bid_confirmation_working_days is more than an amendment leaves for bidding"
        )
    return Rules(
        region=region["code"],
        version=hashlib.sha256(
            hashlib.sha256(region_text).digest() + hashlib.sha256(catalogue_text).digest()
        ).hexdigest(),
        zone=region["zone"],
        days=days,
        limits=_whole_numbers(region, "limits", LIMITS),
        formulas=tuple(region["formulas"]["allowed"]),
        complaint_body=_complaint_body(region),
        custodians=tuple(f"custodian_{number}" for number in numbers),
        calendar=calendar,
        catalogue=_catalogue(catalogue),
        difference_allowed=_difference_allowed(region),
    )


def _complaint_body(region: Mapping[str, Any]) -> str:
    """The organisation id of the body that decides complaints (bodies' ids follow from their codes)."""
    code = region.get("complaints", {}).get("body")
    if code not in {body["code"] for body in region.get("body", [])}:
        raise BadRegion(f"region.toml: [complaints] body must be the code of a [[body]], it is {code!r}")
    return derived_id("body", code)


def _difference_allowed(region: Mapping[str, Any]) -> bool:
    """Whether a certificate's holder may choose a provider above the limit price and pay the difference."""
    allowed = region.get("certificates", {}).get("difference_allowed")
    if not isinstance(allowed, bool):
        raise BadRegion(f"region.toml: [certificates] difference_allowed must be true or false, it is {allowed!r}")
    return allowed


def _toml(text: bytes, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.decode())
    except ValueError as wrong:
        raise BadRegion(f"{name} can't be read: {wrong}") from wrong


def _whole_numbers(region: Mapping[str, Any], table: str, needed: tuple[str, ...]) -> Mapping[str, int]:
    given = region.get(table, {})
    for name in needed:
        value = given.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadRegion(f"region.toml: [{table}] {name} must be a whole number from 0, it is {value!r}")
    return MappingProxyType({name: value for name, value in given.items() if isinstance(value, int)})


def _catalogue(catalogue: Mapping[str, Any]) -> Mapping[str, Sequence[CatalogueVersion]]:
    """All versions of every service by its code, the oldest first."""
    try:
        versions = TypeAdapter(list[CatalogueVersion]).validate_python(catalogue.get("service", []))
    except ValidationError as wrong:
        raise BadRegion(f"catalogue.toml: {wrong}") from wrong
    found: dict[str, list[CatalogueVersion]] = {}
    for version in sorted(versions, key=lambda version: version.valid_from):
        found.setdefault(version.code, []).append(version)
    return MappingProxyType(found)

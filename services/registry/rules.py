"""The part of the region's configuration that the register needs, read strictly: what is missing stops the service.

`version` names exactly the contents of region.toml, territories.toml, grounds.toml and catalogue.toml, and every decision
carries it; the calendar has versions of its own. Of catalogue.toml only units and categories of recipients are taken: the
services themselves are facts of this service's own log.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kernel.calendar import WorkingCalendar
from services.registry.domain.names import normalised
from services.registry.domain.terms import DAYS, Ground, GroundCode, Verdict

FILES = ("region.toml", "territories.toml", "grounds.toml", "catalogue.toml")


class BadRegion(ValueError):
    """A file of the region lacks something that the register needs, or holds it in a wrong form."""


@dataclass(frozen=True)
class Rules:
    """What `context.rules` is in this service. `by_name`: {normalised name of a municipality: its code}."""

    zone: str
    codes: frozenset[str]
    by_name: Mapping[str, str]
    version: str
    days: Mapping[str, int]
    grounds: Mapping[str, Ground]
    calendar: WorkingCalendar
    units: frozenset[str]
    categories: frozenset[str]
    proposal_opinions: int
    licence_warning_days: int
    consortium_partners: tuple[int, int]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Words(_Strict):
    """A text in both languages."""

    ru: str = Field(min_length=1, max_length=300)
    en: str = Field(min_length=1, max_length=300)


class _GroundLine(_Strict):
    code: GroundCode
    verdicts: tuple[Verdict, ...] = Field(alias="for", min_length=1)
    law: str = Field(min_length=3, max_length=200)
    name: Words
    after: Literal["", "correction", "remedy"] = ""

    def ground(self) -> Ground:
        return Ground(self.code, frozenset(self.verdicts), self.law, self.name.model_dump(), self.after)


def load_rules(folder: Path) -> Rules:
    """The rules of the region in `folder`. Raises BadRegion, CalendarError, FileNotFoundError."""
    texts = {name: (folder / name).read_bytes() for name in FILES}
    region, territories, grounds, catalogue = (_toml(name, text) for name, text in texts.items())
    municipalities = territories.get("municipality", [])
    try:
        ZoneInfo(region["zone"])
        codes = [municipality["code"] for municipality in municipalities]
        by_name = {normalised(name): m["code"] for m in municipalities for name in m["name"].values()}
    except (KeyError, ValueError, AttributeError) as wrong:
        raise BadRegion(f"the region in {folder}: {wrong!r}") from wrong
    if not codes or len(set(codes)) != len(codes):
        raise BadRegion(f"{folder}/territories.toml must name each municipality once: {codes}")
    return Rules(
        zone=region["zone"],
        codes=frozenset(codes),
        by_name=MappingProxyType(by_name | {code: code for code in codes}),
        version=hashlib.sha256(b"".join(hashlib.sha256(text).digest() for text in texts.values())).hexdigest(),
        days=_days(region),
        grounds=_grounds(grounds),
        calendar=WorkingCalendar.load(folder / "calendars"),
        units=_codes(catalogue, "unit"),
        categories=_codes(catalogue, "category"),
        proposal_opinions=_whole(region.get("limits", {}), "limits", "proposal_opinions"),
        licence_warning_days=_whole(region.get("days", {}), "days", "licence_warning_days"),
        consortium_partners=_partners(region.get("limits", {}).get("consortium_partners", {})),
    )


def _days(region: Mapping[str, Any]) -> Mapping[str, int]:
    given = region.get("days", {})
    return MappingProxyType({name: _whole(given, "days", name) for name in DAYS.values()})


def _whole(given: Mapping[str, Any], table: str, name: str) -> int:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadRegion(f"region.toml: [{table}] {name} must be a whole number from 1, it is {value!r}")
    return value


def _partners(given: Mapping[str, Any]) -> tuple[int, int]:
    minimum, maximum = (_whole(given, "limits.consortium_partners", name) for name in ("minimum", "maximum"))
    if minimum > maximum:
        raise BadRegion(f"region.toml: [limits] consortium_partners: {minimum} is more than {maximum}")
    return minimum, maximum


def _codes(catalogue: Mapping[str, Any], table: str) -> frozenset[str]:
    codes = [str(line.get("code", "")) for line in catalogue.get(table, [])]
    if not codes or "" in codes or len(set(codes)) != len(codes):
        raise BadRegion(f"catalogue.toml must name each [[{table}]] once: {codes}")
    return frozenset(codes)


def _grounds(table: Mapping[str, Any]) -> Mapping[str, Ground]:
    """Each code once, and a ground for every decision that there is."""
    try:
        lines = TypeAdapter(list[_GroundLine]).validate_python(table.get("ground", []))
    except ValidationError as wrong:
        raise BadRegion(f"grounds.toml: {wrong}") from wrong
    grounds = {line.code: line.ground() for line in lines}
    without = sorted(set(get_args(Verdict)) - {verdict for ground in grounds.values() for verdict in ground.verdicts})
    if without or len(grounds) != len(lines):
        raise BadRegion(f"grounds.toml names a code twice, or has no ground for {', '.join(without) or '—'}")
    if sum("withdrawn" in ground.verdicts for ground in grounds.values()) != 1:
        raise BadRegion("grounds.toml needs one ground for `withdrawn`: who leaves chooses none")
    return MappingProxyType(grounds)


def _toml(name: str, text: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(text.decode("utf-8"))
    except ValueError as wrong:
        raise BadRegion(f"{name} can't be read: {wrong}") from wrong

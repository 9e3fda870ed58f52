"""What the season is played with: `region/demo/` read into types, and choices that look like chance and are none.

Nothing here is random: `pick` draws from a hash of its arguments, so every run of a season makes the same choices.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kernel.ids import derived_id


def pick(below: int, *key: object) -> int:
    """A number from 0 to `below` - 1 that belongs to `key`: the same in every run."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


@dataclass(frozen=True)
class Organisation:
    """A row of organisations.csv: an applicant of the register. `services`: codes of the catalogue."""

    number: int
    is_real: bool
    full_name: str
    short_name: str
    kind: str
    inn: str
    ogrn: str
    forms: tuple[str, ...]
    service_kinds: tuple[str, ...]
    services: tuple[str, ...]
    places: Mapping[str, int]
    territory: str
    address: str
    latitude: str
    longitude: str
    head: str
    founded: int

    @property
    def raw_row(self) -> int:
        """The row of raw_register.csv, for a real one."""
        return self.number


@dataclass(frozen=True)
class Lot:
    key: str
    municipality: str
    volume: int
    limit_price_kopecks: int


@dataclass(frozen=True)
class Order:
    """An order of orders.toml with what the catalogue says of its service."""

    key: str
    body: str
    budget: str
    service: str
    form: str
    units_per_place: int
    title: str
    volume: int
    by_assignment: int
    by_certificate: int
    lots: tuple[Lot, ...]
    criteria: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Premises:
    code: str
    kind: str
    title: str
    address: str
    territory: str
    area_m2: int
    latitude: str
    longitude: str
    accessibility: str
    permitted_use: str
    free_from: str
    free_to: str


@dataclass(frozen=True)
class Season:
    """All data of one season; `folder` is the region's."""

    folder: Path

    @cached_property
    def year(self) -> int:
        return int(self._orders_file["year"])

    @cached_property
    def region_name(self) -> str:
        return str(self._toml("region.toml")["name"]["en"])

    @cached_property
    def zone(self) -> str:
        return str(self._toml("region.toml")["zone"])

    @cached_property
    def bodies(self) -> dict[str, str]:
        """{code: name} of the public bodies."""
        return {body["code"]: body["name"]["ru"] for body in self._toml("region.toml")["body"]}

    @staticmethod
    def body_id(code: str) -> str:
        """The organisation id under which the staff of a body act."""
        return derived_id("body", code)

    @cached_property
    def municipalities(self) -> dict[str, str]:
        return {each["code"]: each["name"]["ru"] for each in self._toml("territories.toml")["municipality"]}

    @property
    def raw_register(self) -> Path:
        return self.folder / "demo" / "raw_register.csv"

    @cached_property
    def organisations(self) -> tuple[Organisation, ...]:
        return tuple(_organisation(row) for row in self._csv("organisations.csv"))

    @cached_property
    def premises(self) -> tuple[Premises, ...]:
        return tuple(_premises(row) for row in self._csv("premises.csv"))

    @cached_property
    def services(self) -> tuple[dict[str, Any], ...]:
        """The services of the region's catalogue, as its file says them."""
        return tuple(self._toml("catalogue.toml")["service"])

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        catalogue = {service["code"]: service for service in self._toml("catalogue.toml")["service"]}
        return tuple(self._order(said, catalogue[said["service"]]) for said in self._orders_file["order"])

    @cached_property
    def limits(self) -> dict[str, int]:
        """{body: kopecks}: what its budgets give it. One that several share is split by what its orders may cost."""
        granted = {budget["code"]: int(budget["limit_kopecks"]) for budget in self._orders_file["budget"]}
        most: dict[tuple[str, str], int] = {}
        for order in self.orders:
            cost = sum(lot.volume * lot.limit_price_kopecks for lot in order.lots)
            most[order.budget, order.body] = most.get((order.budget, order.body), 0) + cost
        limits: dict[str, int] = {}
        for (budget, body), cost in most.items():
            whole = sum(other for (name, _), other in most.items() if name == budget)
            limits[body] = limits.get(body, 0) + granted[budget] * cost // whole
        return limits

    def _order(self, said: Mapping[str, Any], service: Mapping[str, Any]) -> Order:
        criteria = self._orders_file["criteria"][said["criteria"]]["criterion"]
        return Order(
            key=said["key"],
            body=said["body"],
            budget=said["budget"],
            service=said["service"],
            form=service["form"],
            units_per_place=service["units_per_place"],
            title=said["title"]["ru"],
            volume=said["volume"],
            by_assignment=said["state_assignment"],
            by_certificate=said["certificates"],
            lots=tuple(
                Lot(lot["key"], lot["municipality"], lot["volume"], lot["limit_price_kopecks"]) for lot in said["lot"]
            ),
            criteria=tuple(_criterion(criterion) for criterion in criteria),
        )

    @cached_property
    def _orders_file(self) -> dict[str, Any]:
        return self._toml("demo/orders.toml")

    def _toml(self, name: str) -> dict[str, Any]:
        return tomllib.loads((self.folder / name).read_text(encoding="utf-8"))

    def _csv(self, name: str) -> list[dict[str, str]]:
        with (self.folder / "demo" / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, strict=True))


def _organisation(row: Mapping[str, str]) -> Organisation:
    places = dict(part.split("=") for part in row["places"].split(";"))
    return Organisation(
        number=int(row["number"]),
        is_real=row["origin"] == "real",
        full_name=row["full_name"],
        short_name=row["short_name"],
        kind=row["kind"],
        inn=row["inn"],
        ogrn=row["ogrn"],
        forms=tuple(row["forms"].split(";")),
        service_kinds=tuple(row["service_kinds"].split(";")),
        services=tuple(row["services"].split(";")),
        places={form: int(number) for form, number in places.items()},
        territory=row["territory"],
        address=row["address"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        head=row["head"],
        founded=int(row["founded"]),
    )


def _premises(row: Mapping[str, str]) -> Premises:
    return Premises(
        code=row["code"],
        kind="ad_surface" if row["kind"] == "ad_space" else "room",
        title=row["name"],
        address=row["address"],
        territory=row["territory"],
        area_m2=int(row["area_m2"]),
        latitude=row["latitude"],
        longitude=row["longitude"],
        accessibility=row["accessibility"],
        permitted_use=row["permitted_use"],
        free_from=row["free_from"],
        free_to=row["free_to"],
    )


def _criterion(said: Mapping[str, Any]) -> dict[str, Any]:
    """A criterion as an announcement takes it."""
    found = {name: said[name] for name in ("key", "formula", "weight", "parameters", "counts") if name in said}
    return {**found, "title": said["name"]["ru"]}

"""What a service costs by the norm: an exact calculation that names the versions it used and never changes.

Normative cost of a unit for a place and a category = cost × territory's coefficient × category's coefficient, exact, and
rounded once, half up, to a kopeck; times the units. All inputs stand in the event, and a replay computes it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, decided
from kernel.ids import Id
from kernel.money import Kopecks, check_bounded, times_half_up
from kernel.refusal import Refusal, require
from services.registry.domain.card import TERRITORY_UNKNOWN, Territory
from services.registry.domain.catalogue.listed_service import CATEGORY_UNKNOWN
from services.registry.domain.catalogue.values import LAW, Code, Coefficient, Norm, ServiceCode, Words

MAX_UNITS = 10**9
Units = Annotated[int, Field(strict=True, gt=0, le=MAX_UNITS)]

NO_VERSION = Refusal(
    "no_version_on_date",
    "На {day} у услуги {code} нет действующего стандарта и нормативных затрат.",
    "On {day} the service {code} has no standard and normative cost in force.",
    LAW,
    kind="missing",
)


class CostAsked(Command):
    """What is calculated: the units of a service on a day, for a territory and, where it matters, a category."""

    code: ServiceCode
    territory: Territory
    category: Code | None = None
    day: date
    units: Units


class CalculateCost(CostAsked):
    """Calculate by the versions that hold on `day`, and keep the calculation."""

    id: Id


class CostCalculated(Event):
    """All inputs and the result. `standard_version` and `cost_version` name what held on `day`."""

    number: str
    code: str
    service_name: Words
    unit: str
    territory: str
    category: str
    day: date
    units: int
    standard_version: int
    cost_version: int
    cost_kopecks: Kopecks
    territory_coefficient: Coefficient
    category_coefficient: Coefficient
    unit_kopecks: Kopecks
    amount_kopecks: Kopecks


@dataclass(frozen=True)
class InForce:
    """What holds on the day asked for: the service, its standard's version, the cost's version and norm."""

    name: Words
    unit: str
    standard_version: int
    cost_version: int
    norm: Norm


@dataclass(frozen=True)
class Result:
    """Coefficients as texts, sums in kopecks."""

    territory_coefficient: str
    category_coefficient: str
    unit_kopecks: int
    amount_kopecks: int


@dataclass(frozen=True)
class Calculation:
    status: str = NEW
    number: str = ""
    amount_kopecks: int = 0


calculation = Aggregate("Calculation", Calculation)


def cost_of(norm: Norm, territory: str, category: str | None, units: int) -> Result:
    """What `units` cost by `norm` (module's formula). Raises MoneyError above the limit of amounts."""
    place = norm.territories.get(territory, "1")
    group = norm.categories.get(category, "1") if category else "1"
    unit, amount = _computed(norm.cost_kopecks, place, group, units)
    return Result(place, group, unit, amount)


def _computed(cost_kopecks: int, place: str, group: str, units: int) -> tuple[int, int]:
    unit = times_half_up(cost_kopecks, Fraction(place) * Fraction(group))
    return unit, check_bounded(unit * units)


def calculated(asked: CostAsked, found: InForce | None, rules: Any) -> dict[str, Any]:
    """Everything that a calculation says but for its number. Refuses an unknown territory or category, and a day on
    which nothing holds."""
    known = ", ".join(sorted(rules.codes))
    require(asked.territory in rules.codes, TERRITORY_UNKNOWN, given=asked.territory, known=known)
    if asked.category is not None:
        known = ", ".join(sorted(rules.categories))
        require(asked.category in rules.categories, CATEGORY_UNKNOWN, given=asked.category, known=known)
    require(found is not None, NO_VERSION, day=asked.day.isoformat(), code=asked.code)
    assert found is not None
    result = cost_of(found.norm, asked.territory, asked.category, asked.units)
    return {
        "code": asked.code,
        "service_name": found.name,
        "unit": found.unit,
        "territory": asked.territory,
        "category": asked.category or "",
        "day": asked.day,
        "units": asked.units,
        "standard_version": found.standard_version,
        "cost_version": found.cost_version,
        "cost_kopecks": found.norm.cost_kopecks,
        **vars(result),
    }


@calculation.command(
    CalculateCost, roles={"officer", "registrar", "provider"}, states={NEW}, emits=(CostCalculated,), ground=LAW
)
def calculate(state: Calculation, command: CalculateCost, context: Context) -> Decision:
    """`context.facts`: (number, what is in force on the day)."""
    number, found = context.facts
    event = CostCalculated(number=number, **calculated(command, found, context.rules))
    return decided(event, **event.model_dump(mode="json"))


@calculation.event(CostCalculated, to="made")
def _made(state: Calculation, event: CostCalculated) -> Calculation:
    return Calculation("made", event.number, event.amount_kopecks)


@calculation.computes(CostCalculated)
def _calculated_again(state: Calculation, event: CostCalculated) -> Mapping[str, Any]:
    unit, amount = _computed(event.cost_kopecks, event.territory_coefficient, event.category_coefficient, event.units)
    return {"unit_kopecks": unit, "amount_kopecks": amount}

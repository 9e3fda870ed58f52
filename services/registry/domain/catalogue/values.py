"""What the catalogue of services is made of: texts in both languages, standards, normative costs, their periods.

Numbers are exact: coefficients and values of indicators are texts such as "1.15", never floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.ids import derived_id
from kernel.money import PositiveKopecks
from kernel.refusal import Refusal, require

LAW = "442-FZ art. 8"  # the regions approve standards, normative costs and tariffs of social services

PERIOD_REVERSED = Refusal(
    "period_reversed",
    "Срок действия заканчивается {valid_to}, раньше начала {valid_from}.",
    "It ends on {valid_to}, before its beginning on {valid_from}.",
    kind="invalid",
)
VERSION_TOO_EARLY = Refusal(
    "version_too_early",
    "Новая версия начинает действовать не раньше {earliest}: по день принятия расчёты делались по прежней.",
    "A new version begins on {earliest} at the earliest: up to the day of approval the old one was calculated by.",
    "a calculation is pinned to the version of its date",
    kind="invalid",
)

ServiceCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+){0,3}$", max_length=40)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Coefficient = Annotated[str, StringConstraints(pattern=r"^([1-9]\d?|0)(\.\d{1,4})?$")]
Number = Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,4})?$")]
Line = Annotated[str, StringConstraints(min_length=2, max_length=300, strip_whitespace=True)]
Text = Annotated[str, StringConstraints(min_length=3, max_length=4000, strip_whitespace=True)]


class Part(BaseModel):
    """Base of the values inside commands and events."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Part):
    """A name in both languages."""

    ru: Line
    en: Line


class Texts(Part):
    """A text in both languages."""

    ru: Text
    en: Text


class Indicator(Part):
    """A quality indicator of a standard: what is measured, and what it must reach."""

    name: Words
    relation: Literal["at_least", "at_most"]
    value: Number
    measure: Words


class Standard(Part):
    """The standard of a service: its text and its quality indicators (442-FZ art. 27)."""

    text: Texts
    indicators: Annotated[tuple[Indicator, ...], Field(min_length=1, max_length=20)]


class Norm(Part):
    """A normative cost per unit; coefficients by territory and by category of recipients, 1 where none is named."""

    cost_kopecks: PositiveKopecks
    territories: Annotated[dict[Code, Coefficient], Field(max_length=200)] = {}
    categories: Annotated[dict[Code, Coefficient], Field(max_length=50)] = {}
    basis: Line


@dataclass(frozen=True)
class Version:
    """A version that was approved; it holds on the days from `valid_from` to `valid_to`, until the next one begins."""

    number: int
    valid_from: date
    valid_to: date | None


def service_id(code: str) -> str:
    """The stream of a service: it follows from its code, so that a code is used once."""
    return derived_id("catalogue-service", code)


def version_on(versions: Sequence[Version], day: date) -> int | None:
    """The number of the version that holds on `day`: the last that has begun, unless it has ended."""
    begun = [each for each in versions if each.valid_from <= day]
    if not begun:
        return None
    last = max(begun, key=lambda each: each.valid_from)
    return last.number if last.valid_to is None or day <= last.valid_to else None


def check_period(versions: Sequence[Version], valid_from: date, valid_to: date | None, today: date) -> None:
    """Refuse a version that would change what held on any day up to today, or on days before the newest one began.

    The very first may begin on any day: nothing was calculated by another.
    """
    require(
        valid_to is None or valid_from <= valid_to, PERIOD_REVERSED, valid_from=str(valid_from), valid_to=str(valid_to)
    )
    if versions:
        newest = max(each.valid_from for each in versions)
        earliest = date.fromordinal(max(newest, today).toordinal() + 1)
        require(valid_from >= earliest, VERSION_TOO_EARLY, earliest=earliest.isoformat())

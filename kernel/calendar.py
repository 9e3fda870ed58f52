"""A working-day calendar that explains its dates.

Guarantees: a deadline comes from data files alone (one TOML per year, no clock, no library at run time), the same
files give the same deadline for ever, every deadline names each day that was skipped and why, and a date outside the
files is refused instead of guessed. The version in an explanation covers only the years that were passed, so adding a
year later changes no deadline and no version that is already in a log.

Terms are counted as the Civil Code of Russia does: from the day after the event (art. 191), to the last second of the
last day (art. 194, here 23:59:59 in the zone), a term that would end on a day off ends on the next working day
(art. 193). Days off and working Saturdays: Labour Code art. 112 and the Government's yearly transfer.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kernel import canonical
from kernel.instants import to_text
from kernel.refusal import Refusal, Refused

Lang = Literal["ru", "en"]
Direction = Literal["after", "before"]
Reason = Literal["weekend", "holiday", "observed", "moved"]

MAX_DAYS = 1_000
_LAST_SECOND = time(23, 59, 59)
_ONE_DAY = timedelta(days=1)
_WEEKEND = {"ru": "выходной по неделе", "en": "weekend"}

NO_CALENDAR = Refusal(
    "calendar_missing",
    "Нет производственного календаря на {year} год, есть: {known}. Добавьте файл {year}.toml к календарям региона.",
    "There is no working calendar for {year}; there are: {known}. Add {year}.toml to the region's calendars.",
    "Labour Code art. 112",
    kind="invalid",
)
BAD_CALENDAR = Refusal(
    "calendar_invalid",
    "Файл календаря не принят: {problem}.",
    "The calendar file was not accepted: {problem}.",
    kind="invalid",
)
BAD_TERM = Refusal(
    "term_invalid",
    "Срок должен быть от 0 до {limit} рабочих дней, а момент с часовым поясом; дано: {given}.",
    "A term is 0 to {limit} working days from an instant with a zone; given: {given}.",
    kind="invalid",
)


class CalendarError(Refused):
    """A date that can't be computed; `refusal.code` is calendar_missing, calendar_invalid or term_invalid."""


# ---------------------------------------------------------------------------------------------------------- the files


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class DayOff(_Strict):
    """A day off that is not a plain weekend, with its reason; `moved` names the day it was moved from."""

    day: date = Field(alias="date")
    reason: Literal["holiday", "observed", "moved"]
    moved_from: date | None = Field(default=None, alias="from")
    ru: str = Field(min_length=1, max_length=120)
    en: str = Field(min_length=1, max_length=120)


class WorkingDay(_Strict):
    """A weekend day that is worked."""

    day: date = Field(alias="date")
    ru: str = Field(min_length=1, max_length=120)
    en: str = Field(min_length=1, max_length=120)


class CalendarYear(_Strict):
    """One file: all exceptions from the week in one year, with their source."""

    year: int = Field(ge=1990, le=2200)
    version: str = Field(min_length=1, max_length=40)
    source: str = Field(min_length=1, max_length=400)
    weekend: tuple[Literal[1, 2, 3, 4, 5, 6, 7], ...] = Field(max_length=6)
    day_off: tuple[DayOff, ...] = Field(max_length=366)
    working: tuple[WorkingDay, ...] = Field(default=(), max_length=366)

    @property
    def hashed_version(self) -> str:
        """`2027:` and the beginning of the SHA-256 of the contents (not of the spelling of the file)."""
        contents = canonical.dumps(self.model_dump(mode="json"))
        return f"{self.year}:{hashlib.sha256(contents).hexdigest()[:16]}"


def _parse_year(text: str) -> CalendarYear:
    try:
        year = CalendarYear.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as wrong:
        raise CalendarError(BAD_CALENDAR.having(problem=str(wrong)[:300])) from wrong
    days = [*(off.day for off in year.day_off), *(worked.day for worked in year.working)]
    if any(day.year != year.year for day in days) or len(set(days)) != len(days):
        problem = f"{year.year}: a day of another year or a day named twice"
        raise CalendarError(BAD_CALENDAR.having(problem=problem))
    if any(named.day.isoweekday() not in year.weekend for named in year.working):
        raise CalendarError(BAD_CALENDAR.having(problem=f"{year.year}: a working day that is no weekend day"))
    return year


# ------------------------------------------------------------------------------------------------------ the deadline


@dataclass(frozen=True)
class Named:
    """A day that the explanation names: skipped with a reason, or a weekend day that was counted (`working`)."""

    day: date
    reason: Reason | Literal["working"]
    ru: str
    en: str

    def to_json(self) -> dict[str, str]:
        return {"day": self.day.isoformat(), "reason": self.reason, "ru": self.ru, "en": self.en}


@dataclass(frozen=True)
class Deadline:
    """`at`: the last second (UTC) of `last_day` in `zone`, and everything that led there."""

    at: datetime
    last_day: date
    counted_from: date
    days: int
    direction: Direction
    zone: str
    skipped: tuple[Named, ...]
    worked_weekends: tuple[Named, ...]
    calendar_version: str

    def to_json(self) -> dict[str, Any]:
        """What an event carries beside its inputs."""
        return {
            "at": to_text(self.at),
            "last_day": self.last_day.isoformat(),
            "counted_from": self.counted_from.isoformat(),
            "days": self.days,
            "direction": self.direction,
            "zone": self.zone,
            "skipped": [named.to_json() for named in self.skipped],
            "worked_weekends": [named.to_json() for named in self.worked_weekends],
            "calendar_version": self.calendar_version,
        }

    def explain(self, lang: Lang) -> str:
        """Why this date, in one paragraph for a page or a protocol."""
        parts = [_headline(self, lang)]
        for label, named in (("skipped", self.skipped), ("worked", self.worked_weekends)):
            if named:
                parts.append(f"{_LABELS[lang][label]}: {_runs(named, lang)}.")
        parts.append(f"{_LABELS[lang]['calendar']}: {self.calendar_version}.")
        return " ".join(parts)


_LABELS = {
    "ru": {"skipped": "Не считаются", "worked": "Считаются рабочими", "calendar": "Производственный календарь"},
    "en": {"skipped": "Not counted", "worked": "Counted as working", "calendar": "Working calendar"},
}


def _headline(deadline: Deadline, lang: Lang) -> str:
    at, origin = f"{deadline.last_day:%d.%m.%Y} 23:59:59 ({deadline.zone})", f"{deadline.counted_from:%d.%m.%Y}"
    if lang == "ru":
        way = "после" if deadline.direction == "after" else "до"
        return f"{deadline.days} {_ru_working_days(deadline.days)} {way} {origin}: срок по {at} включительно."
    noun = "working day" if deadline.days == 1 else "working days"
    return f"{deadline.days} {noun} {deadline.direction} {origin}: until {at}."


def _ru_working_days(count: int) -> str:
    if count % 10 == 1 and count % 100 != 11:
        return "рабочий день"
    if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14):
        return "рабочих дня"
    return "рабочих дней"


def _runs(days: Sequence[Named], lang: Lang) -> str:
    """Neighbouring days with one reason as a run: "01.01.2027-06.01.2027 (…)"."""
    indexed = enumerate(sorted(days, key=lambda named: named.day))
    runs = groupby(indexed, key=lambda item: (item[1].day.toordinal() - item[0], getattr(item[1], lang)))
    texts = []
    for (_, name), items in runs:
        run = [named.day for _, named in items]
        span = f"{run[0]:%d.%m.%Y}" + (f"\u2013{run[-1]:%d.%m.%Y}" if len(run) > 1 else "")
        texts.append(f"{span} ({name})")
    return ", ".join(texts)


# ------------------------------------------------------------------------------------------------------ the calendar


class WorkingCalendar:
    """The working days of a run of years. Immutable; safe to share between threads."""

    def __init__(self, years: Iterable[CalendarYear]) -> None:
        self._years = {year.year: year for year in sorted(years, key=lambda year: year.year)}
        self._off = {off.day: off for year in self._years.values() for off in year.day_off}
        self._working = {worked.day: worked for year in self._years.values() for worked in year.working}

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> WorkingCalendar:
        """From the texts of the year files (a bundle carries them); at least one, each year once."""
        years = [_parse_year(text) for text in texts]
        if not years or len({year.year for year in years}) != len(years):
            raise CalendarError(BAD_CALENDAR.having(problem="no year, or a year twice"))
        return cls(years)

    @classmethod
    def load(cls, directory: Path) -> WorkingCalendar:
        """From `<year>.toml` files of `directory`. Raises `CalendarError` calendar_invalid."""
        return cls.from_texts(path.read_text(encoding="utf-8") for path in sorted(directory.glob("[0-9]*.toml")))

    @property
    def version(self) -> str:
        """The versions of all years, "2026:1f…+2027:9c…"; equal contents give equal versions."""
        return self._version_of(self._years)

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(self._years)

    def is_working(self, day: date) -> bool:
        """Raises `CalendarError` calendar_missing outside the years of the calendar."""
        return self.why_off(day) is None

    def why_off(self, day: date) -> Named | None:
        """The reason why `day` is not worked, or None for a working day."""
        year = self._year(day)
        if (off := self._off.get(day)) is not None:
            return Named(day, off.reason, off.ru, off.en)
        if day.isoweekday() in year.weekend and day not in self._working:
            return Named(day, "weekend", _WEEKEND["ru"], _WEEKEND["en"])
        return None

    def add_working_days(self, start: datetime, days: int, zone: ZoneInfo | str) -> Deadline:
        """The end of the `days`-th working day after the local day of `start` (an aware instant).

        `days` = 0 is the end of that day itself, or of the next working day when it is a day off (art. 193).
        """
        return self._count(start, days, zone, "after")

    def working_days_before(self, deadline: datetime, days: int, zone: ZoneInfo | str) -> Deadline:
        """The end of the `days`-th working day before the local day of `deadline`.

        The mirror of `add_working_days`: counting `days` forward from the result reaches the deadline's day again
        (when that day is a working one), so whoever asks by then leaves the full term for an answer.
        """
        return self._count(deadline, days, zone, "before")

    def _count(self, origin: datetime, days: int, zone: ZoneInfo | str, direction: Direction) -> Deadline:
        if origin.tzinfo is None or not 0 <= days <= MAX_DAYS:
            raise CalendarError(BAD_TERM.having(limit=MAX_DAYS, given=f"{days}, {origin.isoformat()}"))
        region = ZoneInfo(zone) if isinstance(zone, str) else zone
        first = origin.astimezone(region).date()
        step = _ONE_DAY if direction == "after" else -_ONE_DAY
        last, skipped, worked = self._walk(first if days == 0 else first + step, step, max(days, 1))
        at = datetime.combine(last, _LAST_SECOND, region).astimezone(UTC)
        years = range(min(first, last).year, max(first, last).year + 1)
        version = self._version_of(years)
        return Deadline(at, last, first, days, direction, region.key, tuple(skipped), tuple(worked), version)

    def _walk(self, day: date, step: timedelta, wanted: int) -> tuple[date, list[Named], list[Named]]:
        """From `day` on to the `wanted`-th working day: that day, the days off passed, the weekend days counted."""
        skipped: list[Named] = []
        worked: list[Named] = []
        while True:
            off = self.why_off(day)
            if off is not None:
                skipped.append(off)
            else:
                wanted -= 1
                if (special := self._working.get(day)) is not None:
                    worked.append(Named(day, "working", special.ru, special.en))
                if wanted == 0:
                    return day, skipped, worked
            day += step

    def _year(self, day: date) -> CalendarYear:
        year = self._years.get(day.year)
        if year is None:
            known = ", ".join(map(str, self._years))
            raise CalendarError(NO_CALENDAR.having(year=day.year, known=known))
        return year

    def _version_of(self, years: Iterable[int]) -> str:
        for year in years:
            self._year(date(year, 1, 1))
        return "+".join(self._years[year].hashed_version for year in sorted(set(years)))

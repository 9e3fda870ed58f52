"""The working calendar: dates of the law's own examples, and what must hold for any term."""

from __future__ import annotations

import importlib.util
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.calendar import CalendarError, WorkingCalendar

DATA = Path(__file__).parents[3] / "region" / "calendars"
MOSCOW = ZoneInfo("Europe/Moscow")
CALENDAR = WorkingCalendar.load(DATA)


def moscow(year: int, month: int, day: int, hour: int = 12) -> datetime:
    return datetime(year, month, day, hour, tzinfo=MOSCOW)


# Working days of the five-day week in Russia as the production calendars of 2025-2027 give them.
@pytest.mark.parametrize(("year", "working_days"), [(2025, 247), (2026, 247), (2027, 247)])
def test_a_year_has_the_published_number_of_working_days(year: int, working_days: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    assert sum(map(CALENDAR.is_working, days)) == working_days


def test_a_plain_week() -> None:
    deadline = CALENDAR.add_working_days(moscow(2026, 9, 7), 3, MOSCOW)
    assert deadline.last_day == date(2026, 9, 10)
    assert deadline.at == datetime(2026, 9, 10, 20, 59, 59, tzinfo=UTC)
    assert deadline.skipped == ()


def test_new_year_is_skipped_with_reasons() -> None:
    deadline = CALENDAR.add_working_days(moscow(2025, 12, 30), 1, "Europe/Moscow")
    assert deadline.last_day == date(2026, 1, 12)
    reasons = {named.day: named.reason for named in deadline.skipped}
    assert len(reasons) == 12
    assert reasons[date(2025, 12, 31)] == "moved"
    assert reasons[date(2026, 1, 7)] == "holiday"
    assert reasons[date(2026, 1, 9)] == "moved"
    assert reasons[date(2026, 1, 11)] == "weekend"
    assert deadline.calendar_version == CALENDAR.version.rsplit("+", 1)[0]


def test_the_explanation_in_both_languages() -> None:
    deadline = CALENDAR.add_working_days(moscow(2027, 2, 18), 3, MOSCOW)
    version = CALENDAR.version.split("+")[-1]
    assert deadline.explain("ru") == (
        "3 рабочих дня после 18.02.2027: срок по 24.02.2027 23:59:59 (Europe/Moscow) включительно. "
        "Не считаются: 21.02.2027 (выходной по неделе), 22.02.2027 (выходной, перенесённый с 20.02.2027), "
        "23.02.2027 (День защитника Отечества). Считаются рабочими: 20.02.2027 (рабочая суббота). "
        f"Производственный календарь: {version}."
    )
    may = CALENDAR.add_working_days(moscow(2027, 4, 30), 1, MOSCOW).explain("en")
    assert may.startswith(
        "1 working day after 30.04.2027: until 04.05.2027 23:59:59 (Europe/Moscow). "
        "Not counted: 01.05.2027 (Holiday of Spring and Labor), 02.05.2027 (weekend), "
        "03.05.2027 (Holiday of Spring and Labor (observed)). Working calendar: 2027:"
    )
    january = CALENDAR.add_working_days(moscow(2026, 12, 30), 5, MOSCOW).explain("ru")
    assert january.startswith("5 рабочих дней после")
    assert "01.01.2027\u201306.01.2027 (Новогодние каникулы), 07.01.2027 (Рождество Христово)" in january


def test_what_an_event_carries_is_plain() -> None:
    told = CALENDAR.add_working_days(moscow(2027, 2, 19), 1, MOSCOW).to_json()
    assert told["at"] == "2027-02-20T20:59:59.000000Z"
    assert told["worked_weekends"] == [
        {"day": "2027-02-20", "reason": "working", "ru": "рабочая суббота", "en": "working Saturday"}
    ]
    assert (told["last_day"], told["counted_from"], told["days"]) == ("2027-02-20", "2027-02-19", 1)


def test_the_day_is_the_regions_day_not_utc() -> None:
    late = datetime(2026, 9, 7, 21, 30, tzinfo=UTC)  # already the 8th in Moscow, still the 7th in Kaliningrad
    assert CALENDAR.add_working_days(late, 1, "Europe/Moscow").last_day == date(2026, 9, 9)
    assert CALENDAR.add_working_days(late - timedelta(hours=1), 1, "Europe/Kaliningrad").last_day == date(2026, 9, 8)


def test_questions_end_three_working_days_before() -> None:
    friday = moscow(2026, 11, 6, 18)  # the 4th is Unity Day
    limit = CALENDAR.working_days_before(friday, 3, MOSCOW)
    assert limit.last_day == date(2026, 11, 2)
    assert [named.day for named in limit.skipped] == [date(2026, 11, 4)]
    assert limit.explain("ru").startswith("3 рабочих дня до 06.11.2026: срок по 02.11.2026")


def test_a_term_that_ends_on_a_day_off_moves() -> None:
    assert CALENDAR.add_working_days(moscow(2026, 9, 12), 0, MOSCOW).last_day == date(2026, 9, 14)
    assert CALENDAR.working_days_before(moscow(2026, 9, 12), 0, MOSCOW).last_day == date(2026, 9, 11)
    assert CALENDAR.add_working_days(moscow(2026, 9, 11), 0, MOSCOW).last_day == date(2026, 9, 11)


@given(st.integers(0, 900 * 24).map(lambda hours: moscow(2025, 3, 1) + timedelta(hours=hours)), st.integers(1, 60))
def test_counting_back_mirrors_counting_on(start: datetime, days: int) -> None:
    forward = CALENDAR.add_working_days(start, days, MOSCOW)
    assert CALENDAR.is_working(forward.last_day)
    assert forward.at > start
    counted = [start.date() + timedelta(days=n) for n in range(1, (forward.last_day - start.date()).days + 1)]
    assert sum(map(CALENDAR.is_working, counted)) == days
    assert [day for day in counted if not CALENDAR.is_working(day)] == [named.day for named in forward.skipped]
    back = CALENDAR.working_days_before(forward.at, days, MOSCOW)
    assert CALENDAR.add_working_days(back.at, days, MOSCOW).last_day == forward.last_day


# ---------------------------------------------------------------------------------------------------------- refusals


def test_dates_beyond_the_calendars_are_refused() -> None:
    for ask in (
        lambda: CALENDAR.is_working(date(2024, 12, 31)),
        lambda: CALENDAR.add_working_days(moscow(2027, 12, 30), 1, MOSCOW),
        lambda: CALENDAR.working_days_before(moscow(2025, 1, 3), 1, MOSCOW),
        lambda: CALENDAR.add_working_days(moscow(2028, 2, 1), 0, MOSCOW),
    ):
        with pytest.raises(CalendarError) as refused:
            ask()
        assert refused.value.refusal.code == "calendar_missing"
        assert "2025, 2026, 2027" in refused.value.refusal.to_dict()["ru"]


@pytest.mark.parametrize("days", [-1, 1001])
def test_terms_out_of_bounds_are_refused(days: int) -> None:
    with pytest.raises(CalendarError) as refused:
        CALENDAR.add_working_days(moscow(2026, 1, 12), days, MOSCOW)
    assert refused.value.refusal.code == "term_invalid"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(CalendarError):
        CALENDAR.add_working_days(moscow(2026, 1, 12).replace(tzinfo=None), 1, MOSCOW)


TINY = 'year = 2030\nversion = "1"\nsource = "a test"\nweekend = [6, 7]\n'
OFF = '[[day_off]]\ndate = 2030-05-01\nreason = "holiday"\nru = "р"\nen = "e"\n'


@pytest.mark.parametrize(
    "text",
    [
        "year = ",
        TINY,
        TINY + "surprise = 1\n" + OFF,
        TINY + OFF + OFF,
        TINY + OFF.replace("2030", "2031"),
        TINY + OFF.replace("holiday", "mood"),
        TINY + OFF + '[[working]]\ndate = 2030-05-02\nru = "р"\nen = "e"\n',
    ],
)
def test_a_wrong_file_is_refused(text: str) -> None:
    WorkingCalendar.from_texts([TINY + OFF])
    with pytest.raises(CalendarError) as refused:
        WorkingCalendar.from_texts([text])
    assert refused.value.refusal.code == "calendar_invalid"


def test_no_files_and_a_year_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CalendarError):
        WorkingCalendar.load(tmp_path)
    with pytest.raises(CalendarError):
        WorkingCalendar.from_texts([TINY + OFF] * 2)


# ----------------------------------------------------------------------------------------------------------- versions


def test_a_new_year_file_changes_no_older_version() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.toml"))]
    fewer = WorkingCalendar.from_texts(texts[:2])
    ask = (moscow(2026, 3, 5), 4, MOSCOW)
    assert fewer.version != CALENDAR.version
    assert fewer.add_working_days(*ask) == CALENDAR.add_working_days(*ask)


def test_the_version_is_of_the_contents_not_of_the_spelling() -> None:
    base = WorkingCalendar.from_texts([TINY + OFF]).version
    assert WorkingCalendar.from_texts(["# a comment\n" + TINY + "\n\n" + OFF]).version == base
    assert WorkingCalendar.from_texts([TINY + OFF.replace("05-01", "05-02")]).version != base


def test_the_files_are_what_their_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("make", DATA / "make.py")
    assert spec and spec.loader
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    for path in sorted(DATA.glob("*.toml")):
        made, kept = tomllib.loads(make.calendar_text(int(path.stem))), tomllib.loads(path.read_text(encoding="utf-8"))
        # `source` names the library's version, which a later lock may change without a change of any day.
        assert made | {"source": ""} == kept | {"source": ""}

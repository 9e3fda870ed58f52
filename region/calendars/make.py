"""Writes `<year>.toml` beside this file from the library `holidays`, so that nothing at run time needs the library.

    python region/calendars/make.py 2025 2026 2027

A year belongs here once the Government has published the transfer of days off for it (Labour Code art. 112); compare
the file with the decree before committing it, because the market's deadlines rest on it.
"""

from __future__ import annotations

import re
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import holidays

HERE = Path(__file__).parent
SATURDAY = 5
_MOVED = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})")


def calendar_text(year: int) -> str:
    """The TOML of one year: days off that are not plain weekends, and weekend days that are worked."""
    names_ru = holidays.country_holidays("RU", years=year, language="ru")
    names_en = holidays.country_holidays("RU", years=year, language="en_US")
    library = version("holidays")
    lines = [
        f"# Made by region/calendars/make.py; days not named here follow the week. Compare with the decree of {year}.",
        f"year = {year}",
        'version = "1"',
        f"source = \"Labour Code of Russia art. 112 with the Government's transfer of days off for {year}, "
        f'as in the library holidays {library}"',
        "weekend = [6, 7]  # ISO weekdays",
    ]
    for day in sorted(names_ru):
        moved = _MOVED.search(names_ru[day])
        lines += ["", "[[day_off]]", f"date = {day.isoformat()}"]
        if moved:
            origin = date(int(moved[3]), int(moved[2]), int(moved[1]))
            lines += ['reason = "moved"', f"from = {origin.isoformat()}"]
            lines += [f'ru = "выходной, перенесённый с {origin:%d.%m.%Y}"', f'en = "day off moved from {origin}"']
        else:
            reason = "observed" if names_en[day].endswith("(observed)") else "holiday"
            lines += [f'reason = "{reason}"', f'ru = "{names_ru[day]}"', f'en = "{names_en[day]}"']
    for day in sorted(names_ru.weekend_workdays):
        if day.year == year:
            weekday_ru, weekday_en = ("суббота", "Saturday") if day.weekday() == SATURDAY else ("воскресенье", "Sunday")
            lines += ["", "[[working]]", f"date = {day.isoformat()}"]
            lines += [f'ru = "рабочая {weekday_ru}"', f'en = "working {weekday_en}"']
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        target = HERE / f"{int(wanted)}.toml"
        target.write_text(calendar_text(int(wanted)), encoding="utf-8")
        print(f"wrote {target}")

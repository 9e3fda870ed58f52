"""Counting every deadline again by the working calendar that the bundle holds.

An event whose deadline was counted in working days carries how: from which day, how many, in which direction and zone,
by which version of the calendar. The same count must give the same instant, the same days left out and the same version;
and the instant that was counted is one that the event names, so that no term holds otherwise than it is explained. A deadline
for bids alone may be later than the earliest that was counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from app.replay.fold import Difference
from kernel.calendar import CalendarError, WorkingCalendar

FOLDER = "calendars/"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Deadlines:
    """Sees events as they pass; `counted` explanations were counted again, `differences` names what came out otherwise."""

    def __init__(self, region_files: Mapping[str, bytes]) -> None:
        texts = [
            content.decode()
            for name, content in region_files.items()
            if name.startswith(FOLDER) and name.endswith(".toml")
        ]
        self._calendar = WorkingCalendar.from_texts(texts) if texts else None
        self.counted = 0
        self.differences: list[Difference] = []

    def see(self, event: Mapping[str, Any]) -> None:
        """Count again whatever explanation of a deadline the event's data holds."""
        for field, value in event["data"].items():
            if isinstance(value, dict) and "counted_from" in value:
                self._count(event, field, value)

    def _count(self, event: Mapping[str, Any], field: str, said: dict[str, Any]) -> None:
        self.counted += 1
        try:
            again = self._again(said)
        except CalendarError as problem:
            self._differs(event, field, str(problem), said["calendar_version"])
            return
        self._hold(event, field, said["at"])
        for name, value in again.items():
            if said.get(name) != value:
                self._differs(event, f"{field}.{name}", value, said.get(name))

    def _hold(self, event: Mapping[str, Any], field: str, counted: str) -> None:
        named = [value for value in event["data"].values() if isinstance(value, str) and _INSTANT.fullmatch(value)]
        chosen = event["data"].get("deadline", "") if field == "deadline_explanation" else ""
        if counted not in named and not chosen > counted:
            self._differs(event, field, f"{counted} was counted", f"the event names {', '.join(named) or 'no instant'}")

    def _again(self, said: dict[str, Any]) -> dict[str, Any]:
        if self._calendar is None:
            return {"calendar_version": "the bundle holds no calendar"}
        start = datetime.combine(date.fromisoformat(said["counted_from"]), time(12), ZoneInfo(said["zone"]))
        count = self._calendar.add_working_days if said["direction"] == "after" else self._calendar.working_days_before
        return count(start, said["days"], ZoneInfo(said["zone"])).to_json()

    def _differs(self, event: Mapping[str, Any], field: str, replayed: Any, found: Any) -> None:
        self.differences.append(Difference(event["type"], event["subject"], field, replayed, found))

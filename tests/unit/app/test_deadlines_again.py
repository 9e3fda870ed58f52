"""A deadline is held against how it was counted: the same count, the same instant, and the event names it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.replay.deadlines import Deadlines
from kernel.calendar import WorkingCalendar
from kernel.instants import to_text

REGION = Path(__file__).resolve().parents[3] / "region"
FILES = {f"calendars/{path.name}": path.read_bytes() for path in (REGION / "calendars").glob("*.toml")}
CALENDAR = WorkingCalendar.load(REGION / "calendars")
COUNTED = CALENDAR.add_working_days(datetime(2027, 3, 1, 9, tzinfo=UTC), 5, "Europe/Moscow")
LATER = to_text(datetime(2027, 3, 31, 9, tzinfo=UTC))


def differences(name: str, **data: Any) -> list[str]:
    deadlines = Deadlines(FILES)
    deadlines.see({"type": f"market.orders.{name}.v1", "subject": "Competition/x", "data": data})
    assert deadlines.counted == 1
    return [str(found) for found in deadlines.differences]


def test_a_term_that_is_as_it_was_counted_holds() -> None:
    assert differences("StandstillBegan", until=to_text(COUNTED.at), explanation=COUNTED.to_json()) == []


@pytest.mark.parametrize(
    "changes",
    [{"days": 4}, {"at": LATER}, {"skipped": []}, {"calendar_version": "2027:0000000000000000"}],
)
def test_another_count_is_named(changes: dict[str, Any]) -> None:
    said = {**COUNTED.to_json(), **changes}
    assert differences("StandstillBegan", until=said["at"], explanation=said) != []


def test_a_term_that_holds_otherwise_than_it_is_explained_is_named() -> None:
    [found] = differences("StandstillBegan", until=LATER, explanation=COUNTED.to_json())
    assert "was counted" in found


def test_a_deadline_for_bids_may_be_later_than_the_earliest_and_never_earlier() -> None:
    said = COUNTED.to_json()
    assert differences("CompetitionPublished", deadline=LATER, deadline_explanation=said) == []
    early = to_text(datetime(2027, 3, 2, 9, tzinfo=UTC))
    assert len(differences("CompetitionPublished", deadline=early, deadline_explanation=said)) == 1

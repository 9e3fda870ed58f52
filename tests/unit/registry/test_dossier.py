"""DOMAIN §1, the card: licences with validity and warnings, inspections, five years of experience, staff, documents."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from kernel.identity import Actor
from kernel.ids import new_id
from services.registry.domain.register_entry.dossier import (
    MAX_DOCUMENTS,
    MOST_BYTES,
    AttachDocument,
    DocumentAttached,
    ExperienceStated,
    FlagsSet,
    InspectionRecorded,
    Kept,
    RecordInspection,
    SetFlags,
    StaffStated,
    StateExperience,
    StateStaff,
)
from services.registry.domain.register_entry.licences import (
    LicenceExpired,
    LicenceExpiring,
    LicenceRecorded,
    LicenceRemoved,
    RecordLicence,
    RemoveLicence,
    WatchLicence,
)
from services.registry.domain.register_entry.state import ProviderApplied, ProviderReturned
from tests.story import NOON, Given
from tests.support import person
from tests.unit.registry.test_decisions import RETURN
from tests.unit.registry.test_register_entry import CLERK, PROVIDER, RULES, STAFF, active, application, applied

SYSTEM = Actor.system("registry")
ZONE = ZoneInfo(RULES.zone)
TODAY = date(2027, 3, 10)
STRANGER = person("provider", organisation=new_id())


def licence(valid_to: date | None, **changes: Any) -> RecordLicence:
    said = {"number": "Л041-01", "activity": "сестринское дело", "issued_by": "Минздрав", "valid_from": "2025-01-01"}
    return RecordLicence(id=PROVIDER, valid_to=valid_to, **{**said, **changes})


def recorded(valid_to: date | None) -> Given:
    return active().when(licence(valid_to), STAFF).then(LicenceRecorded)


def watch(entry: Given, valid_to: date) -> WatchLicence:
    return WatchLicence(id=PROVIDER, licence_id=entry.state.licences[0].licence_id, valid_to=valid_to)


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)


def test_a_licence_is_looked_at_before_its_end_and_after_it() -> None:
    told = active().when(licence(date(2027, 6, 30)), STAFF)
    # 30 days before the last day, and the first instant after it, by the region's own clock
    assert [due.at for due in told.decision.due] == [at(date(2027, 5, 31), 0), at(date(2027, 7, 1), 0)]
    assert active().when(licence(None), STAFF).decision.due == ()


def test_it_is_warned_of_once_and_ends_once() -> None:
    end = date(2027, 6, 30)
    entry = recorded(end)
    told = entry.when(watch(entry, end), SYSTEM, now=at(date(2027, 5, 31)))
    assert told.event.days_left == 30
    warned = told.then(LicenceExpiring)
    assert warned.when(watch(warned, end), SYSTEM, now=at(end, 23)).decision.events == ()
    over = warned.when(watch(warned, end), SYSTEM, now=at(date(2027, 7, 1), 0)).then(LicenceExpired)
    assert over.when(watch(over, end), SYSTEM, now=at(date(2027, 7, 2))).decision.events == ()
    assert over.state.status == "active", "what follows from it is the registrar's decision"
    # Slept through: the end is told, not a warning of what has passed.
    entry.when(watch(entry, end), SYSTEM, now=at(date(2027, 8, 1))).then(LicenceExpired)


def test_a_renewal_is_recorded_under_the_licence_and_what_was_due_by_the_old_end_does_nothing() -> None:
    old, new = date(2027, 6, 30), date(2030, 6, 30)
    entry = recorded(old)
    held = entry.state.licences[0].licence_id
    entry.when(licence(new), STAFF).refused("licence_recorded_already")
    entry.when(licence(new, licence_id=new_id()), STAFF).refused("licence_unknown")
    renewed = entry.when(licence(new, licence_id=held), STAFF).then(LicenceRecorded)
    assert [(each.licence_id, each.valid_to) for each in renewed.state.licences] == [(held, new)]
    assert renewed.when(watch(renewed, old), SYSTEM, now=at(old + timedelta(days=1))).decision.events == ()
    remove = RemoveLicence(id=PROVIDER, licence_id=held, reason="отозвана органом")
    renewed.when(remove, STAFF).refused("forbidden_role")
    gone = renewed.when(remove, CLERK).then(LicenceRemoved)
    assert gone.when(watch(renewed, new), SYSTEM, now=at(new)).decision.events == ()
    gone.when(remove, CLERK).refused("licence_unknown")


@pytest.mark.parametrize(
    "changes", [{"valid_to": date(2027, 3, 9)}, {"valid_from": "2027-05-01", "valid_to": "2027-04-30"}]
)
def test_a_licence_that_is_over_is_not_recorded(changes: dict[str, Any]) -> None:
    active().when(licence(**{"valid_to": None, **changes}), STAFF).refused("licence_dates_invalid")
    active().when(licence(TODAY), STAFF).then(LicenceRecorded)
    active().when(licence(None), STRANGER).refused("not_yours")


@settings(max_examples=150, deadline=None)
@examples(st.lists(st.tuples(st.sampled_from(["renew", "watch"]), st.integers(0, 60), st.integers(0, 90)), max_size=12))
def test_whenever_it_is_looked_at_a_licence_says_what_is_true_and_nothing_twice(
    steps: list[tuple[str, int, int]],
) -> None:
    """Reminders of all former ends fire too: only the standing one speaks, a warning before the end, the end after it."""
    entry, now, ends = recorded(TODAY + timedelta(days=40)), NOON, [TODAY + timedelta(days=40)]
    for step, passed, lasts in steps:
        now += timedelta(days=passed)
        today = now.astimezone(ZONE).date()
        held = entry.state.licences[0]
        if step == "renew":
            ends.append(today + timedelta(days=lasts))
            entry = entry.when(licence(ends[-1], licence_id=held.licence_id), STAFF, now=now).then(LicenceRecorded)
            assert entry.state.licences[0].said == ""
            continue
        for end in ends:
            told = entry.when(watch(entry, end), SYSTEM, now=now)
            for event in told.decision.events:
                assert event.valid_to == ends[-1] == end
                assert isinstance(event, LicenceExpired) == (today > end)
            entry = told.then(*(type(event) for event in told.decision.events))
        assert entry.state.licences[0].said == ("expired" if today > ends[-1] else "expiring")


def test_a_new_application_keeps_what_was_recorded_and_attached() -> None:
    entry = applied().when(licence(None), STAFF).then(LicenceRecorded)
    entry = entry.when(RETURN, CLERK).then(ProviderReturned).when(application(), STAFF).then(ProviderApplied)
    assert [held.number for held in entry.state.licences] == ["Л041-01"]


# -- staff, experience, inspections, flags ----------------------------------------------------------------------------


def test_staff_and_volunteers_are_stated_as_of_a_day_that_has_come() -> None:
    said = {"id": PROVIDER, "staff": 12, "volunteers": 40}
    active().when(StateStaff(as_of=TODAY, **said), STAFF).then(StaffStated)
    active().when(StateStaff(as_of=date(2027, 3, 11), **said), STAFF).refused("day_ahead")
    active().when(StateStaff(as_of=TODAY, **said), STRANGER).refused("not_yours")


@examples(st.lists(st.integers(2015, 2030), min_size=1, max_size=5))
def test_experience_is_that_of_the_five_years_before_this_one(years: list[int]) -> None:
    lines = [{"year": year, "recipients": 10, "services": "уход"} for year in years]
    told = active().when(StateExperience(id=PROVIDER, years=lines), STAFF)
    if len(set(years)) == len(years) and all(2022 <= year <= 2026 for year in years):
        assert [each.year for each in told.event.years] == sorted(years, reverse=True)
        told.then(ExperienceStated)
    else:
        told.refused("experience_years_wrong")


def test_an_inspection_says_what_it_found() -> None:
    said: dict[str, Any] = {"id": PROVIDER, "held_on": TODAY, "body": "Роспотребнадзор"}
    active().when(RecordInspection(outcome="no_violations", **said), CLERK).then(InspectionRecorded)
    active().when(RecordInspection(outcome="violations", **said), CLERK).refused("findings_missing")
    told = active().when(RecordInspection(outcome="violations", findings="нет журнала", **said), CLERK)
    told.then(InspectionRecorded)
    tomorrow = {**said, "held_on": date(2027, 3, 11)}
    active().when(RecordInspection(outcome="no_violations", **tomorrow), CLERK).refused("day_ahead")
    active().when(RecordInspection(outcome="no_violations", **said), STAFF).refused("forbidden_role")


def test_flags_are_the_registrars_with_their_basis() -> None:
    flags = SetFlags(id=PROVIDER, flags=["socially_oriented"], basis="реестр Минэкономразвития")
    active().when(flags, CLERK).then(FlagsSet)
    active().when(flags, STAFF).refused("forbidden_role")
    twice = flags.model_copy(update={"flags": ("useful_services", "useful_services")})
    active().when(twice, CLERK).refused("flag_twice")


# -- documents --------------------------------------------------------------------------------------------------------


def attach() -> AttachDocument:
    return AttachDocument(id=PROVIDER, kind="charter", title="Устав", media_type="application/pdf", content="JVBERi0=")


@pytest.mark.parametrize(
    ("kept", "code"),
    [
        (Kept(), "document_not_readable"),
        (Kept("", 0, True), "document_size"),
        (Kept("", MOST_BYTES + 1, True), "document_size"),
        (Kept("", 10, False), "document_not_of_its_type"),
    ],
)
def test_a_document_that_is_not_what_it_says_is_refused(kept: Kept, code: str) -> None:
    active().when(attach(), STAFF, facts=kept).refused(code)


def test_a_document_stands_in_the_log_by_its_hash_alone_and_once() -> None:
    told = active().when(attach(), STAFF, facts=Kept("ab" * 32, 5, True))
    assert (told.event.hash, told.event.size, told.event.public) == ("ab" * 32, 5, False)
    assert "content" not in DocumentAttached.model_fields
    entry = told.then(DocumentAttached)
    entry.when(attach(), STAFF, facts=Kept("ab" * 32, 5, True)).refused("document_attached_already")
    entry.when(attach(), STRANGER, facts=Kept("cd" * 32, 5, True)).refused("not_yours")
    for number in range(1, MAX_DOCUMENTS):
        entry = entry.when(attach(), STAFF, facts=Kept(f"{number:064x}", 5, True)).then(DocumentAttached)
    entry.when(attach(), STAFF, facts=Kept("ef" * 32, 5, True)).refused("too_many_documents")

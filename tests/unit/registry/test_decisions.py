"""DOMAIN §1: every decision of the register names its legal ground, day, reasons and term, and how the term was counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from kernel.identity import Actor
from kernel.settings import PROJECT
from services.registry.domain.register_entry import register_entry
from services.registry.domain.register_entry.application import IncludeProvider, RefuseProvider, ReturnApplication
from services.registry.domain.register_entry.deadlines import MissTerm
from services.registry.domain.register_entry.standing import (
    ExcludeProvider,
    ReportRemedy,
    RestoreProvider,
    SuspendProvider,
    UpholdSuspension,
    WithdrawProvider,
)
from services.registry.domain.register_entry.state import (
    ProviderApplied,
    ProviderExcluded,
    ProviderRefused,
    ProviderRestored,
    ProviderReturned,
    ProviderSuspended,
    ProviderWithdrawn,
    RemedyReported,
    SuspensionUpheld,
    TermMissed,
)
from services.registry.rules import BadRegion, load_rules
from tests.story import NOON, Given, Told
from tests.support import person
from tests.unit.registry.test_register_entry import (
    CLERK,
    PROVIDER,
    RULES,
    STAFF,
    active,
    application,
    applied,
    checked,
    nothing,
)

SYSTEM = Actor.system("registry")
INCLUDE = IncludeProvider(id=PROVIDER)
RETURN = ReturnApplication(id=PROVIDER, reasons=["нет копии устава"])
REFUSE = RefuseProvider(id=PROVIDER, reasons=["не исправлено"], ground="not_corrected")
SUSPEND = SuspendProvider(id=PROVIDER, reason="не представлен отчёт", ground="duties_not_kept")
REPORT = ReportRemedy(id=PROVIDER, report="отчёт представлен")
UPHOLD = UpholdSuspension(id=PROVIDER, reason="отчёт не полон")
RESTORE = RestoreProvider(id=PROVIDER, reason="отчёт принят", ground="violations_remedied")
EXCLUDE = ExcludeProvider(id=PROVIDER, reason="нарушения остались", ground="not_remedied")


def suspended() -> Given:
    return active().when(SUSPEND, CLERK).then(ProviderSuspended)


def missed(entry: Given, term: str) -> Given:
    """The due command of the running term fires."""
    command = MissTerm(id=PROVIDER, term=term, until=entry.state.until)  # type: ignore[arg-type]
    return entry.when(command, SYSTEM, now=entry.state.until + timedelta(seconds=1)).then(TermMissed)


def test_an_application_is_decided_on_within_the_regions_working_days_and_says_how_they_were_counted() -> None:
    told = nothing().when(application(), STAFF)
    event = told.event
    # Ten working days after Wednesday, 10 March 2027: two weekends are left out.
    assert (event.day, event.term, event.deadline_explanation["last_day"]) == ("2027-03-10", "decision", "2027-03-24")
    assert event.until == datetime(2027, 3, 24, 20, 59, 59, tzinfo=UTC)  # the last second of the day in Moscow
    assert "10 рабочих дней после 10.03.2027" in event.explained["ru"]
    assert [named["day"] for named in event.deadline_explanation["skipped"]] == [
        "2027-03-13", "2027-03-14", "2027-03-20", "2027-03-21",
    ]  # fmt: skip
    [due] = told.decision.due
    assert due.command == MissTerm(id=PROVIDER, term="decision", until=event.until)
    assert due.at == event.until + timedelta(seconds=1)


def test_a_decision_in_time_says_so_and_a_late_one_too() -> None:
    on_the_last_day, a_day_late = datetime(2027, 3, 24, 20, 0, tzinfo=UTC), datetime(2027, 3, 24, 21, 0, tzinfo=UTC)
    told = checked().when(INCLUDE, CLERK, facts="РП-2027-000001", now=on_the_last_day)
    assert (told.event.answers, told.event.asked_by, told.event.in_time) == ("decision", "2027-03-24", True)
    late = missed(checked(), "decision").when(INCLUDE, CLERK, facts="РП-2027-000001", now=a_day_late)
    assert (late.event.day, late.event.in_time) == ("2027-03-25", False)


def test_every_decision_names_the_ground_the_law_and_the_regions_words_as_they_were() -> None:
    event = active().when(SUSPEND, CLERK).event
    assert (event.ground_code, event.ground, event.region_version) == (
        "duties_not_kept",
        "442-FZ art. 12",
        RULES.version,
    )
    assert event.ground_words == RULES.grounds["duties_not_kept"].words


def test_a_ground_is_one_of_the_regions_for_that_decision() -> None:
    active().when(SUSPEND.model_copy(update={"ground": None}), CLERK).refused("ground_needed")
    active().when(SUSPEND.model_copy(update={"ground": "own_will"}), CLERK).refused("ground_unknown")
    active().when(SUSPEND.model_copy(update={"ground": "no_such"}), CLERK).refused("ground_unknown")
    assert applied().when(RETURN, CLERK).event.ground_code == "to_be_corrected", "the only one may be left out"


def test_a_returned_application_is_corrected_in_time_or_refused_after_it() -> None:
    returned = applied().when(RETURN, CLERK).then(ProviderReturned)
    returned.when(REFUSE, CLERK).refused("correction_term_runs")
    again = returned.when(application(), STAFF, now=NOON + timedelta(days=3))
    assert (again.event.answers, again.event.in_time) == ("correction", True)
    assert again.then(ProviderApplied).state.last_day == "2027-03-26", "counted anew from that Saturday"
    late = missed(returned, "correction")
    assert late.state.status == "returned", "a missed term decides nothing by itself"
    told = late.when(REFUSE, CLERK)
    assert (told.event.term, told.event.ground_code) == ("appeal", "not_corrected")
    told.then(ProviderRefused)
    applied().when(REFUSE, CLERK).refused("term_still_runs")


def test_a_suspended_provider_reports_its_remedy_and_the_registrar_decides_on_it() -> None:
    entry = suspended()
    assert (entry.state.term, entry.state.last_day) == ("remedy", "2027-04-21")
    entry.when(UPHOLD, CLERK).refused("no_remedy_reported")
    entry.when(REPORT, person("provider", organisation=CLERK.id)).refused("not_yours")
    told = entry.when(REPORT, STAFF)
    assert (told.event.term, told.event.answers, told.event.in_time) == ("remedy_decision", "remedy", True)
    reported = told.then(RemedyReported)
    reported.when(REPORT, STAFF).refused("remedy_reported")
    upheld = reported.when(UPHOLD, CLERK).then(SuspensionUpheld)
    assert (upheld.state.status, upheld.state.term) == ("suspended", "remedy")
    restored = upheld.when(REPORT, STAFF).then(RemedyReported).when(RESTORE, CLERK)
    assert (restored.event.answers, restored.event.in_time) == ("remedy_decision", True)
    assert restored.then(ProviderRestored).state.status == "active"


def test_who_remedied_nothing_in_time_may_be_excluded_for_it_and_not_before() -> None:
    suspended().when(EXCLUDE, CLERK).refused("term_still_runs")
    late = missed(suspended(), "remedy")
    assert late.when(EXCLUDE, CLERK).event.term == "appeal"
    gone = late.when(EXCLUDE, CLERK).then(ProviderExcluded)
    assert (gone.state.status, gone.state.term, gone.state.missed) == ("excluded", "", "")
    # Reported after the term, but before a decision: it is the report that is decided on.
    late.when(REPORT, STAFF).then(RemedyReported).when(EXCLUDE, CLERK).refused("term_still_runs")


def test_leaving_is_voluntary_on_its_own_ground() -> None:
    event = active().when(WithdrawProvider(id=PROVIDER), STAFF).event
    assert (event.ground_code, event.ground, event.day) == ("own_will", "442-FZ art. 25 p. 2", "2027-03-10")
    assert suspended().when(WithdrawProvider(id=PROVIDER), STAFF).then(ProviderWithdrawn).state.term == ""


@pytest.mark.parametrize("late_by", [timedelta(seconds=1), timedelta(days=90)])
def test_a_term_that_was_answered_is_not_missed_however_late_its_reminder_comes(late_by: timedelta) -> None:
    first = applied()
    command = MissTerm(id=PROVIDER, term="decision", until=first.state.until)
    returned = first.when(RETURN, CLERK).then(ProviderReturned)
    told = returned.when(command, SYSTEM, now=command.until + late_by)
    assert told.decision.events == () and told.decision.refusal is None
    again = returned.when(application(), STAFF, now=NOON + timedelta(days=8)).then(ProviderApplied)
    assert again.when(command, SYSTEM, now=command.until + late_by).decision.events == (), "another term of that kind"
    once = missed(first, "decision")
    assert once.when(command, SYSTEM, now=command.until + late_by).decision.events == ()
    nothing().when(command, SYSTEM).refused("wrong_state")
    first.when(command, CLERK).refused("forbidden_role")


# -- whatever people do in whatever order -----------------------------------------------------------------------------

STEPS: dict[str, tuple[Any, Actor]] = {
    "apply": (application(), STAFF), "return": (RETURN, CLERK), "refuse": (REFUSE, CLERK), "suspend": (SUSPEND, CLERK),
    "report": (REPORT, STAFF), "uphold": (UPHOLD, CLERK), "restore": (RESTORE, CLERK), "exclude": (EXCLUDE, CLERK),
    "withdraw": (WithdrawProvider(id=PROVIDER), STAFF), "include": (INCLUDE, CLERK),
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@examples(st.lists(st.tuples(st.sampled_from([*STEPS, "miss"]), st.integers(0, 40)), max_size=12))
def test_whatever_is_done_a_term_runs_exactly_while_somebody_has_to_act(steps: list[tuple[str, int]]) -> None:
    """And what an event says it answers is computed again from the state before it, as a replay does."""
    entry, now = checked(), NOON
    for step, days in steps:
        now += timedelta(days=days)
        told = _done(entry, step, now)
        if told.decision.refusal is None:
            for event in told.decision.events:
                again = register_entry.recomputed.get(type(event).__name__)
                if again:
                    assert {n: getattr(event, n) for n in ("answers", "asked_by", "in_time")} == again(
                        entry.state, event
                    )
            entry = told.then(*(type(event) for event in told.decision.events))
        state = entry.state
        waits = {"applied": {"decision"}, "returned": {"correction"}, "suspended": {"remedy", "remedy_decision"}}
        assert state.term in waits.get(state.status, {""})
        assert (state.until is None) == (state.term == "") and state.missed in ("", state.term)


def _done(entry: Given, step: str, now: datetime) -> Told:
    if step == "miss":
        until = entry.state.until or now
        command = MissTerm(id=PROVIDER, term=entry.state.term or "decision", until=until)
        return entry.when(command, SYSTEM, now=max(now, until + timedelta(seconds=1)))
    command, actor = STEPS[step]
    return entry.when(command, actor, now=now, facts="РП-2027-000001")


# -- the region's files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        ("region.toml", "remedy_working_days = 30", "remedy_working_days = 0", "remedy_working_days"),
        ("region.toml", "appeal_working_days = 60\n", "", "appeal_working_days"),
        ("grounds.toml", 'for = ["withdrawn"]', 'for = ["excluded"]', "withdrawn"),
        ("grounds.toml", 'code = "own_will"', 'code = "false_data"', "twice"),
        ("grounds.toml", 'after = "remedy"', 'after = "lunch"', "after"),
        ("grounds.toml", 'for = ["upheld"]', 'for = ["upheld", "withdrawn"]', "withdrawn"),
    ],
)
def test_a_region_that_lacks_a_term_or_a_ground_stops_the_service(
    tmp_path: Path, file: str, before: str, after: str, says: str
) -> None:
    region = tmp_path / "region"
    copytree(PROJECT / "region", region)
    text = (region / file).read_text(encoding="utf-8")
    assert before in text
    (region / file).write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(BadRegion, match=says):
        load_rules(region)


def test_the_version_of_the_rules_is_that_of_the_files_contents(tmp_path: Path) -> None:
    region = tmp_path / "region"
    copytree(PROJECT / "region", region)
    assert load_rules(region).version == RULES.version
    text = (region / "grounds.toml").read_text(encoding="utf-8")
    (region / "grounds.toml").write_text(text.replace("99-FZ art. 20", "99-FZ art. 19"), encoding="utf-8")
    assert load_rules(region).version != RULES.version

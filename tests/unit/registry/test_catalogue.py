"""DOMAIN §1, the catalogue: versions valid from–to; a calculation is pinned to the version of its date; four eyes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from kernel.identity import Actor
from kernel.ids import new_id
from kernel.refusal import Refused
from kernel.settings import PROJECT
from services.registry.domain.catalogue.calculation import (
    CalculateCost,
    CostCalculated,
    InForce,
    calculation,
    cost_of,
)
from services.registry.domain.catalogue.listed_service import (
    ApproveCost,
    ApproveStandard,
    CloseService,
    CostApproved,
    CostPrepared,
    ListProposedService,
    ListService,
    PrepareCost,
    PrepareStandard,
    ServiceClosed,
    ServiceListed,
    StandardApproved,
    StandardPrepared,
    listed_service,
)
from services.registry.domain.catalogue.values import Norm, Version, Words, check_period, service_id, version_on
from services.registry.rules import load_rules
from tests.story import NOON, Given, given
from tests.support import person

RULES = load_rules(PROJECT / "region")
CLERK, SECOND = person("registrar"), person("registrar")
TODAY = date(2027, 3, 10)
CODE = "DOM-01"
STANDARD: dict[str, Any] = {
    "text": {"ru": "Не реже двух раз в неделю", "en": "At least twice a week"},
    "indicators": [
        {
            "name": {"ru": "Довольны услугой", "en": "Satisfied"},
            "relation": "at_least",
            "value": "90",
            "measure": {"ru": "% получателей", "en": "% of recipients"},
        }
    ],
}
NORM: dict[str, Any] = {
    "cost_kopecks": 41_200,
    "territories": {"kem": "1.15"},
    "categories": {"bedridden": "1.5"},
    "basis": "приказ № 1",
}


def day(after: int) -> date:
    return TODAY + timedelta(days=after)


def listed() -> Given:
    command = ListService(
        code=CODE, kind="domestic", form="home", unit="visit", name={"ru": "Доставка", "en": "Delivery"}
    )  # fmt: skip
    return given(listed_service, id=service_id(CODE), rules=RULES).when(command, CLERK).then(ServiceListed)


def cost(valid_from: date, valid_to: date | None = None, **norm: Any) -> PrepareCost:
    return PrepareCost(code=CODE, norm={**NORM, **norm}, valid_from=valid_from, valid_to=valid_to)


def with_cost(entry: Given, valid_from: date, valid_to: date | None = None, now: datetime = NOON) -> Given:
    prepared = entry.when(cost(valid_from, valid_to), CLERK, now=now).then(CostPrepared)
    number = prepared.state.cost_draft.number
    return prepared.when(ApproveCost(code=CODE, number=number), SECOND, now=now).then(CostApproved)


def active() -> Given:
    """In use since the beginning of the year."""
    prepare = PrepareStandard(code=CODE, standard=STANDARD, valid_from=date(2027, 1, 1))
    entry = listed().when(prepare, CLERK).then(StandardPrepared)
    entry = entry.when(ApproveStandard(code=CODE, number=1), SECOND).then(StandardApproved)
    assert entry.state.status == "drafted", "a standard without a cost is not in use"
    return with_cost(entry, date(2027, 1, 1))


def test_a_service_is_in_use_once_a_standard_and_a_cost_were_approved() -> None:
    state = active().state
    assert state.status == "active"
    assert state.costs == (Version(1, date(2027, 1, 1), None),)


def test_who_prepared_a_version_does_not_approve_it() -> None:
    entry = active().when(cost(day(10)), CLERK).then(CostPrepared)
    entry.when(ApproveCost(code=CODE, number=2), CLERK).refused("four_eyes")
    entry.when(ApproveCost(code=CODE, number=2), person("officer")).refused("forbidden_role")
    told = entry.when(ApproveCost(code=CODE, number=2), SECOND)
    assert (told.event.number, told.event.norm.territories, told.event.day) == (2, {"kem": "1.15"}, "2027-03-10")
    assert told.event.region_version == RULES.version


def test_a_draft_that_was_replaced_can_not_be_approved() -> None:
    entry = active().when(cost(day(10)), CLERK).then(CostPrepared).when(cost(day(20)), CLERK).then(CostPrepared)
    entry.when(ApproveCost(code=CODE, number=2), SECOND).refused("draft_version_unknown")
    approved = entry.when(ApproveCost(code=CODE, number=3), SECOND).then(CostApproved)
    approved.when(ApproveCost(code=CODE, number=3), SECOND).refused("draft_version_unknown")


def test_a_version_begins_after_today_and_after_the_one_before_it() -> None:
    entry = active()
    entry.when(cost(TODAY), CLERK).refused("version_too_early")
    entry.when(cost(day(5), day(4)), CLERK).refused("period_reversed")
    later = with_cost(entry, day(30))
    later.when(cost(day(30)), CLERK).refused("version_too_early")
    prepared = entry.when(cost(day(1)), CLERK).then(CostPrepared)
    # Prepared in time, approved too late: the day of approval counts.
    prepared.when(ApproveCost(code=CODE, number=2), SECOND, now=NOON + timedelta(days=1)).refused("version_too_early")
    assert len(prepared.state.costs) == 1


@pytest.mark.parametrize(
    ("norm", "code"),
    [
        ({"territories": {"atlantis": "1.2"}}, "territory_unknown"),
        ({"categories": {"rich": "0.5"}}, "category_unknown"),
        ({"categories": {"bedridden": "0"}}, "coefficient_zero"),
        ({"categories": {"bedridden": "0.0"}}, "coefficient_zero"),
    ],
)
def test_a_cost_that_is_not_right_is_refused(norm: dict[str, Any], code: str) -> None:
    active().when(cost(day(5), **norm), CLERK).refused(code)


def test_a_unit_is_one_of_the_regions() -> None:
    command = ListService(code="X-1", kind="domestic", form="home", unit="mile", name={"ru": "Миля", "en": "Mile"})
    given(listed_service, rules=RULES).when(command, CLERK).refused("unit_unknown")


def test_closing_leaves_the_past_and_takes_no_new_versions() -> None:
    close = CloseService(code=CODE, closes_on=day(20), reason="услуга объединена с другой")
    active().when(close.model_copy(update={"closes_on": TODAY}), CLERK).refused("closes_too_early")
    closed = active().when(close, CLERK).then(ServiceClosed)
    closed.when(cost(day(5)), CLERK).refused("wrong_state")


def test_an_approved_proposal_comes_with_its_first_versions() -> None:
    command = ListProposedService(
        code="COM-03", kind="communicative", form="home", unit="hour", name={"ru": "Чтение", "en": "Reading"},
        standard=STANDARD, norm=NORM, valid_from=day(3), proposal_id=new_id(),
    )  # fmt: skip
    fresh = given(listed_service, id=service_id("COM-03"), rules=RULES)
    fresh.when(command, CLERK).refused("forbidden_role")
    entry = fresh.when(command, Actor.system("registry")).then(ServiceListed, StandardApproved, CostApproved)
    assert entry.state.status == "active" and version_on(entry.state.costs, day(3)) == 1


# -- what held on a day that has come never changes -------------------------------------------------------------------


@examples(st.lists(st.tuples(st.integers(0, 20), st.integers(-20, 60), st.none() | st.integers(-5, 40)), max_size=10))
def test_no_approval_ever_changes_what_held_up_to_its_day(tries: list[tuple[int, int, int | None]]) -> None:
    """DOMAIN §1: a calculation is pinned to the version valid on its date; editing never changes a computed amount."""
    versions: tuple[Version, ...] = ()
    today = TODAY
    for passed, begins, lasts in tries:
        today += timedelta(days=passed)
        before = {n: version_on(versions, today - timedelta(days=n)) for n in range(60)}
        begin = today + timedelta(days=begins)
        end = None if lasts is None else begin + timedelta(days=lasts)
        try:
            check_period(versions, begin, end, today)
        except Refused:
            continue
        first = not versions
        versions = (*versions, Version(len(versions) + 1, begin, end))
        after = {n: version_on(versions, today - timedelta(days=n)) for n in range(60)}
        assert first or after == before
        assert version_on(versions, begin) == len(versions), "a new version holds from its first day"


def test_between_the_end_of_one_version_and_the_next_nothing_holds() -> None:
    versions = (Version(1, day(0), day(5)), Version(2, day(10), None))
    assert [version_on(versions, day(n)) for n in (-1, 0, 5, 6, 9, 10, 400)] == [None, 1, 1, None, None, 2, 2]


# -- calculations -----------------------------------------------------------------------------------------------------

FOUND = InForce(Words(ru="Доставка", en="Delivery"), "visit", 1, 3, Norm(**NORM))


def asked(**changes: Any) -> CalculateCost:
    return CalculateCost(
        id=new_id(), **{"code": CODE, "territory": "kem", "category": "bedridden", "day": TODAY, "units": 10, **changes}
    )


def calculations() -> Given:
    return given(calculation, rules=RULES)


def test_a_calculation_names_its_versions_and_every_factor() -> None:
    event = calculations().when(asked(), CLERK, facts=("НЗ-2027-000001", FOUND)).event
    assert (event.standard_version, event.cost_version) == (1, 3)
    assert (event.cost_kopecks, event.territory_coefficient, event.category_coefficient) == (41_200, "1.15", "1.5")
    # 412.00 × 1.15 × 1.5 = 710.70 a unit
    assert (event.unit_kopecks, event.amount_kopecks) == (71_070, 710_700)
    calculations().when(asked(), CLERK, facts=("НЗ-2027-000001", FOUND)).then(CostCalculated)


def test_where_no_coefficient_is_named_it_is_one() -> None:
    event = calculations().when(asked(territory="onega", category=None), CLERK, facts=("НЗ", FOUND)).event
    assert (event.territory_coefficient, event.category, event.category_coefficient) == ("1", "", "1")
    assert event.amount_kopecks == 412_000


@pytest.mark.parametrize(
    ("changes", "found", "code"),
    [
        ({"territory": "atlantis"}, FOUND, "territory_unknown"),
        ({"category": "rich"}, FOUND, "category_unknown"),
        ({}, None, "no_version_on_date"),
    ],
)
def test_what_can_not_be_calculated_is_refused(changes: dict[str, Any], found: InForce | None, code: str) -> None:
    calculations().when(asked(**changes), CLERK, facts=("НЗ", found)).refused(code)
    calculations().when(asked(), person("beneficiary"), facts=("НЗ", FOUND)).refused("forbidden_role")


def test_an_amount_above_the_limit_of_amounts_is_refused() -> None:
    dear = InForce(FOUND.name, "visit", 1, 1, Norm(cost_kopecks=10**12, basis="приказ"))
    calculations().when(asked(units=10**4), CLERK, facts=("НЗ", dear)).refused("amount_too_large")


COEFFICIENTS = st.integers(1, 999_999).map(lambda n: f"{n // 10_000}.{n % 10_000:04d}")


@examples(st.integers(1, 10**7), COEFFICIENTS, COEFFICIENTS, st.integers(1, 10**3))
def test_the_amount_is_exact_but_for_half_a_kopeck_a_unit(kopecks: int, place: str, group: str, units: int) -> None:
    norm = Norm(cost_kopecks=kopecks, territories={"kem": place}, categories={"bedridden": group}, basis="приказ")
    result = cost_of(norm, "kem", "bedridden", units)
    exact = kopecks * Fraction(place) * Fraction(group)
    assert abs(result.unit_kopecks - exact) <= Fraction(1, 2)
    assert result.amount_kopecks == result.unit_kopecks * units


@examples(st.integers(1, 10**7), COEFFICIENTS, st.integers(1, 10**4), st.integers(1, 10**9))
def test_a_replay_finds_an_amount_that_is_not_what_its_inputs_give(
    kopecks: int, place: str, units: int, wrong: int
) -> None:
    norm = Norm(cost_kopecks=kopecks, territories={"kem": place}, basis="приказ")
    found = InForce(FOUND.name, "visit", 1, 1, norm)
    event = calculations().when(asked(category=None, units=units), CLERK, facts=("НЗ", found)).event
    again = calculation.recomputed["CostCalculated"]
    right = {"unit_kopecks": event.unit_kopecks, "amount_kopecks": event.amount_kopecks}
    assert again(calculation.initial, event) == right
    forged = event.model_copy(update={"amount_kopecks": event.amount_kopecks + wrong})
    assert again(calculation.initial, forged)["amount_kopecks"] != forged.amount_kopecks


def test_the_year_turns_over_by_the_regions_own_day() -> None:
    eve = datetime(2027, 12, 31, 21, 30, tzinfo=UTC)  # 1 January 2028 in the region
    entry = with_cost(active(), day(30))
    entry.when(cost(date(2028, 1, 1)), CLERK, now=eve).refused("version_too_early")
    entry.when(cost(date(2028, 1, 2)), CLERK, now=eve).then(CostPrepared)

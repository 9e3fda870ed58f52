"""The region's data: it loads, every reference leads somewhere, every sum and check digit is right.

Run with MARKET_REGION set to check a region of your own; what only the sample has is checked only there.
"""

from __future__ import annotations

import csv
import os
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from stdnum.ru import inn, ogrn

from kernel.calendar import WorkingCalendar
from kernel.money import MAX_KOPECKS, share
from services.orders.domain.scoring import FORMULAS, formulas_hash, parse_criteria

SAMPLE = Path(__file__).parents[2] / "region"
REGION = Path(os.environ.get("MARKET_REGION") or SAMPLE).resolve()
sample_only = pytest.mark.skipif(SAMPLE.resolve() != REGION, reason="what only the sample region promises")

FORMS = {"home", "semi_residential", "residential", "urgent"}
SERVICE_KINDS = {"domestic", "medical", "psychological", "pedagogical", "labour", "legal", "communicative", "urgent"}
KINDS = {"npo", "budget_institution", "social_enterprise", "individual"}


def toml(name: str) -> dict[str, Any]:
    return tomllib.loads((REGION / name).read_text(encoding="utf-8"))


def rows(name: str) -> list[dict[str, str]]:
    with open(REGION / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def by_code(items: list[dict[str, Any]], key: str = "code") -> dict[str, dict[str, Any]]:
    codes = [item[key] for item in items]
    assert len(set(codes)) == len(codes), "a code occurs twice"
    return dict(zip(codes, items, strict=True))


SETTINGS = toml("region.toml")
TERRITORIES = by_code(toml("territories.toml")["municipality"])
UNITS = by_code(toml("catalogue.toml")["unit"])
SERVICES = by_code(toml("catalogue.toml")["service"])
BODIES = by_code(SETTINGS["body"])
ORDERS = toml("demo/orders.toml")
ORGANISATIONS = rows("demo/organisations.csv")


def in_both_languages(*texts: dict[str, str]) -> None:
    for text in texts:
        assert set(text) == {"ru", "en"}
        assert all(value.strip() for value in text.values())


def on_the_map(latitude: str, longitude: str) -> None:
    assert -90 <= float(latitude) <= 90
    assert -180 <= float(longitude) <= 180


# ---------------------------------------------------------------------------------------------------- configuration


def test_days_and_limits_are_whole_and_positive() -> None:
    assert all(type(value) is int and 0 < value < 100 for value in SETTINGS["days"].values())
    limits = {name: value for name, value in SETTINGS["limits"].items() if name != "consortium_partners"}
    assert 0 < limits.pop("ad_surface_days_per_year") <= 100 * 366  # days of surfaces together, within a year
    assert all(type(value) is int and 0 < value <= 100 for value in limits.values())
    ZoneInfo(SETTINGS["zone"])
    in_both_languages(SETTINGS["name"], SETTINGS["market"])


def test_a_question_can_always_be_asked_and_answered_in_time() -> None:
    days = SETTINGS["days"]
    assert days["answer_working_days"] <= days["question_limit_working_days"]
    assert days["question_limit_working_days"] < days["amendment_extension_working_days"]
    assert days["bid_confirmation_working_days"] <= days["amendment_extension_working_days"]
    assert days["amendment_extension_working_days"] <= days["minimum_acceptance_working_days"]


def test_formulas_allowed_exist() -> None:
    assert SETTINGS["formulas"]["allowed"]
    assert set(SETTINGS["formulas"]["allowed"]) <= set(FORMULAS)


def test_three_custodians_of_three_bodies() -> None:
    custodians = SETTINGS["custodian"]
    assert [keeper["number"] for keeper in custodians] == [1, 2, 3]
    bodies = [keeper["body"] for keeper in custodians]
    assert len(set(bodies)) == 3
    assert set(bodies) <= set(BODIES)
    in_both_languages(*(body["name"] for body in BODIES.values()))


def test_the_calendars_reach_over_the_season() -> None:
    assert ORDERS["year"] in WorkingCalendar.load(REGION / "calendars").years


def test_catalogue() -> None:
    assert {service["kind"] for service in SERVICES.values()} == SERVICE_KINDS
    assert {service["form"] for service in SERVICES.values()} <= FORMS
    for service in SERVICES.values():
        assert service["unit"] in UNITS
        assert type(service["cost_kopecks"]) is int
        assert 0 < service["cost_kopecks"] < MAX_KOPECKS
        assert service["units_per_place"] > 0
        assert isinstance(service["valid_from"], date)
        in_both_languages(service["name"], service["standard"])
    in_both_languages(*(unit["name"] for unit in UNITS.values()))


def test_territories() -> None:
    for municipality in TERRITORIES.values():
        in_both_languages(municipality["name"])
        on_the_map(municipality["latitude"], municipality["longitude"])


# ----------------------------------------------------------------------------------------------------- organisations


def test_numbers_have_right_check_digits_and_are_their_own() -> None:
    for row in ORGANISATIONS:
        inn.validate(row["inn"])
        ogrn.validate(row["ogrn"])
        alone = row["kind"] == "individual"
        assert (len(row["inn"]), len(row["ogrn"])) == ((12, 15) if alone else (10, 13)), row["short_name"]
    for column in ("number", "inn", "ogrn", "full_name", "short_name"):
        assert len({row[column] for row in ORGANISATIONS}) == len(ORGANISATIONS), column


def test_organisations_refer_to_what_exists() -> None:
    for row in ORGANISATIONS:
        services = row["services"].split(";")
        assert set(services) <= set(SERVICES)
        assert set(row["service_kinds"].split(";")) == {SERVICES[code]["kind"] for code in services}
        forms = row["forms"].split(";")
        assert set(forms) == {SERVICES[code]["form"] for code in services}
        places = dict(place.split("=") for place in row["places"].split(";"))
        assert list(places) == forms
        assert all(0 < int(number) < 1000 for number in places.values())
        assert row["territory"] in TERRITORIES
        assert row["kind"] in KINDS
        assert row["head"]
        on_the_map(row["latitude"], row["longitude"])


@sample_only
def test_the_sample_marks_what_is_real_and_what_is_invented() -> None:
    raw = rows("demo/raw_register.csv")
    facts = list(raw[0])
    assert facts == ["full_name", "city", "latitude", "longitude", "activity"]
    real = [row for row in ORGANISATIONS if row["origin"] == "real"]
    assert [int(row["raw_row"]) for row in real] == list(range(1, len(raw) + 1))
    assert [{fact: row[fact] for fact in facts} for row in real] == raw
    invented = [row for row in ORGANISATIONS if row["origin"] == "invented"]
    assert len(real) == 20
    assert len(invented) >= 25
    assert len(ORGANISATIONS) == len(real) + len(invented)
    assert all("вымышлено" in row["full_name"] for row in invented)
    assert {row["kind"] for row in invented} == KINDS
    # A tax office 0000 and a region 00 do not exist, so no number here can be somebody's.
    assert all(row["inn"].startswith("0000") and row["ogrn"][3:5] == "00" for row in ORGANISATIONS)
    assert "МБУ" in real[2]["full_name"]
    assert real[2]["kind"] == "budget_institution"


def test_premises() -> None:
    premises = by_code(rows("demo/premises.csv"))
    assert len(premises) >= 12
    for row in premises.values():
        assert row["kind"] in {"premises", "ad_space"}
        assert row["territory"] in TERRITORIES
        assert "premises_owner" in BODIES[row["owner"]]["roles"]
        assert row["accessibility"] in {"yes", "partly", "no"}
        assert 0 < int(row["area_m2"]) < 10_000
        assert date.fromisoformat(row["free_from"]) < date.fromisoformat(row["free_to"])
        on_the_map(row["latitude"], row["longitude"])


# ------------------------------------------------------------------------------------------------------------- orders


def lots() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(order, lot) for order in ORDERS["order"] for lot in order["lot"]]


@sample_only
def test_orders_have_their_number_and_their_own_keys() -> None:
    by_code(ORDERS["order"], "key")
    by_code([lot for _, lot in lots()], "key")
    assert (len(ORDERS["order"]), len(lots())) == (12, 25)


def test_no_volume_is_spent_twice() -> None:
    for order in ORDERS["order"]:
        competition = sum(lot["volume"] for lot in order["lot"])
        assert order["volume"] == order["state_assignment"] + order["certificates"] + competition
        assert min(order["state_assignment"], order["certificates"], *(lot["volume"] for lot in order["lot"])) >= 0


def test_orders_refer_to_what_exists() -> None:
    budgets = by_code(ORDERS["budget"])
    for order, lot in lots():
        assert "officer" in BODIES[order["body"]]["roles"]
        assert order["budget"] in budgets
        assert order["criteria"] in ORDERS["criteria"]
        assert lot["municipality"] in TERRITORIES
        assert 0 < lot["limit_price_kopecks"] <= SERVICES[order["service"]]["cost_kopecks"]
        in_both_languages(order["title"])
    used = {order["criteria"] for order in ORDERS["order"]}
    assert used == set(ORDERS["criteria"])


def test_criteria_can_be_frozen() -> None:
    allowed = set(SETTINGS["formulas"]["allowed"])
    hashes = set()
    for criteria in ORDERS["criteria"].values():
        announced = [
            {name: line[name] for name in ("key", "formula", "weight", "parameters") if name in line}
            for line in criteria["criterion"]
        ]
        parsed = parse_criteria(announced)
        assert {criterion.formula.name for criterion in parsed} <= allowed
        assert sum(share(100, [criterion.weight for criterion in parsed])) == 100
        in_both_languages(criteria["name"], *(line["name"] for line in criteria["criterion"]))
        hashes.add(formulas_hash(announced))
    assert len(hashes) == len(ORDERS["criteria"])


@sample_only
def test_only_one_budget_is_short_and_on_purpose() -> None:
    wanted: Counter[str] = Counter()
    for order, lot in lots():
        wanted[order["budget"]] += lot["volume"] * lot["limit_price_kopecks"]
    limits = {budget["code"]: budget["limit_kopecks"] for budget in ORDERS["budget"]}
    assert set(wanted) == set(limits)
    assert [code for code in limits if limits[code] < wanted[code]] == ["monchegorsk"]
    assert sum(limits.values()) < MAX_KOPECKS


@sample_only
def test_every_order_but_one_finds_bidders_with_places() -> None:
    offers: Counter[str] = Counter(code for row in ORGANISATIONS for code in row["services"].split(";"))
    assert [order["key"] for order in ORDERS["order"] if not offers[order["service"]]] == ["O12"]
    assert all(offers[order["service"]] >= 5 for order in ORDERS["order"] if order["key"] != "O12")
    for order, lot in lots():
        service = SERVICES[order["service"]]
        free = sum(
            int(dict(place.split("=") for place in row["places"].split(";"))[service["form"]])
            for row in ORGANISATIONS
            if order["service"] in row["services"].split(";")
        )
        assert order["key"] == "O12" or free * service["units_per_place"] >= lot["volume"], lot["key"]

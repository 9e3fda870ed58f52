"""The catalogue on a real database: versions, calculations that stay, a code used once, proposals that become services."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.ids import new_id
from kernel.rebuild import Rebuild
from services.registry.projections.catalogue import calculations, codes, proposals, services
from services.registry.service import service
from tests.component.registry.test_register import CHECKS, CLERK, SECOND, card
from tests.support import Market, market, person
from tests.unit.registry.test_catalogue import NORM, STANDARD
from tests.unit.registry.test_proposal import ITEMS

PROVIDER = new_id()
STAFF = person("provider", organisation=PROVIDER)
EXPERTS = [person("evaluator") for _ in range(3)]


@pytest.fixture(scope="module")
def region(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    began = datetime(2027, 1, 15, 9, tzinfo=UTC)
    with market([service()], module_database, tmp_path_factory.mktemp("home"), began) as made:
        made.do("registry.apply_to_register", {"id": PROVIDER, **card(1)}, STAFF)
        made.do("registry.check_application", {"id": PROVIDER, "checks": CHECKS}, SECOND)
        made.do("registry.include_provider", {"id": PROVIDER}, SECOND)
        yield made


def service_of(code: str, **changes: Any) -> dict[str, Any]:
    name = {"ru": f"Услуга {code}", "en": f"Service {code}"}
    return {"code": code, "kind": "domestic", "form": "home", "unit": "visit", "name": name, **changes}


def version(region: Market, what: str, code: str, valid_from: str, **content: Any) -> int:
    """A version prepared by one registrar and approved by the other; its number."""
    data = {"code": code, "valid_from": valid_from, **content}
    number: int = region.do(f"registry.prepare_{what}", data, CLERK)["reply"]["number"]
    region.do(f"registry.approve_{what}", {"code": code, "number": number}, SECOND)
    return number


def in_use(region: Market, code: str, **changes: Any) -> None:
    region.do("registry.list_service", service_of(code, **changes), CLERK)
    version(region, "standard", code, "2027-01-01", standard=STANDARD)
    version(region, "cost", code, "2027-01-01", norm=NORM)


def asked(code: str, day: str = "2027-01-20", units: int = 10, **changes: Any) -> dict[str, Any]:
    return {"code": code, "territory": "kem", "day": day, "units": units, **changes}


def calculated(region: Market, code: str, **changes: Any) -> dict[str, Any]:
    made = region.do("registry.calculate_cost", {"id": new_id(), **asked(code, **changes)}, STAFF)
    found: dict[str, Any] = region.ask("registry.calculation", {"id": made["id"]})
    return found


def test_editing_never_changes_what_was_computed(region: Market) -> None:
    """DOMAIN §1: a calculation is pinned to the version valid on its date; the register is edited, the amount stays."""
    in_use(region, "EDT-01")
    first = calculated(region, "EDT-01")
    assert (first["cost_version"], first["unit_kopecks"], first["amount_kopecks"]) == (1, 47_380, 473_800)
    dearer = {**NORM, "cost_kopecks": 50_000, "territories": {"kem": "2"}}
    assert version(region, "cost", "EDT-01", "2027-02-01", norm=dearer) == 2
    assert region.ask("registry.calculation", {"id": first["id"]}) == first
    # The same day asked again gives the same; a day of the new version gives the new one.
    assert region.ask("registry.cost", asked("EDT-01"))["amount_kopecks"] == 473_800
    later = calculated(region, "EDT-01", day="2027-02-01")
    assert (later["cost_version"], later["standard_version"], later["amount_kopecks"]) == (2, 1, 1_000_000)
    assert [one["number"] for one in region.ask("registry.service", {"code": "EDT-01"})["costs"]] == [2, 1]


def test_nothing_is_calculated_where_nothing_holds(region: Market) -> None:
    region.do("registry.list_service", service_of("GAP-01"), CLERK)
    for day in ("2027-01-20",):
        assert region.asked("registry.cost", asked("GAP-01", day))["refused"]["code"] == "no_version_on_date"
    version(region, "standard", "GAP-01", "2027-01-01", standard=STANDARD)
    version(region, "cost", "GAP-01", "2027-01-01", norm=NORM, valid_to="2027-03-31")
    version(region, "cost", "GAP-01", "2027-05-01", norm=NORM)
    told = {
        day: region.asked("registry.cost", asked("GAP-01", day)).get("reply", {}).get("cost_version")
        for day in ("2026-12-31", "2027-01-01", "2027-03-31", "2027-04-01", "2027-05-01")
    }
    assert list(told.values()) == [None, 1, 1, None, 2]
    close = {"code": "GAP-01", "closes_on": "2027-06-01", "reason": "объединена с другой"}
    region.do("registry.close_service", close, CLERK)
    assert region.ask("registry.cost", asked("GAP-01", "2027-05-31"))["cost_version"] == 2
    assert region.asked("registry.cost", asked("GAP-01", "2027-06-01"))["refused"]["code"] == "no_version_on_date"
    assert region.asked("registry.cost", asked("NO-01"))["refused"]["code"] == "no_version_on_date"


def test_drafts_are_for_registrars_and_auditors(region: Market) -> None:
    in_use(region, "DRF-01")
    region.do("registry.prepare_cost", {"code": "DRF-01", "norm": NORM, "valid_from": "2027-03-01"}, CLERK)
    region.do("registry.prepare_cost", {"code": "DRF-01", "norm": NORM, "valid_from": "2027-04-01"}, CLERK)
    public = region.ask("registry.service", {"code": "DRF-01"})
    assert [one["number"] for one in public["costs"]] == [1] and "prepared_by" not in public["costs"][0]
    inside = region.ask("registry.service", {"code": "DRF-01"}, person("auditor"))["costs"]
    assert [(one["number"], one["approved_on"]) for one in inside] == [(3, None), (1, "2027-01-15")], "2 gave way to 3"
    assert public["in_force"] == {"standard_version": 1, "cost_version": 1}


def test_a_code_is_used_once_whoever_comes_first(region: Market) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: region.answer("registry.list_service", service_of("ONE-01"), CLERK), range(8))
        )
    assert [a["refused"]["code"] for a in answers if "refused" in a] == ["wrong_state"] * 7


def test_numbers_of_calculations_have_no_holes_and_versions_can_be_approved_meanwhile(region: Market) -> None:
    in_use(region, "PAR-01")
    number = region.do(
        "registry.prepare_cost", {"code": "PAR-01", "norm": {**NORM, "cost_kopecks": 1}, "valid_from": "2027-01-16"},
        CLERK,
    )["reply"]["number"]  # fmt: skip

    def one(turn: int) -> dict[str, Any]:
        if turn == 5:
            return region.answer("registry.approve_cost", {"code": "PAR-01", "number": number}, SECOND)
        return region.answer("registry.calculate_cost", {"id": new_id(), **asked("PAR-01", "2027-01-16")}, STAFF)

    with ThreadPoolExecutor(6) as pool:
        replies = [answer["reply"] for answer in pool.map(one, range(20))]
    made = [reply for reply in replies if "cost_version" in reply]
    # Each by the one or the other, whole: never the new number with the old cost.
    assert {(each["cost_version"], each["cost_kopecks"]) for each in made} <= {(1, 41_200), (2, 1)}
    numbers = sorted(int(each["number"][-6:]) for each in made)
    assert numbers == list(range(numbers[0], numbers[0] + 19))


def proposal(region: Market) -> str:
    made = region.do(
        "registry.propose_service",
        {
            "id": new_id(),
            "name": {"ru": "Чтение вслух", "en": "Reading aloud"},
            "kind": "communicative",
            "form": "home",
            "unit": "hour",
            "need": "Просят получатели с потерей зрения",
            "standard": STANDARD,
            "cost_items": ITEMS,
        },
        STAFF,
    )
    proposal_id = str(made["id"])
    experts = [expert.id for expert in EXPERTS]
    region.do("registry.ask_experts", {"id": proposal_id, "experts": experts}, CLERK)
    for expert, view in zip(EXPERTS, ("for", "against", "for"), strict=True):
        opinion = {"id": proposal_id, "view": view, "text": "Заключение"}
        region.do("registry.give_opinion", opinion, expert)
    return proposal_id


def test_an_approved_proposal_becomes_a_service_that_can_be_calculated(region: Market) -> None:
    """DOMAIN §1: a new service is proposed with a standard and a cost calculation; the registrar approves it."""
    proposal_id = proposal(region)
    approve = {"id": proposal_id, "code": "COM-90", "valid_from": "2027-02-01"}
    region.do("registry.approve_proposal", approve, CLERK)
    region.work()
    told = region.ask("registry.service", {"code": "COM-90"})
    assert (told["status"], told["proposal_id"]) == ("active", proposal_id)
    assert told["costs"][0]["norm"]["basis"].startswith("ПУ-2027-")
    assert region.ask("registry.cost", asked("COM-90", "2027-02-01", units=2))["amount_kopecks"] == 98_100
    shown = region.ask("registry.proposal", {"id": proposal_id})
    assert [step["event"] for step in shown["steps"]] == [
        "ServiceProposed", "OpinionGiven", "OpinionGiven", "OpinionGiven", "ProposalApproved",
    ]  # fmt: skip
    assert shown["code"] == "COM-90" and "experts" not in shown
    assert region.ask("registry.proposal", {"id": proposal_id}, CLERK)["experts"] == [each.id for each in EXPERTS]
    assert region.ask("registry.proposal", {"id": proposal_id}, EXPERTS[0])["asked_for_opinion"] is True


def test_a_code_that_is_taken_is_not_given_to_a_proposal(region: Market) -> None:
    region.do("registry.list_service", service_of("TKN-01"), CLERK)
    proposal_id = proposal(region)
    approve = {"id": proposal_id, "code": "TKN-01", "valid_from": "2027-02-01"}
    assert region.refused("registry.approve_proposal", approve, CLERK) == "service_code_taken"
    region.do("registry.approve_proposal", {**approve, "code": "TKN-02"}, CLERK)
    # Before the reaction has run, the code is taken already.
    assert region.refused("registry.list_service", service_of("TKN-02"), CLERK) == "service_code_taken"
    region.work()
    assert region.ask("registry.service", {"code": "TKN-02"})["proposal_id"] == proposal_id


def test_only_who_is_in_the_register_proposes(region: Market) -> None:
    stranger = person("provider", organisation=new_id())
    assert region.refused(
        "registry.propose_service",
        {
            "id": new_id(), "name": {"ru": "Услуга", "en": "Service"}, "kind": "domestic", "form": "home",
            "unit": "hour", "need": "Нужна", "standard": STANDARD, "cost_items": ITEMS,
        },
        stranger,
    ) == "proposer_not_in_register"  # fmt: skip


def test_lists(region: Market) -> None:
    page = region.ask("registry.catalogue", {"limit": 2})
    assert [item["code"] for item in page["items"]] == ["COM-90", "DRF-01"] and page["next"]
    assert page["items"][1]["cost_kopecks"] == 41_200
    assert page["items"][0]["cost_kopecks"] is None, "it begins in February"
    assert [item["code"] for item in region.ask("registry.catalogue", {"kind": "communicative"})["items"]] == [
        "COM-90", "TKN-02",
    ]  # fmt: skip
    assert [item["code"] for item in region.ask("registry.catalogue", {"status": "closed"})["items"]] == ["GAP-01"]
    approved = region.ask("registry.proposals", {"status": "approved", "provider_id": PROVIDER})["items"]
    assert [item["code"] for item in approved] == ["COM-90", "TKN-02"]


def test_the_read_tables_come_back_from_the_log(region: Market) -> None:
    region.work()
    tables = [
        table.name for projection in (services, codes, calculations, proposals) for table in projection.tables
    ]  # fmt: skip
    before = {name: region.sql(f"SELECT to_jsonb(t) FROM registry.{name} t ORDER BY 1") for name in tables}
    assert all(before.values())
    Rebuild(service(), region._admin, [services, codes, calculations, proposals]).run()
    assert {name: region.sql(f"SELECT to_jsonb(t) FROM registry.{name} t ORDER BY 1") for name in tables} == before

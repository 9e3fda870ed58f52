"""A card in full on a real database: documents by their hash, licences that end by the schedule, who sees what."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.ids import new_id
from kernel.rebuild import Rebuild
from services.registry.domain.register_entry.dossier import MOST_BYTES
from services.registry.projections.dossier import dossiers
from services.registry.service import service
from tests.component.registry.test_register import CHECKS, CLERK, SECOND, card
from tests.support import Market, market, person

PROVIDER = new_id()
STAFF = person("provider", organisation=PROVIDER)
THIS = {"id": PROVIDER}
PDF = b"%PDF-1.4 charter"


@pytest.fixture(scope="module")
def region(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    began = datetime(2027, 1, 15, 9, tzinfo=UTC)
    with market([service()], module_database, tmp_path_factory.mktemp("home"), began) as made:
        made.do("registry.apply_to_register", {**THIS, **card(1)}, STAFF)
        made.do("registry.check_application", {**THIS, "checks": CHECKS}, SECOND)
        made.do("registry.include_provider", THIS, SECOND)
        yield made


def attach(given: bytes, **changes: Any) -> dict[str, Any]:
    said = {"kind": "charter", "title": "Устав", "media_type": "application/pdf", "public": True}
    return {**THIS, **said, "content": base64.b64encode(given).decode(), **changes}


def shown(region: Market, actor: Any = None) -> dict[str, Any]:
    return region.ask("registry.provider", THIS, actor)


def test_a_document_comes_back_byte_by_byte_under_its_hash(region: Market) -> None:
    """DOMAIN §1: documents are stored by content hash, size and type limited."""
    digest = hashlib.sha256(PDF).hexdigest()
    assert region.do("registry.attach_document", attach(PDF), STAFF)["reply"] == {"hash": digest}
    found = region.ask("registry.document", {**THIS, "hash": digest})
    assert (base64.b64decode(found["content"]), found["media_type"]) == (PDF, "application/pdf")
    assert [(each["hash"], each["size"]) for each in shown(region)["documents"]] == [(digest, len(PDF))]
    region.work()
    entries = [bytes(row[0]) for row in region.sql("SELECT entry FROM registry.log")]
    assert entries and all(base64.b64encode(PDF) not in entry and PDF not in entry for entry in entries)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (attach(b"<html>"), "document_not_of_its_type"),
        (attach(PDF, media_type="image/png"), "document_not_of_its_type"),
        (attach(PDF, media_type="text/html"), "invalid_input"),
        (attach(b""), "document_size"),
        (attach(b"%PDF-" + b"0" * MOST_BYTES), "document_size"),
        (attach(PDF, content="это не base64"), "document_not_readable"),
    ],
)
def test_what_is_no_document_leaves_nothing_behind(region: Market, data: dict[str, Any], code: str) -> None:
    before = region.sql("SELECT hash FROM registry.document ORDER BY 1")
    assert region.refused("registry.attach_document", data, STAFF) == code
    assert region.sql("SELECT hash FROM registry.document ORDER BY 1") == before


def test_a_document_that_is_not_public_is_for_its_provider_and_officials(region: Market) -> None:
    secret = b"%PDF-1.4 staff list"
    asked = {
        **THIS,
        "hash": region.do("registry.attach_document", attach(secret, public=False), STAFF)["reply"]["hash"],
    }
    for actor in (None, person("provider", organisation=new_id()), person("officer")):
        assert region.asked("registry.document", asked, actor)["refused"]["code"] == "not_found"
        assert len(shown(region, actor)["documents"]) == 1
    for actor in (STAFF, CLERK, person("auditor")):
        assert base64.b64decode(region.ask("registry.document", asked, actor)["content"]) == secret
        assert len(shown(region, actor)["documents"]) == 2
    # The same bytes under another card are another card's document.
    assert region.asked("registry.document", {**asked, "id": new_id()}, CLERK)["refused"]["code"] == "not_found"


def test_a_licence_is_warned_of_and_ends_by_the_schedule_and_a_renewal_stands(region: Market) -> None:
    def record(number: str, valid_to: str | None, **more: Any) -> str:
        said = {"number": number, "activity": "сестринское дело", "issued_by": "Минздрав", "valid_from": "2025-01-01"}
        licence = {**THIS, **said, "valid_to": valid_to, **more}
        return str(region.do("registry.record_licence", licence, STAFF)["reply"]["licence_id"])

    record("ended", "2027-03-31")
    kept = record("renewed", "2027-03-31")
    record("open", None)
    region.move_clock(datetime(2027, 3, 1, 12, tzinfo=UTC))
    region.work()
    said = {each["number"]: each["said"] for each in shown(region)["licences"]}
    assert said == {"ended": "expiring", "open": "", "renewed": "expiring"}
    ending = region.ask("registry.licences_ending", {}, CLERK)["items"]
    assert sorted(each["number"] for each in ending) == ["ended", "renewed"]
    assert region.asked("registry.licences_ending", {}, STAFF)["refused"]["code"] == "forbidden_role"
    record("renewed", "2028-03-31", licence_id=kept)
    region.move_clock(datetime(2027, 3, 31, 21, tzinfo=UTC))  # the first instant of 1 April in the region
    region.work()
    said = {each["number"]: each["said"] for each in shown(region)["licences"]}
    assert said == {"ended": "expired", "open": "", "renewed": ""}
    assert shown(region)["status"] == "active"


def test_staff_experience_inspections_and_flags_are_on_the_card(region: Market) -> None:
    region.do("registry.state_staff", {**THIS, "as_of": "2027-01-10", "staff": 12, "volunteers": 40}, STAFF)
    years = [{"year": year, "recipients": 100 + year, "services": "уход на дому"} for year in (2025, 2026)]
    region.do("registry.state_experience", {**THIS, "years": years}, STAFF)
    inspection = {
        "held_on": "2027-02-01",
        "body": "Роспотребнадзор",
        "outcome": "violations",
        "findings": "нет журнала",
    }
    region.do("registry.record_inspection", {**THIS, **inspection}, CLERK)
    region.do("registry.set_flags", {**THIS, "flags": ["socially_oriented"], "basis": "реестр"}, CLERK)
    told = shown(region)
    assert (told["staff"], told["volunteers"], told["staff_as_of"]) == (12, 40, "2027-01-10")
    assert [each["year"] for each in told["experience"]] == [2026, 2025]
    assert told["inspections"][0]["findings"] == "нет журнала" and told["flags"] == ["socially_oriented"]


def test_the_read_tables_come_back_from_the_log(region: Market) -> None:
    region.work()
    tables = [table.name for table in dossiers.tables]
    before = {name: region.sql(f"SELECT to_jsonb(t) FROM registry.{name} t ORDER BY 1") for name in tables}
    assert all(before.values())
    Rebuild(service(), region._admin, [dossiers]).run()
    assert {name: region.sql(f"SELECT to_jsonb(t) FROM registry.{name} t ORDER BY 1") for name in tables} == before

"""A card in full over HTTP: what the page shows, and a document that is saved byte by byte and never shown."""

from __future__ import annotations

import base64
from typing import Any

from kernel.identity import Actor
from tests.component.gateway.test_market import Town, npos, town
from tests.support import person

__all__ = ["npos", "town"]  # the fixtures: real services and an application over them, providers in the register
PDF = b"%PDF-1.4 charter of nobody"
HTML = {"Accept": "text/html"}


def post(town: Town, path: str, data: dict[str, Any], by: Actor) -> dict[str, Any]:
    answer = town.ask("POST", f"/api/v1{path}", by, json=data)
    assert answer.status_code < 300, answer.text
    return dict(answer.json())


def test_the_page_shows_the_card_in_full(town: Town, npos: list[Actor]) -> None:
    staff, clerk = npos[0], person("registrar")
    card = f"/providers/{staff.organisation}"
    licence = {"number": "Л041-7", "activity": "Сестринское дело", "issued_by": "Минздрав", "valid_from": "2025-01-01"}
    post(town, f"{card}/licences", {**licence, "valid_to": "2027-12-31"}, staff)
    post(town, f"{card}/staff", {"as_of": "2027-01-01", "staff": 12, "volunteers": 41}, staff)
    years = [{"year": 2026, "recipients": 77, "services": "Уход на дому"}]
    post(town, f"{card}/experience", {"years": years}, staff)
    inspection = {
        "held_on": "2026-10-20",
        "body": "Роспотребнадзор",
        "outcome": "violations",
        "findings": "нет журнала",
    }
    post(town, f"{card}/inspections", inspection, clerk)
    post(town, f"{card}/flags", {"flags": ["socially_oriented"], "basis": "реестр"}, clerk)
    page = town.page(card)
    for shown in ("Л041-7", "действует до 31", "доброволец", "Уход на дому", "Найдены нарушения: нет журнала",
                  "Социально ориентированная НКО"):  # fmt: skip
        assert shown in page, shown


def test_a_document_is_saved_byte_by_byte_and_never_shown_by_the_site(town: Town, npos: list[Actor]) -> None:
    card = f"/providers/{npos[0].organisation}"
    said = {"kind": "charter", "title": "Устав", "media_type": "application/pdf"}
    content = base64.b64encode(PDF).decode()
    made = post(town, f"{card}/documents", {**said, "content": content, "public": True}, npos[0])
    address = f"{card}/documents/{made['reply']['hash']}"
    assert address in town.page(card)
    answer = town.ask("GET", address, headers=HTML)
    assert (answer.content, answer.headers["content-type"]) == (PDF, "application/pdf")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for missing in ("0" * 64, "charter.pdf"):
        assert town.ask("GET", f"{card}/documents/{missing}", headers=HTML).status_code == 404
    hidden = {**said, "content": base64.b64encode(PDF + b"2").decode()}
    secret = post(town, f"{card}/documents", hidden, npos[0])["reply"]["hash"]
    assert secret not in town.page(card)
    assert town.ask("GET", f"{card}/documents/{secret}", headers=HTML).status_code == 404
    assert town.ask("GET", f"/api/v1{card}/documents/{secret}", npos[0]).status_code == 200

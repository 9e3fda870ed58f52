"""The catalogue over HTTP: its API, its list and a service's page with a calculation that a citizen can follow."""

from __future__ import annotations

from typing import Any

from kernel.ids import new_id
from tests.component.gateway.test_market import Town, town
from tests.support import person
from tests.unit.registry.test_catalogue import NORM, STANDARD

__all__ = ["town"]  # the fixture: real services and an application over them
CLERK, SECOND = person("registrar"), person("registrar")
SERVICE = {"kind": "domestic", "form": "home", "unit": "visit", "name": {"ru": "Доставка продуктов", "en": "Food"}}


def post(town: Town, path: str, data: dict[str, Any], by: Any = CLERK) -> dict[str, Any]:
    answer = town.ask("POST", f"/api/v1{path}", by, json=data)
    assert answer.status_code < 300, answer.text
    return dict(answer.json())


def test_a_service_is_listed_approved_shown_and_calculated(town: Town) -> None:
    assert "Каталог пока пуст" in town.page("/catalogue")
    post(town, "/catalogue/PAG-01", SERVICE)
    assert "Стандарт ещё не утверждён" in town.page("/catalogue/PAG-01")
    start = {"valid_from": "2027-01-01"}
    for what, content in (("standards", {"standard": STANDARD}), ("costs", {"norm": NORM})):
        post(town, f"/catalogue/PAG-01/{what}", {**content, **start})
        post(town, f"/catalogue/PAG-01/{what}/1/approve", {}, SECOND)
    listed = town.page("/catalogue?kind=domestic&form=home")
    assert "Доставка продуктов" in listed and "412,00" in listed
    assert "PAG-01" not in town.page("/catalogue?kind=legal")
    page = town.page("/catalogue/PAG-01")
    for shown in ("Не реже двух раз в неделю", "не меньше 90", "Кемь × 1,15", "действует сегодня", "приказ № 1"):
        assert shown in page, shown


def test_the_page_calculates_by_the_versions_of_the_day_or_says_why_not(town: Town) -> None:
    asked = "territory=kem&category=bedridden&units=10"
    page = town.page(f"/catalogue/PAG-01?{asked}&day=2027-02-01")
    # 412.00 × 1.15 × 1.5 = 710.70 a unit, ten of them 7,107.00
    assert "710,70" in page and "7\xa0107,00" in page and "стандарт, версия 1" in page
    assert "нет действующего стандарта" in town.page(f"/catalogue/PAG-01?{asked}&day=2026-12-31")
    for wrong in ("day=2027-02-01&units=много", "day=tomorrow&units=10"):
        assert "Данные не приняты" in town.page(f"/catalogue/PAG-01?territory=kem&{wrong}")
    html = {"Accept": "text/html"}
    assert town.ask("GET", "/catalogue/NO-SUCH", headers=html).status_code == 404
    assert town.ask("GET", "/catalogue/не код", headers=html).status_code == 404


def test_a_calculation_is_kept_under_its_number(town: Town) -> None:
    data = {"id": new_id(), "code": "PAG-01", "territory": "onega", "day": "2027-02-01", "units": 3}
    made = post(town, "/calculations", data, person("officer", organisation=new_id()))
    kept = town.ask("GET", f"/api/v1/calculations/{made['id']}").json()
    assert (kept["amount_kopecks"], kept["cost_version"]) == (123_600, 1) and kept["number"].startswith("НЗ-2027-")

"""The unclean list through the register: every row a draft, a person completes it, nothing is taken twice."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.failure import Failure
from app.importing import import_file
from kernel.ids import new_id
from kernel.settings import PROJECT
from services.registry.service import service
from tests.component.registry.test_register import CHECKS, card
from tests.support import Market, market, person

CLERK, SECOND = person("registrar"), person("registrar")
SAMPLE = PROJECT / "region" / "demo" / "raw_register.csv"


@pytest.fixture(scope="module")
def region(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([service()], module_database, tmp_path_factory.mktemp("home")) as made:
        yield made


def as_clerk(region: Market) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any]]:
    return lambda name, data: region.answer(name, dict(data), CLERK)


def report(region: Market, batch_id: str, **params: Any) -> dict[str, Any]:
    return region.ask("registry.import_report", {"batch_id": batch_id, "limit": 200, **params}, CLERK)


@pytest.fixture(scope="module")
def sample(region: Market) -> str:
    said: list[str] = []
    made = import_file(SAMPLE, as_clerk(region), said.append)
    assert (made.rows, made.taken, made.known, made.refused) == (20, 20, 0, [])
    assert made.missing["inn"] == 20 and made.missing["legal_form"] == 1
    text = "\n".join(said)
    assert "похоже на: СГОО БУМЕРАНГ ДОБРА" in text and "дополнить: ИНН, ОГРН" in text
    region.work()
    return made.batch_id


def test_every_row_is_kept_as_it_came_beside_what_was_taken(region: Market, sample: str) -> None:
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = report(region, sample)
    assert told["batch"]["counts"] == {"draft": 20} and told["batch"]["rows"] == 20
    assert [{cell["column"]: cell["text"] for cell in item["raw"]} for item in told["items"]] == rows
    assert [item["line"] for item in told["items"]] == list(range(2, 22))
    likeness = {item["number"]: [one["name"] for one in item["duplicates"]] for item in told["items"]}
    assert {number: names for number, names in likeness.items() if names} == {
        17: ["ДоброЦентр при СО НКО Бумеранг добра"],
        18: ["СГОО БУМЕРАНГ ДОБРА"],
    }


def test_importing_again_takes_nothing_twice(region: Market, sample: str) -> None:
    before = region.sql("SELECT count(*) FROM registry.log")
    again = import_file(SAMPLE, as_clerk(region), lambda line: None)
    region.work()
    assert (again.batch_id, again.taken, again.known) == (sample, 0, 20)
    assert region.sql("SELECT count(*) FROM registry.log") == before


def test_a_completed_row_becomes_an_application_once(region: Market, sample: str) -> None:
    row = report(region, sample)["items"][2]
    complete = {"row_id": row["id"], **card(500, row["taken"]["full_name"], kind=row["taken"]["kind"])}
    assert region.refused("registry.complete_import_row", {**complete, "inn": "1"}, CLERK) == "inn_length"
    assert region.refused("registry.complete_import_row", complete, person("provider")) == "forbidden_role"
    provider_id = region.do("registry.complete_import_row", complete, CLERK)["id"]
    assert region.refused("registry.complete_import_row", complete, CLERK) == "wrong_state"
    region.work()
    row = report(region, sample)["items"][2]
    assert (row["status"], row["provider_id"]) == ("completed", provider_id)
    assert region.refused("registry.drop_import_row", {"id": row["id"], "reason": "повтор"}, CLERK) == "wrong_state"
    region.do("registry.check_application", {"id": provider_id, "checks": CHECKS}, SECOND)
    assert region.refused("registry.include_provider", {"id": provider_id}, CLERK) == "four_eyes"
    region.do("registry.include_provider", {"id": provider_id}, SECOND)


def test_a_row_whose_inn_lives_already_stays_a_draft(region: Market, sample: str) -> None:
    region.do("registry.apply_to_register", {"id": new_id(), **card(501)}, CLERK)
    row = report(region, sample)["items"][4]
    complete = {"row_id": row["id"], **card(501)}
    assert region.refused("registry.complete_import_row", complete, CLERK) == "inn_taken"
    region.work()
    assert report(region, sample)["items"][4]["status"] == "draft"


def test_a_row_that_is_another_ones_double_is_dropped_with_a_reason(region: Market, sample: str) -> None:
    row = report(region, sample)["items"][17]
    region.do("registry.drop_import_row", {"id": row["id"], "reason": "та же организация, строка 17"}, CLERK)
    complete = {"row_id": row["id"], **card(502)}
    assert region.refused("registry.complete_import_row", complete, CLERK) == "import_row_not_open"
    assert report(region, sample, status="dropped")["items"][0]["dropped_because"] == "та же организация, строка 17"


def test_an_entry_of_the_register_is_found_as_a_likeness(region: Market, tmp_path: Path) -> None:
    known = new_id()
    region.do("registry.apply_to_register", {"id": known, **card(510, "АНО «Полярная сова»")}, CLERK)
    file = tmp_path / "more.csv"
    file.write_bytes(f"Наименование;ИНН\nПОЛЯРНАЯ СОВА;\nЧужое имя;{card(510)['inn']}\nСова;\n".encode("cp1251"))
    made = import_file(file, as_clerk(region), lambda line: None)
    items = report(region, made.batch_id)["items"]
    assert [[one["id"] for one in item["duplicates"]] for item in items] == [[known], [known], []]


def test_a_name_of_a_person_reaches_neither_log_nor_tables(region: Market, tmp_path: Path) -> None:
    file = tmp_path / "persons.csv"
    file.write_text("Наименование,Руководитель\nИП Канареев Пётр,Канареев Пётр\n", encoding="utf-8")
    put: list[Mapping[str, Any]] = []

    def give(name: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        if name == "vault.put_person":
            put.append(data)
            return {"reply": {}}
        return region.answer(name, dict(data), CLERK)

    made = import_file(file, give, lambda line: None)
    region.work()
    [item] = report(region, made.batch_id)["items"]
    assert item["withheld"] == ["Наименование", "Руководитель"] and "head" not in item["missing"]
    assert [data["person"]["full_name"] for data in put] == ["Канареев Пётр"] and item["head_ref"] == put[0]["id"]
    for table in ("log", "outbox", "reply", "draft", "import_row"):
        [(text,)] = region.sql(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM registry.{table} t")
        assert "Канареев" not in text and "Канареев".encode().hex() not in text


def test_what_is_no_register_and_who_is_no_registrar(region: Market, tmp_path: Path) -> None:
    file = tmp_path / "poem.csv"
    file.write_text("Мороз и солнце; день чудесный", encoding="utf-8")
    with pytest.raises(Failure, match="no column names the organisation"):
        import_file(file, as_clerk(region))
    with pytest.raises(Failure, match="registrar"):
        import_file(SAMPLE, lambda name, data: region.answer(name, dict(data), person("provider")))
    row = {"batch_id": new_id(), "number": 1, "line": 2, "cells": [{"column": "name", "text": "АНО"}]}
    assert region.refused("registry.take_import_row", row, CLERK) == "not_found"
    assert region.refused("registry.take_import_row", {**row, "number": 0}, CLERK) == "invalid_input"
    long = [{"column": f"{n}", "text": "я" * 2000} for n in range(9)]
    batch = region.sql("SELECT id::text FROM registry.batch LIMIT 1")[0][0]
    refused = {**row, "batch_id": batch, "number": 99, "cells": long}
    assert region.refused("registry.take_import_row", refused, CLERK) == "import_row_too_long"

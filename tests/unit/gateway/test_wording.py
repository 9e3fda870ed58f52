"""Refusals in words: codes of the domain and phrases of the schema as a person reads them; programs read the same."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from kernel.host import _validated
from kernel.refusal import FORBIDDEN, INVALID, MISSING, UNAUTHENTICATED, WRONG_STATE, Refusal, Refused
from kernel.settings import PROJECT
from services.gateway.problems import document
from services.gateway.web.text import catalogue
from services.gateway.wording import in_words


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    volume: int = Field(gt=0, le=200)
    name: str = Field(min_length=2, max_length=5)
    year: int = Field(ge=2020, lt=2100)
    code: str = Field("AA", pattern="^[A-Z]+$")
    kind: Literal["room", "ad_surface"] = "room"
    lots: tuple[int, ...] = Field((1,), min_length=1, max_length=2)
    yes: bool = True
    at: AwareDatetime | None = None
    on: date | None = None
    more: dict[str, str] = Field(default_factory=dict)


GOOD: dict[str, Any] = {"volume": 5, "name": "abc", "year": 2027}


@pytest.mark.parametrize(
    ("wrong", "ru", "en"),
    [
        ({"volume": 0}, "нужно больше 0", "more than 0 is expected"),
        ({"volume": 900}, "нужно не больше 200", "at most 200 is expected"),
        ({"volume": "5"}, "нужно целое число", "a whole number is expected"),
        ({"year": 1999}, "нужно не меньше 2020", "at least 2020 is expected"),
        ({"year": 2100}, "нужно меньше 2100", "less than 2100 is expected"),
        ({"name": "a"}, "знаков нужно не меньше 2", "at least 2 characters"),
        ({"name": "abcdef"}, "знаков нужно не больше 5", "at most 5 characters"),
        ({"name": 5}, "нужна строка", "a text is expected"),
        ({"code": "a"}, "записано не по форме", "not written in its form"),
        ({"kind": "boat"}, "нужно одно из: 'room', 'ad_surface'", "one of these is expected: 'room', 'ad_surface'"),
        ({"lots": []}, "нужно не меньше 1", "at least 1 are expected"),
        ({"lots": [1, 2, 3]}, "нужно не больше 2", "at most 2 are expected"),
        ({"lots": 5}, "нужен список", "a list is expected"),
        ({"at": "2027-02-04"}, "нужен момент времени", "an instant such as"),
        ({"at": "2027-02-04T10:00:00"}, "нужен пояс", "needs a zone"),
        ({"on": "04.02.2027"}, "нужна дата", "a date such as"),
        ({"yes": 1}, "нужно true или false", "true or false"),
        ({"more": []}, "нужен объект", "an object is expected"),
        ({"other": 1}, "такого поля здесь нет", "no such field here"),
    ],
)
def test_what_a_schema_refuses_is_said_in_both_languages(wrong: dict[str, Any], ru: str, en: str) -> None:
    with pytest.raises(Refused) as refused:
        _validated(Input, {**GOOD, **wrong})
    [name] = wrong
    for lang, words in (("ru", ru), ("en", en)):
        said = document(refused.value.refusal.to_dict(), lang, "/", "id")  # type: ignore[arg-type]
        assert words in said["detail"] and f"/{name}" in said["detail"], said["detail"]
        assert words in said["errors"][0]["message"]
        assert said["errors"][0]["pointer"].startswith(f"/{name}") and said["errors"][0]["code"]


def test_every_code_of_the_schemas_that_services_use_has_words() -> None:
    codes = set()
    for wrong in ({}, {"volume": None, "name": None, "year": None, "lots": None, "yes": None, "kind": None}):
        try:
            Input.model_validate(wrong)
        except ValidationError as problem:
            codes |= {error["type"] for error in problem.errors()}
    assert codes <= {key.removeprefix("inputs.") for key in catalogue()}


def test_a_long_list_of_mistakes_is_named_in_part_and_given_whole() -> None:
    with pytest.raises(Refused) as refused:
        _validated(Input, {"a": 1, "b": 2, "c": 3})
    said = document(refused.value.refusal.to_dict(), "ru", "/", "id")
    assert "и ещё 3" in said["detail"] and len(said["errors"]) == 6


def test_roles_states_and_records_are_named_in_russian_and_stay_codes_for_programs() -> None:
    roles = document(FORBIDDEN.having(roles="officer, treasurer").to_dict(), "ru", "/", "id")
    assert roles["detail"] == "Это действие доступно ролям: заказчик, казначей."
    assert roles["details"] == {"roles": "officer, treasurer"}
    state = WRONG_STATE.having(state="signed_by_provider", allowed="draft, sent").to_dict()
    assert in_words(state)["ru"] == (
        "Сейчас состояние «подписано исполнителем», а действие возможно в состояниях: черновик, отправлено."
    )
    assert in_words(state)["en"] == state["en"]
    missing = in_words(MISSING.having(what="Competition", id="x").to_dict())
    assert (missing["ru"], missing["en"]) == ("Не найдено: конкурс x.", "Not found: Competition x.")


def test_a_fact_said_in_both_languages_is_given_in_the_reader_s() -> None:
    refusal = in_words(UNAUTHENTICATED.having(reason="токен не принят / the token was not accepted").to_dict())
    assert (refusal["ru"], refusal["en"]) == (
        "Войдите в систему: токен не принят.",
        "Sign in: the token was not accepted.",
    )
    refusal = in_words(INVALID.having(summary="cursor: не из этого списка / not of this list").to_dict())
    assert refusal["ru"] == "Данные не приняты: cursor: не из этого списка."
    assert refusal["en"] == "The input was not accepted: cursor: not of this list."


def test_instants_and_sums_are_said_as_people_say_them() -> None:
    late = Refusal("bid_late", "Срок {deadline} прошёл.", "The deadline {deadline} has passed.")
    said = in_words(late.having(deadline="2027-07-05T20:59:59.000000Z").to_dict(), "Europe/Moscow")
    assert said["ru"] == "Срок 5 июля 2027, 23:59:59 (МСК, UTC+3) прошёл."
    assert said["en"] == "The deadline 5 July 2027, 23:59:59 (MSK, UTC+3) has passed."
    dear = Refusal(
        "dear",
        "Цена {limit_kopecks} коп. выше затрат {cost_kopecks} коп.",
        "{limit_kopecks} kopecks is above {cost_kopecks}.",
    )
    said = in_words(dear.having(limit_kopecks=9_900_000, cost_kopecks=41_200).to_dict())
    assert said["ru"].replace("\xa0", " ") == "Цена 99 000,00 ₽ выше затрат 412,00 ₽."
    assert said["en"] == "₽99,000.00 is above ₽412.00."
    assert said["details"] == {"limit_kopecks": 9_900_000, "cost_kopecks": 41_200}


def test_a_name_that_looks_like_a_code_is_left_alone() -> None:
    refusal = in_words(MISSING.having(what="protocol", id="open/draft").to_dict())
    assert refusal["ru"] == "Не найдено: протокол open/draft."


def test_every_state_and_every_kind_of_record_has_words() -> None:
    states = set()
    for path in (PROJECT / "contracts").rglob("*.json"):
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict):
            states |= (
                {*found.get("states", ()), found.get("x-leads-to")} if "params" in found or "x-type" in found else set()
            )
    known = {key.removeprefix("terms.state.") for key in catalogue() if key.startswith("terms.state.")}
    assert states - {"*", "(new)", None} <= known
    streams = {key.removeprefix("terms.stream.") for key in catalogue() if key.startswith("terms.stream.")}
    assert streams <= {key.removeprefix("terms.what.") for key in catalogue()}

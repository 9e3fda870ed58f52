"""The register on a real database: decisions, numbers, one living entry per INN, search, queue, figures."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.identity import Actor
from kernel.ids import new_id
from kernel.rebuild import Rebuild
from services.registry.projections.register import register
from services.registry.service import service
from tests.support import Market, market, person

CLERK, SECOND = person("registrar"), person("registrar")
CHECKS = [{"requirement": "заявление полно", "met": True}]
SUSPENDED = {"reason": "нет лицензии", "ground": "licence_ended"}


@pytest.fixture(scope="module")
def region(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    began = datetime(2027, 1, 15, 9, tzinfo=UTC)
    with market([service()], module_database, tmp_path_factory.mktemp("home"), began) as made:
        yield made


def inn(serial: int) -> str:
    """A right INN of an office that doesn't exist."""
    body = f"0000{serial:05d}"
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    return body + str(sum(w * int(n) for w, n in zip(weights, body, strict=True)) % 11 % 10)


def card(serial: int, name: str = "АНО «Тёплый берег»", **changes: Any) -> dict[str, Any]:
    return {
        "full_name": f"Автономная организация {name}",
        "short_name": name,
        "legal_form": "автономная некоммерческая организация",
        "kind": "npo",
        "inn": inn(serial),
        "ogrn": "1260000029431",
        "territory": "kem",
        "forms": ["home"],
        "service_kinds": ["domestic"],
        **changes,
    }


def applied(region: Market, serial: int, actor: Actor = CLERK, **changes: Any) -> str:
    provider_id = new_id()
    region.do("registry.apply_to_register", {"id": provider_id, **card(serial, **changes)}, actor)
    return provider_id


def included(region: Market, serial: int, **changes: Any) -> str:
    provider_id = applied(region, serial, **changes)
    region.do("registry.check_application", {"id": provider_id, "checks": CHECKS}, SECOND)
    region.do("registry.include_provider", {"id": provider_id}, SECOND)
    return provider_id


def named(answer: dict[str, Any]) -> list[str]:
    return [item["short_name"] for item in answer["items"]]


def test_numbers_have_no_holes_however_many_include_at_once(region: Market) -> None:
    ids = [applied(region, 100 + serial) for serial in range(12)]
    for provider_id in ids[:10]:
        region.do("registry.check_application", {"id": provider_id, "checks": CHECKS}, SECOND)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda i: region.answer("registry.include_provider", {"id": i}, SECOND), ids))
    numbers = [answer["reply"]["number"] for answer in answers if "reply" in answer]
    # Two were refused for want of a check: the numbers that they drew went back.
    assert sorted(int(number[-6:]) for number in numbers) == list(range(1, 11))
    assert {number[:-6] for number in numbers} == {"РП-2027-"}


def test_one_inn_has_one_living_entry_whoever_comes_first(region: Market) -> None:
    def apply(_: int) -> dict[str, Any]:
        return region.answer("registry.apply_to_register", {"id": new_id(), **card(200)}, CLERK)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(apply, range(12)))
    assert [a["refused"]["code"] for a in answers if "refused" in a] == ["inn_taken"] * 11
    [first] = [a["id"] for a in answers if "refused" not in a]
    assert region.sql("SELECT count(*) FROM registry.register_entry WHERE state->'card'->>'inn' = %s", (inn(200),)) == [
        (1,)
    ]
    region.do(
        "registry.refuse_provider", {"id": first, "reasons": ["нет услуг"], "ground": "requirements_not_met"}, SECOND
    )
    applied(region, 200)
    assert region.refused("registry.apply_to_register", {"id": first, **card(200)}, CLERK) == "inn_taken"


def test_changing_to_an_inn_that_lives_elsewhere_is_refused(region: Market) -> None:
    applied(region, 210)
    other = applied(region, 211)
    assert region.refused("registry.change_card", {"id": other, "inn": inn(210)}, CLERK) == "inn_taken"
    assert region.ask("registry.provider", {"id": other})["inn"] == inn(211)


def test_a_refused_command_leaves_no_trace(region: Market) -> None:
    before = region.sql("SELECT count(*) FROM registry.outbox UNION ALL SELECT count(*) FROM registry.provider")
    staff = person("provider", organisation=new_id())
    good = {"id": staff.organisation, **card(220)}
    for data, actor, code in (
        ({**good, "inn": "0000000001"}, staff, "inn_check_digits"),
        ({**good, "id": new_id()}, staff, "not_yours"),
        (good, person("officer"), "forbidden_role"),
        (good, None, "unauthenticated"),
        ({**good, "forms": []}, staff, "invalid_input"),
        ({**good, "forms": ["by_mail"]}, staff, "invalid_input"),
        ({**good, "latitude": "north"}, staff, "invalid_input"),
        ({**good, "more": 1}, staff, "invalid_input"),
    ):
        assert region.refused("registry.apply_to_register", data, actor) == code
    assert before == region.sql("SELECT count(*) FROM registry.outbox UNION ALL SELECT count(*) FROM registry.provider")


def test_search_by_part_of_a_name_by_numbers_and_by_what_it_does(region: Market) -> None:
    first = included(region, 300, name="АНО «Белая ночь»", territory="onega", forms=["home", "urgent"])
    included(region, 301, name="Фонд «Ночлежка у моря»", kind="budget_institution", service_kinds=["legal"])

    def found(**params: Any) -> list[str]:
        return named(region.ask("registry.providers", params))

    assert found(q="НОЧ") == ["АНО «Белая ночь»", "Фонд «Ночлежка у моря»"]
    assert found(q="белая но") == found(q="лая") == found(q="бел") == ["АНО «Белая ночь»"]
    assert found(q="но") == ["АНО «Белая ночь»", "Фонд «Ночлежка у моря»"]  # a word's beginning
    assert found(q="ночь белая") == found(q="нетакого") == found(q="%") == found(q="«»") == []
    assert found(q=inn(300)) == ["АНО «Белая ночь»"]
    number = region.ask("registry.provider", {"id": first})["number"]
    assert found(q=number.lower()) == ["АНО «Белая ночь»"]
    assert found(q="ноч", kind="npo") == found(q="ноч", form="urgent") == ["АНО «Белая ночь»"]
    assert found(q="ноч", territory="kem") == found(q="ноч", service_kind="legal") == ["Фонд «Ночлежка у моря»"]
    assert found(q="ноч", status="suspended") == []
    region.do("registry.suspend_provider", {"id": first, **SUSPENDED}, CLERK)
    assert found(q="ноч", status="suspended") == ["АНО «Белая ночь»"]


def test_pages_follow_each_other_without_gap_or_repeat(region: Market) -> None:
    for serial in range(7):
        included(region, 320 + serial, name=f"Страница {serial % 3}")  # equal names, too
    seen: list[str] = []
    cursor = None
    while True:
        page = region.ask("registry.providers", {"q": "страница", "limit": 2, "cursor": cursor})
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    for bad in ("x", "W10", "WyJhIl0"):
        assert region.asked("registry.providers", {"cursor": bad})["refused"]["code"] == "invalid_input"
    assert region.asked("registry.providers", {"limit": 100_000})["refused"]["code"] == "invalid_input"


def test_a_card_tells_its_history_and_not_everybody_who_decided(region: Market) -> None:
    provider_id = included(region, 340)
    region.do("registry.suspend_provider", {"id": provider_id, **SUSPENDED}, CLERK)
    told = region.ask("registry.provider", {"id": provider_id})
    assert [one["event"] for one in told["history"]] == [
        "ProviderApplied", "FormalCheckDone", "ProviderIncluded", "ProviderSuspended",
    ]  # fmt: skip
    details = told["history"][3]["details"]
    assert (details["reason"], details["ground"], details["day"]) == ("нет лицензии", "99-FZ art. 20", "2027-01-15")
    assert (told["term"], told["term_until"]) == ("remedy", details["until"]) and details["explained"]["en"]
    assert "inn" not in told["history"][0]["details"] and "applied_by" not in told["history"][0]["details"]
    assert all(one["ground"] == "442-FZ art. 25" for one in told["history"])
    assert "applied_by" not in told and all("actor" not in one for one in told["history"])
    inside = region.ask("registry.provider", {"id": provider_id}, CLERK)
    assert inside["applied_by"] == CLERK.id and inside["history"][2]["actor"] == SECOND.id
    assert region.asked("registry.provider", {"id": new_id()})["refused"]["code"] == "not_found"


def test_the_queue_and_the_figures(region: Market) -> None:
    mine = applied(region, 350, territory="umba")
    assert region.asked("registry.applications", {}, person("provider"))["refused"]["code"] == "forbidden_role"
    queue = region.ask("registry.applications", {"limit": 200}, CLERK)["items"]
    assert [item["yours"] for item in queue if item["id"] == mine] == [True]
    assert [i["applied_at"] for i in queue] == sorted(i["applied_at"] for i in queue)
    figures = region.ask("registry.figures")["items"]
    assert {"kind": "npo", "territory": "umba", "status": "applied", "providers": 1} in figures


def test_a_term_that_nobody_keeps_is_a_fact_once_and_the_queue_shows_it(region: Market) -> None:
    """DOMAIN §1: a decision has its term; the schedule says by itself that it was missed, also after a long sleep."""
    late, in_time = applied(region, 370, territory="onega"), included(region, 371)
    told = {item["id"]: item for item in region.ask("registry.applications", {"limit": 200}, CLERK)["items"]}
    assert (told[late]["term"], told[late]["term_until"], told[late]["missed"]) == (
        "decision", "2027-01-29T20:59:59.000000Z", "",
    )  # fmt: skip
    region.move_clock(datetime(2027, 4, 1, 9, tzinfo=UTC))
    region.work()
    told = {item["id"]: item for item in region.ask("registry.applications", {"limit": 200}, CLERK)["items"]}
    assert told[late]["missed"] == "decision" and in_time not in told
    events = [one["event"] for one in region.ask("registry.provider", {"id": late})["history"]]
    assert events == ["ProviderApplied", "TermMissed"]
    region.do("registry.check_application", {"id": late, "checks": CHECKS}, SECOND)
    region.do("registry.include_provider", {"id": late}, SECOND)
    decision = region.ask("registry.provider", {"id": late})["history"][-1]["details"]
    assert (decision["asked_by"], decision["in_time"], decision["day"]) == ("2027-01-29", False, "2027-04-01")


def test_grounds_and_terms_are_public(region: Market) -> None:
    told = region.ask("registry.grounds")
    own_will = next(item for item in told["items"] if item["code"] == "own_will")
    assert (own_will["decisions"], own_will["after"]) == (["withdrawn"], None)
    assert told["terms"]["decision"] == 10 and len(told["region_version"]) == 64


def test_the_read_tables_come_back_from_the_log(region: Market) -> None:
    region.work()
    columns = "SELECT to_jsonb(p) FROM registry.provider p ORDER BY id"
    history = "SELECT to_jsonb(d) FROM registry.decision d ORDER BY provider_id, version"
    before = region.sql(columns), region.sql(history)
    Rebuild(service(), region._admin, [register]).run()
    assert (region.sql(columns), region.sql(history)) == before and before[0]
    # The new table still lets no INN live twice.
    applied(region, 360)
    assert region.refused("registry.apply_to_register", {"id": new_id(), **card(360)}, CLERK) == "inn_taken"

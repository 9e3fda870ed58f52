"""Consortia on a real database: consent of each, a replacement, members who leave the register, read tables."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.ids import new_id
from kernel.rebuild import Rebuild
from services.registry.projections.consortium import consortia
from services.registry.service import service
from tests.component.registry.test_register import CLERK, included
from tests.support import Market, market, person
from tests.unit.registry.test_consortium import members, staff


@pytest.fixture(scope="module")
def region(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    began = datetime(2027, 1, 15, 9, tzinfo=UTC)
    with market([service()], module_database, tmp_path_factory.mktemp("home"), began) as made:
        yield made


@pytest.fixture(scope="module")
def providers(region: Market) -> list[str]:
    return [included(region, 500 + number, name=f"АНО «Соты {number}»") for number in range(6)]


def formed(region: Market, ids: list[str]) -> str:
    named = members(ids, ["40", *["20"] * 3])
    data = {"id": new_id(), "name": "Тёплый дом", "members": named}
    return str(region.do("registry.form_consortium", data, staff(ids[0]))["id"])


def answer(region: Market, id: str, who: str) -> dict[str, Any]:
    return region.answer("registry.consent_to_consortium", {"id": id}, staff(who))


def test_it_stands_once_however_many_agree_at_once(region: Market, providers: list[str]) -> None:
    """DOMAIN §1: consent of each."""
    id = formed(region, providers[:4])
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda who: answer(region, id, who), providers[1:4] * 3))
    refused = [each["refused"]["code"] for each in answers if "refused" in each]
    assert refused == ["consent_not_asked"] * 6
    told = region.ask("registry.consortium", {"id": id})
    assert (told["status"], told["waiting"], told["number"]) == ("standing", [], "КО-2027-000001")
    assert [each["name"] for each in told["members"]] == [f"АНО «Соты {number}»" for number in range(4)]


def test_a_member_that_left_the_register_is_replaced_without_being_asked(region: Market, providers: list[str]) -> None:
    id = formed(region, [*providers[:3], providers[4]])
    for who in (providers[1], providers[2], providers[4]):
        assert "refused" not in answer(region, id, who)
    region.do("registry.withdraw_provider", {"id": providers[4]}, CLERK)
    named = members([*providers[:3], providers[5]], ["40", "30", "20", "10"])
    data = {"id": id, "members": named, "reason": "партнёр вышел из реестра"}
    region.do("registry.propose_replacement", data, staff(providers[0]))
    told = region.ask("registry.consortium", {"id": id})
    assert set(told["waiting"]) == {providers[1], providers[2], providers[5]}
    assert told["proposed"]["joining_id"] == providers[5] and len(told["members"]) == 4
    for who in (providers[5], providers[2], providers[1]):
        assert "refused" not in answer(region, id, who)
    told = region.ask("registry.consortium", {"id": id})
    assert [each["share"] for each in told["members"]] == ["40", "30", "20", "10"] and told["proposed"] is None
    assert [each["id"] for each in region.ask("registry.consortia", {"provider_id": providers[5]})["items"]] == [id]
    gone = {
        "id": new_id(),
        "name": "Пустое место",
        "members": members([*providers[:3], providers[4]], ["40", *["20"] * 3]),
    }
    assert region.refused("registry.form_consortium", gone, staff(providers[0])) == "member_not_in_register"


def test_only_members_and_registrars_act(region: Market, providers: list[str]) -> None:
    id = formed(region, providers[:4])
    assert answer(region, id, new_id())["refused"]["code"] == "consent_not_asked"
    dissolve = {"id": id, "reason": "не сложилось"}
    assert region.refused("registry.dissolve_consortium", dissolve, person("officer")) == "forbidden_role"
    region.do("registry.dissolve_consortium", dissolve, CLERK)
    assert region.ask("registry.consortia", {"status": "dissolved"})["items"][0]["dissolved_because"] == "не сложилось"


def test_the_read_tables_come_back_from_the_log(region: Market, providers: list[str]) -> None:
    region.work()
    before = region.sql("SELECT to_jsonb(t) FROM registry.consortium_view t ORDER BY id")
    Rebuild(service(), region._admin, [consortia]).run()
    assert region.sql("SELECT to_jsonb(t) FROM registry.consortium_view t ORDER BY id") == before and before

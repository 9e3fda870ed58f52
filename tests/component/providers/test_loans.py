"""Loans on a real database: two of one object never overlap, whoever grants them and however many at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import to_text
from services.providers.domain.loan import LoanFacts
from services.providers.facts import _offer
from tests.component.providers.conftest import TODAY
from tests.component.providers.neighbours import Town
from tests.support import person


class Object:
    """An object listed by an owner, and a provider who asks for it."""

    def __init__(self, town: Town, kind: str = "room", owner: Actor | None = None, **more: Any) -> None:
        self.town, self.market = town, town.market
        self.owner = owner or person("premises_owner", organisation=new_id())
        self.provider_id = town.include(funded=None)
        self.npo = person("provider", organisation=self.provider_id)
        self.id = new_id()
        listed = {
            "id": self.id, "kind": kind, "title": "Зал", "address": "Вокзальная, 4", "territory": "monchegorsk",
            "area_m2": 86, "latitude": "67.9397", "longitude": "32.8726", "permitted_use": "club", **more,
        }  # fmt: skip
        self.market.do("providers.list_premises", listed, self.owner)

    def request(self, starts: datetime, ends: datetime) -> str:
        asked = {"id": new_id(), "premises_id": self.id, "starts": to_text(starts), "ends": to_text(ends)}
        return str(self.market.do("providers.request_loan", {**asked, "purpose": "a club"}, self.npo)["id"])

    def granting(self, loan_id: str) -> dict[str, Any]:
        return self.market.answer("providers.grant_loan", {"id": loan_id}, self.owner)

    def lend(self, starts: datetime, ends: datetime) -> str:
        loan_id = self.request(starts, ends)
        assert "refused" not in self.granting(loan_id)
        self.market.do("providers.sign_loan", {"id": loan_id}, self.npo)
        return loan_id

    def living(self) -> list[tuple[datetime, datetime]]:
        rows = self.market.sql(
            "SELECT starts, ends FROM providers.loan_card WHERE premises_id = %s AND living ORDER BY starts", (self.id,)
        )
        return [(starts, ends) for starts, ends in rows]


def day(number: int) -> datetime:
    return TODAY + timedelta(days=number)


def code(answer: dict[str, Any]) -> str:
    return str(answer["refused"]["code"]) if "refused" in answer else "done"


def granted_by_two_at_once(thing: Object, loans: list[str]) -> list[dict[str, Any]]:
    """Two threads run through all the requests from both ends, so that they meet over each period."""
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(lambda part: [thing.granting(loan_id) for loan_id in part], (loans[::2], loans[::-2]))
        return [answer for half in halves for answer in half]


def colliding(thing: Object, periods: int, each: int) -> list[str]:
    """`periods` × `each` requests; those of one period all overlap, those of two periods never do."""
    return [
        thing.request(day(20 * period + 1 + n % 4), day(20 * period + 15 - n % 3))
        for n in range(each)
        for period in range(periods)
    ]


@contextmanager
def blind_grants(town: Town) -> Iterator[None]:
    """Grants that neither lock the object nor look for another loan: only the database is left to refuse."""
    rules = town.market.installation.hosts["providers"].service.rules_of
    rule = rules["grant_loan"]

    def blind(connection: Any, command: Any, state: Any, at: Any) -> LoanFacts:
        return LoanFacts(_offer(connection, state.premises_id), True)

    rules["grant_loan"] = (rule[0], rule[1], replace(rule[2], facts=blind))
    try:
        yield
    finally:
        rules["grant_loan"] = rule


def test_the_constraint_alone_refuses_what_overlaps(town: Town) -> None:
    thing = Object(town)
    loans = colliding(thing, periods=3, each=6)
    with blind_grants(town):
        codes = [code(answer) for answer in granted_by_two_at_once(thing, loans)]
    assert sorted(codes) == ["done"] * 3 + ["loan_overlaps"] * 15
    assert len(thing.living()) == 3


def test_not_even_a_superuser_makes_two_loans_overlap(town: Town) -> None:
    thing = Object(town)
    thing.lend(day(1), day(10))
    waiting = thing.request(day(9), day(12))
    with pytest.raises(Exception, match="loan_no_overlap") as caught:
        town.market.sql("UPDATE providers.loan_card SET living = true WHERE loan_id = %s", (waiting,))
    assert isinstance(caught.value.__cause__, psycopg.errors.ExclusionViolation)
    touching = thing.request(day(10), day(12))
    assert code(thing.granting(touching)) == "done", "a loan may begin at the instant when another ends"


def test_a_loan_ends_by_itself_and_an_early_return_frees_the_rest(town: Town) -> None:
    thing = Object(town)
    first = thing.lend(day(1), day(5))
    waiting = thing.request(day(2), day(5))
    assert code(thing.granting(waiting)) == "loan_overlaps"
    returned = {"id": first, "condition": "clean, two chairs broken"}
    town.market.do("providers.return_loan", returned, thing.owner)
    assert code(thing.granting(waiting)) == "done"
    town.market.do("providers.sign_loan", {"id": waiting}, thing.npo)
    assert town.market.refused("providers.withdraw_premises", {"id": thing.id, "reason": "sold"}, thing.owner) == (
        "premises_lent"
    )
    town.market.move_clock(day(6))
    town.market.work()
    assert town.market.ask("providers.loan", {"id": waiting})["status"] == "ended"
    assert town.market.ask("providers.loan", {"id": first})["status"] == "returned"
    assert town.market.sql("SELECT count(*) FROM providers.due WHERE due_at <= %s", (day(6),)) == [(0,)]
    town.market.do("providers.withdraw_premises", {"id": thing.id, "reason": "sold"}, thing.owner)
    asked = {"id": new_id(), "premises_id": thing.id, "starts": to_text(day(40)), "ends": to_text(day(41)),
             "purpose": "a club"}  # fmt: skip
    assert town.market.refused("providers.request_loan", asked, thing.npo) == "premises_not_offered"


def test_withdrawing_and_granting_at_once_never_leaves_a_loan_of_what_is_gone(town: Town) -> None:
    for _ in range(6):
        thing = Object(town)
        loan_id = thing.request(day(10), day(20))
        withdraw = {"id": thing.id, "reason": "sold"}
        with ThreadPoolExecutor(2) as pool:
            grant = pool.submit(thing.granting, loan_id)
            gone = pool.submit(town.market.answer, "providers.withdraw_premises", withdraw, thing.owner)
        outcomes = (code(grant.result()), code(gone.result()))
        assert outcomes in (("done", "premises_lent"), ("premises_not_offered", "done"))


def test_the_yearly_quota_of_ad_surfaces_holds_over_all_surfaces_at_once(town: Town) -> None:
    """365 days for one owner: of four surfaces asked for 100 days each in one year, three fit."""
    owner = person("premises_owner", organisation=new_id())
    surfaces = [Object(town, "ad_surface", owner) for _ in range(4)]
    loans = [surface.request(day(30), day(130) - timedelta(hours=12)) for surface in surfaces]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda pair: pair[0].granting(pair[1]), zip(surfaces, loans, strict=True)))
    assert sorted(map(code, answers)) == ["ad_quota_exceeded", "done", "done", "done"]
    [refused] = [answer["refused"] for answer in answers if "refused" in answer]
    assert refused["details"]["year"] == 2027 and refused["details"]["quota"] == 365


def test_only_active_providers_ask(town: Town) -> None:
    thing = Object(town)
    asked = {"id": new_id(), "premises_id": thing.id, "starts": to_text(day(40)), "ends": to_text(day(41)),
             "purpose": "a club"}  # fmt: skip
    assert town.market.refused("providers.request_loan", asked, person("provider", organisation=new_id())) == (
        "provider_not_active"
    )
    town.say("registry", thing.provider_id, "ProviderSuspended", reason="inspection")
    town.market.work()
    assert town.market.refused("providers.request_loan", asked, thing.npo) == "provider_not_active"


def test_objects_are_listed_with_their_free_periods(town: Town) -> None:
    thing = Object(town, available_until=to_text(day(100)))
    thing.lend(day(50), day(60))
    filters = {"owner_id": thing.owner.organisation, "kind": "room", "territory": "monchegorsk"}
    [item] = town.market.ask("providers.premises", filters)["items"]
    now = town.market.sql("SELECT instant FROM market.sandbox")[0][0]
    assert item["standing"] == "free" and item["latitude"] == "67.9397"
    assert item["free"] == [
        {"from": to_text(now), "until": to_text(day(50))},
        {"from": to_text(day(60)), "until": to_text(day(100))},
    ]
    waiting = thing.request(day(70), day(71))
    shown = town.market.ask("providers.premises_object", {"id": thing.id})
    assert shown["standing"] == "requested" and shown["version"] == 1
    assert [loan["status"] for loan in shown["loans"]] == ["signed", "requested"]
    [found] = town.market.ask("providers.loans", {"premises_id": thing.id, "status": "requested"})["items"]
    assert found["loan_id"] == waiting and found["address"] == "Вокзальная, 4" and found["provider_name"]
    town.market.move_clock(day(55))
    town.market.work()
    shown = town.market.ask("providers.premises_object", {"id": thing.id})
    assert (shown["standing"], shown["lent_to"], shown["lent_until"]) == ("lent", thing.provider_id, to_text(day(60)))
    assert shown["lent_to_name"] == found["provider_name"]
    assert shown["free"] == [{"from": to_text(day(60)), "until": to_text(day(100))}]

"""Acts on a real database: the volume and the month hold whatever runs at once, and rows are what events say."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from kernel.ids import new_id
from tests.component.providers.neighbours import Town
from tests.support import person


class Parties:
    """A provider, a body and their agreement."""

    def __init__(self, town: Town, volume: int = 100) -> None:
        self.town, self.market = town, town.market
        self.body_id = new_id()
        self.provider_id = town.include()
        self.npo = person("provider", organisation=self.provider_id)
        self.officer = person("officer", organisation=self.body_id)
        self.agreement_id = town.activate(self.provider_id, self.body_id, volume)

    def drafting(self, quantity: int, month: str, act_id: str | None = None) -> dict[str, Any]:
        lines = [{"service_code": "DOM-01", "unit": "visit", "quantity": quantity}]
        return {"id": act_id or new_id(), "agreement_id": self.agreement_id, "month": month, "lines": lines}

    def draft(self, quantity: int, month: str = "2027-02") -> str:
        return str(self.market.do("providers.draft_act", self.drafting(quantity, month), self.npo)["id"])

    def confirmed(self, quantity: int, month: str = "2027-02") -> str:
        act_id = self.draft(quantity, month)
        self.market.do("providers.submit_act", {"id": act_id}, self.npo)
        self.market.do("providers.confirm_act", {"id": act_id}, self.officer)
        return act_id

    def sums(self) -> tuple[int, int]:
        [row] = self.market.sql(
            "SELECT claimed, confirmed FROM providers.known_agreement WHERE agreement_id = %s", (self.agreement_id,)
        )
        return row[0], row[1]

    def journal(self) -> list[tuple[str, int, int]]:
        items = self.market.ask("providers.journal", {"agreement_id": self.agreement_id})["items"]
        return [(item["month"], item["quantity"], item["amount_kopecks"]) for item in items]


def at_once(*calls: Callable[[], dict[str, Any]]) -> list[str]:
    """The outcomes of calls sent at one time: "done" or a refusal's code."""
    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(lambda call: call(), calls))
    return sorted(answer["refused"]["code"] if "refused" in answer else "done" for answer in answers)


def test_an_act_is_made_confirmed_and_shown(town: Town) -> None:
    parties = Parties(town)
    act_id = parties.confirmed(30)
    shown = town.market.ask("providers.act", {"id": act_id})
    assert (shown["status"], shown["quantity"], shown["amount_kopecks"]) == ("confirmed", 30, 30 * 41200)
    assert shown["version"] == 3 and [line["quantity"] for line in shown["lines"]] == [30]
    assert parties.sums() == (30, 30) and parties.journal() == [("2027-02", 30, 30 * 41200)]
    filters = {"agreement_id": parties.agreement_id, "month": "2027-02", "status": "confirmed"}
    [item] = town.market.ask("providers.acts", filters)["items"]
    assert item["act_id"] == act_id and item["provider_name"] == "Добрый дом"
    assert town.market.asked("providers.act", {"id": new_id()})["refused"]["code"] == "not_found"


def test_a_returned_act_frees_its_volume_and_a_reversed_one_its_month(town: Town) -> None:
    parties = Parties(town, volume=40)
    act_id = parties.draft(40)
    town.market.do("providers.submit_act", {"id": act_id}, parties.npo)
    assert parties.sums() == (40, 0)
    town.market.do("providers.return_act", {"id": act_id, "reason": "too many"}, parties.officer)
    assert parties.sums() == (0, 0)
    again = parties.drafting(25, "2027-02", act_id)
    town.market.do("providers.draft_act", again, parties.npo)
    town.market.do("providers.submit_act", {"id": act_id}, parties.npo)
    town.market.do("providers.confirm_act", {"id": act_id}, parties.officer)
    assert town.market.refused("providers.draft_act", parties.drafting(1, "2027-02"), parties.npo) == "act_exists"
    town.market.do("providers.ask_reversal", {"id": act_id, "reason": "wrong visits"}, parties.officer)
    assert town.market.refused("providers.confirm_reversal", {"id": act_id}, parties.officer) == "four_eyes"
    town.market.do("providers.confirm_reversal", {"id": act_id}, parties.npo)
    assert parties.sums() == (0, 0) and parties.journal() == [("2027-02", 0, 0)]
    parties.confirmed(40)
    assert parties.sums() == (40, 40)


def test_acts_at_once_never_exceed_the_volume(town: Town) -> None:
    parties = Parties(town, volume=100)
    acts = [parties.draft(60, "2027-02"), parties.draft(60, "2027-03")]
    submits = [lambda act_id=act_id: submitting(parties, act_id) for act_id in acts]
    assert at_once(*submits) == ["done", "volume_exceeded"]
    assert parties.sums() == (60, 0)


def submitting(parties: Parties, act_id: str) -> dict[str, Any]:
    return parties.market.answer("providers.submit_act", {"id": act_id}, parties.npo)


def test_the_database_refuses_what_a_forgetful_command_would_let_through(town: Town) -> None:
    """The CHECK alone: an act was claimed behind the decision's back, so that it saw too little."""
    parties = Parties(town, volume=100)
    act_id = parties.draft(60)
    host = town.market.installation.hosts["providers"]
    rule = host.service.rules_of["submit_act"]

    def blind(connection: Any, command: Any, state: Any, at: Any) -> Any:
        found = rule[2].facts(connection, command, state, at)  # type: ignore[misc]
        return replace(found, claimed=0)

    town.market.sql(
        "UPDATE providers.known_agreement SET claimed = 50 WHERE agreement_id = %s", (parties.agreement_id,)
    )
    host.service.rules_of["submit_act"] = (rule[0], rule[1], replace(rule[2], facts=blind))
    try:
        assert town.market.refused("providers.submit_act", {"id": act_id}, parties.npo) == "volume_exceeded"
    finally:
        host.service.rules_of["submit_act"] = rule
    assert parties.sums() == (50, 0)


def test_a_month_has_one_living_act_whatever_is_sent_at_once(town: Town) -> None:
    parties = Parties(town)

    def drafting() -> dict[str, Any]:
        return town.market.answer("providers.draft_act", parties.drafting(1, "2027-03"), parties.npo)

    assert at_once(drafting, drafting, drafting, drafting) == ["act_exists"] * 3 + ["done"]


def test_confirming_and_returning_at_once_has_one_winner(town: Town) -> None:
    parties = Parties(town)
    act_id = parties.draft(10)
    submitting(parties, act_id)
    outcomes = at_once(
        lambda: town.market.answer("providers.confirm_act", {"id": act_id}, parties.officer),
        lambda: town.market.answer("providers.return_act", {"id": act_id, "reason": "late"}, parties.officer),
    )
    assert outcomes == ["done", "wrong_state"]
    assert parties.sums() in ((10, 10), (0, 0))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"month": "2027-13"}, "invalid_input"),
        ({"month": "2027-01"}, "month_out_of_term"),
        ({"month": "2027-04"}, "month_in_future"),
        ({"lines": []}, "invalid_input"),
        ({"lines": [{"service_code": "DOM-01", "unit": "visit", "quantity": -1}]}, "invalid_input"),
        ({"lines": [{"service_code": "DOM-01", "unit": "visit", "quantity": True}]}, "invalid_input"),
        ({"lines": [{"service_code": "DOM-01", "unit": "visit", "quantity": 10**12}]}, "invalid_input"),
        ({"agreement_id": new_id()}, "agreement_not_active"),
        ({"more": 1}, "invalid_input"),
    ],
)
def test_bad_acts_are_refused_and_nothing_changes(town: Town, change: dict[str, Any], code: str) -> None:
    parties = Parties(town)
    before = town.market.sql("SELECT count(*) FROM providers.act")
    assert town.market.refused("providers.draft_act", parties.drafting(1, "2027-02") | change, parties.npo) == code
    assert town.market.sql("SELECT count(*) FROM providers.act") == before


def test_an_agreement_that_ended_is_still_acted_for_its_months(town: Town) -> None:
    parties = Parties(town)
    ended = {"agreement_id": parties.agreement_id, "reason": "agreed"}
    town.say("orders", parties.agreement_id, "AgreementTerminated", **ended)
    town.market.work()
    parties.confirmed(5, "2027-03")
    other = Parties(town)
    town.say("orders", other.agreement_id, "AgreementVoided", agreement_id=other.agreement_id, reason="never")
    town.market.work()
    assert town.market.refused("providers.draft_act", other.drafting(1, "2027-02"), other.npo) == "agreement_over"


def test_acts_are_listed_page_by_page_the_newest_first(town: Town) -> None:
    made = [Parties(town) for _ in range(3)]
    acts = [parties.draft(1) for parties in made]
    newest = town.market.ask("providers.acts", {"limit": 2})
    assert [item["act_id"] for item in newest["items"]] == acts[:0:-1]
    after = town.market.ask("providers.acts", {"limit": 1, "cursor": newest["next"]})
    assert [item["act_id"] for item in after["items"]] == acts[:1]
    for name, value in (("provider_id", made[1].provider_id), ("body_id", made[1].body_id)):
        assert [item["act_id"] for item in town.market.ask("providers.acts", {name: value})["items"]] == [acts[1]]

"""Corrections, low prices, second looks and complaints on real services: tables, the stored clock, and who sees what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel.identity import Actor
from kernel.ids import derived_id
from services.orders.rules import load_rules
from tests.component.orders.country import BEGAN, at_once, provider
from tests.component.orders.tender import Tender, differences, everybody, until
from tests.component.orders.test_bidding import after, found_in_log, logged, opened
from tests.support import Market, market, person

REGION = Path(__file__).resolve().parents[3] / "region"
REQUIREMENTS = [
    {"code": "no_debts", "text": "Нет задолженности"},
    {"code": "papers", "text": "Приложены все справки", "correctable": True},
]
JUDGE = person("auditor", organisation=derived_id("body", "audit_chamber"))
TEXT = "Оценка не соответствует содержанию заявки"


@pytest.fixture(scope="module")
def town(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("home")
    with market(everybody(home / "contracts"), module_database, home, BEGAN) as made:
        yield made


@pytest.fixture(scope="module")
def npos(town: Market) -> list[Actor]:
    return [provider(town) for _ in range(3)]


def open_tender(town: Market, npos: list[Actor], *prices: int, volume: int = 1000) -> tuple[Tender, list[str]]:
    tender = Tender(town, volume).drafted(requirements=REQUIREMENTS)
    tender.do("publish_competition", tender.officer)
    until(town, lambda: tender.status == "open")
    bids = [tender.bid(npo, price, 500) for npo, price in zip(npos, prices, strict=False)]
    return opened(tender), bids


def check(tender: Tender, bid_id: str, papers: bool = True) -> dict[str, Any]:
    lines = [
        {"requirement": "no_debts", "met": True, "reason": "справка налоговой"},
        {"requirement": "papers", "met": papers, "reason": "по описи"},
    ]
    reply: dict[str, Any] = tender.do("check_bid", tender.officer, bid_id=bid_id, checks=lines)["reply"]
    return reply


def give(tender: Tender, points: dict[str, int], *members: int) -> None:
    lines = [
        {"bid_id": bid_id, "criterion": "quality", "score": score, "comment": "обосновано"}
        for bid_id, score in points.items()
    ]
    for member in members or range(3):
        tender.do("submit_scores", tender.evaluators[member], scores=lines)


def declare(tender: Tender) -> None:
    for member in tender.evaluators:
        tender.do("declare_conflicts", member, text="Конфликта нет")


def in_standstill(town: Market, npos: list[Actor], volume: int = 1000) -> tuple[Tender, list[str]]:
    tender, bids = open_tender(town, npos, 40_000, 41_000, volume=volume)
    for bid_id in bids:
        check(tender, bid_id)
    tender.do("begin_evaluation", tender.officer)
    declare(tender)
    give(tender, {bids[0]: 90, bids[1]: 60})
    tender.do("decide_ranking", tender.body.second)
    return tender, bids


def statuses(tender: Tender) -> dict[str, str]:
    return {bid["bid_id"]: bid["status"] for bid in tender.bids()}


def test_a_deficiency_is_corrected_in_time_or_the_stored_clock_rejects(town: Market, npos: list[Actor]) -> None:
    tender, (mended, silent, fine) = open_tender(town, npos, 40_000, 40_500, 41_000)
    term = check(tender, mended, papers=False)["correct_until"]
    check(tender, silent, papers=False)
    check(tender, fine)
    assert statuses(tender) == {mended: "correcting", silent: "correcting", fine: "admitted"}
    assert tender.refused("correct_bid", npos[1], bid_id=mended, text="Справка приложена") == "not_yours"
    tender.do("correct_bid", npos[0], bid_id=mended, text="Справка приложена")
    [own] = town.ask("orders.my_bids", {"competition_id": tender.id}, npos[1])["items"]
    assert (own["outcome"], own["correct_until"]) == ("correcting", term)
    assert check(tender, mended)["admitted"]
    after(town, term, seconds=10)
    until(town, lambda: statuses(tender)[silent] == "rejected")
    assert tender.refused("correct_bid", npos[1], bid_id=silent, text="Вот она") == "correction_not_asked"
    tender.do("begin_evaluation", tender.officer)
    [shown] = [bid for bid in tender.bids() if bid["bid_id"] == mended]
    assert shown["correction"] == "Справка приложена" and shown["status"] == "admitted"
    assert differences(town) == []


def test_a_low_price_is_asked_about_and_scores_far_apart_are_looked_at_twice(town: Market, npos: list[Actor]) -> None:
    tender, (low, dear, dearer) = open_tender(town, npos, 15_000, 40_000, 41_000)
    for bid_id in (low, dear, dearer):
        check(tender, bid_id)
    tender.do("begin_evaluation", tender.officer)
    [flagged] = [bid for bid in tender.bids() if bid["low_price"]]
    assert (flagged["bid_id"], flagged["low_price"], flagged["status"]) == (low, "asked", "admitted")
    tender.do("justify_price", npos[0], bid_id=low, text="Помещение дано безвозмездно")
    declare(tender)
    give(tender, {low: 90, dear: 70, dearer: 70}, 0, 1)
    give(tender, {low: 20, dear: 70, dearer: 70}, 2)
    assert tender.refused("decide_ranking", tender.body.second) == "low_prices_undecided"
    tender.do("decide_low_price", tender.officer, bid_id=low, accepted=True, reason="Договор ссуды показан")
    assert tender.refused("decide_ranking", tender.body.second) == "second_look_needed"
    tender.do("ask_second_look", tender.evaluators[0])
    for member in tender.evaluators:
        [sheet] = town.ask("orders.bids_to_score", {"id": tender.id}, member)["items"]
        assert {bid["bid_id"]: bid["second_look"] for bid in sheet["bids"]} == {low: ["quality"], dear: [], dearer: []}
    give(tender, {low: 90}, 0, 1)
    [sheet] = town.ask("orders.bids_to_score", {"id": tender.id}, tender.evaluators[0])["items"]
    assert all(bid["second_look"] == [] for bid in sheet["bids"])
    assert tender.refused("decide_ranking", tender.body.second) == "second_look_awaited"
    give(tender, {low: 30}, 2)
    tender.do("decide_ranking", tender.body.second)
    result = tender.page()["lots"][0]["result"]
    assert [(alarm["lowest"], alarm["highest"]) for alarm in result["alarms"]] == [(30, 90)]
    assert result["ranking"]["abnormally_low"] == {low: ["below_mean", "below_next"]}
    assert differences(town) == []


def test_a_complaint_stops_the_stored_clock_until_it_is_over(town: Market, npos: list[Actor]) -> None:
    tender, _ = in_standstill(town, npos)
    end = tender.page()["standstill_until"]
    lot_id = tender.lots[0]
    assert tender.refused("file_complaint", npos[2], lot_id=lot_id, text=TEXT) == "no_bidder_of_lot"
    complaint_id = tender.do("file_complaint", npos[1], lot_id=lot_id, text=TEXT)["reply"]["complaint_id"]
    page = tender.page()
    assert page["stopped_days"] == 5 and tender.complaints() == ["pending"]
    after(town, end, days=3)
    town.work()
    assert tender.status == "standstill", "the award's due command found the clock stopped"
    [listed] = town.ask("orders.complaints", {"status": "pending", "body_id": JUDGE.organisation})["items"]
    assert listed["complaint_id"] == complaint_id and listed["competition_number"] == page["number"]
    stranger = person("auditor")
    assert tender.refused("decline_complaint", stranger, complaint_id=complaint_id, reason="нет") == (
        "not_complaint_body"
    )
    tender.do("decline_complaint", JUDGE, complaint_id=complaint_id, reason="Доводы не подтвердились")
    page = tender.page()
    assert page["stopped_days"] is None and page["standstill_until"] > end
    after(town, page["standstill_until"], seconds=9)
    town.work()
    assert tender.status == "standstill"
    after(town, page["standstill_until"], seconds=10)
    until(town, lambda: tender.status == "awarded")
    assert logged(town, f"Competition/{tender.id}")[-5:-1] == [
        "ComplaintFiled",
        "StandstillStopped",
        "ComplaintDeclined",
        "StandstillResumed",
    ]
    assert differences(town) == []


def test_a_void_result_is_not_shown_and_new_scores_stay_unseen(town: Market, npos: list[Actor]) -> None:
    tender, (first, second) = in_standstill(town, npos)
    assert len(tender.listed("competition_scores")) == 6
    filed = tender.do("file_complaint", npos[1], lot_id=tender.lots[0], text=TEXT)
    complaint_id = filed["reply"]["complaint_id"]
    tender.do("accept_complaint", JUDGE, complaint_id=complaint_id)
    tender.do("satisfy_complaint", JUDGE, complaint_id=complaint_id, decision="Обоснованна", remedy="rescore")
    page = tender.page()
    assert (page["status"], page["lots"][0]["result"], page["decided_at"]) == ("evaluation", None, None)
    assert [bid["place"] for bid in tender.bids()] == [None, None] and tender.listed("competition_scores") == []
    [sheet] = town.ask("orders.bids_to_score", {"id": tender.id}, tender.evaluators[0])["items"]
    assert [bid["scores"] for bid in sheet["bids"]] == [{}, {}]
    give(tender, {first: 50, second: 95})
    assert tender.listed("competition_scores") == []
    town.work()
    asked = {"subject": f"Competition/{tender.id}", "type": "ScoresRenewed"}
    assert town.ask("audit.entries", asked)["items"] == [], "the first ranking opened the first scores alone"
    assert len(town.ask("audit.entries", asked, person("auditor"))["items"]) == 3
    tender.do("decide_ranking", tender.body.second)
    page = tender.page()
    assert page["lots"][0]["result"]["order"] == [second, first]
    assert tender.complaints() == ["resolved"]
    assert {score["score"] for score in tender.listed("competition_scores")} == {50, 95}
    assert differences(town) == []


def test_the_bids_of_the_lot_are_checked_again(town: Market, npos: list[Actor]) -> None:
    tender, (first, second) = in_standstill(town, npos)
    filed = tender.do("file_complaint", npos[1], lot_id=tender.lots[0], text=TEXT)
    complaint_id = filed["reply"]["complaint_id"]
    tender.do("accept_complaint", JUDGE, complaint_id=complaint_id)
    tender.do("satisfy_complaint", JUDGE, complaint_id=complaint_id, decision="Обоснованна", remedy="recheck")
    assert statuses(tender) == {first: "opened", second: "opened"} and tender.status == "opened"
    check(tender, second)
    check(tender, first)
    tender.do("begin_evaluation", tender.officer)
    tender.do("decide_ranking", tender.body.second)
    assert tender.page()["lots"][0]["result"]["order"] == [first, second]
    assert differences(town) == []


def test_what_is_cancelled_before_the_opening_stays_sealed(town: Market, npos: list[Actor]) -> None:
    """DOMAIN §2(b): cancelled at every stage; no custodian releases anything for a closing that never came."""
    tender = Tender(town, 500).open()
    bid_id = tender.bid(npos[0], 30_000, 100)
    tender.do("cancel_competition", tender.officer, reason="Потребность отпала")
    after(town, tender.page()["deadline"], hours=2)
    town.work()
    assert tender.status == "cancelled" and tender.bids() == []
    assert logged(town, f"Bid/{bid_id}") == ["BidSubmitted"]
    assert town.sql("SELECT 1 FROM orders.opened_key WHERE competition_id = %s", (tender.id,)) == []
    assert found_in_log(town, None, bid_id) == (0, 0), "nobody ever learns who had bid"
    assert {lot["status"] for lot in tender.body.lots(tender.order["id"])} == {"free"}
    assert differences(town) == []


def test_an_award_is_cancelled_or_gets_its_agreement_and_never_both(town: Market, npos: list[Actor]) -> None:
    tender, _ = in_standstill(town, npos)
    after(town, tender.page()["standstill_until"], seconds=10)
    until(town, lambda: tender.status == "awarded")
    first, second = (award["award_id"] for award in tender.page()["awards"])
    drafts = [tender.body.draft(award_id) for award_id in (first, second)]
    cancel = {"id": tender.id, "reason": "Потребность отпала"}
    outcomes = at_once(
        lambda: town.answer("orders.draft_agreement", drafts[0], tender.officer),
        lambda: town.answer("orders.cancel_competition", cancel, tender.body.second),
        lambda: town.answer("orders.draft_agreement", drafts[1], tender.officer),
    )
    assert outcomes in (["agreements_live", "done", "done"], ["award_cancelled", "award_cancelled", "done"])
    for draft in drafts:
        void = {"id": draft["id"], "reason": "Конкурс отменяется"}
        town.answer("orders.void_agreement", void, tender.officer)
    if tender.status == "awarded":
        town.work()
        tender.refused("cancel_competition", tender.officer, reason="Потребность отпала")
    assert tender.status in ("agreed", "cancelled")
    assert {lot["agreed_volume"] for lot in tender.body.lots(tender.order["id"])} == {0}
    assert differences(town) == []


def test_volume_goes_to_who_has_places_for_it(town: Market) -> None:
    """DOMAIN §2(b): at most what it has free capacity for; a place of DOM-01 makes so many units a year."""
    [small, large] = [provider(town, places=2), provider(town, places=100)]
    tender, (first, second) = in_standstill(town, [small, large])
    after(town, tender.page()["standstill_until"], seconds=10)
    until(town, lambda: tender.status == "awarded")
    per_place = load_rules(REGION).catalogue["DOM-01"][-1].units_per_place
    given = {award["bid_id"]: award["volume"] for award in tender.page()["awards"]}
    assert 2 * per_place < 500 and given == {first: 2 * per_place, second: 500}
    assert differences(town) == []


def test_the_next_in_rank_is_asked_when_the_winner_says_nothing(town: Market, npos: list[Actor]) -> None:
    """DOMAIN §2(b): winner refuses → next in rank; who doesn't sign in time has refused."""
    tender, (first, second) = in_standstill(town, npos, volume=500)
    tender.body.limit(100_000_000)
    after(town, tender.page()["standstill_until"], seconds=10)
    until(town, lambda: tender.status == "awarded")
    [award] = tender.page()["awards"]
    assert (award["bid_id"], award["volume"]) == (first, 500)
    agreement = tender.body.draft(award["award_id"], places=1)
    town.do("orders.draft_agreement", agreement, tender.officer)
    town.do("orders.request_reservation", {"id": agreement["id"]}, tender.officer)
    town.work()
    after(town, tender.body.agreement(agreement["id"])["sign_by"], seconds=10)
    until(town, lambda: len(tender.page()["awards"]) == 2)
    assert tender.body.agreement(agreement["id"])["status"] == "void"
    [_, following] = tender.page()["awards"]
    assert (following["bid_id"], following["volume"]) == (second, 500)
    assert tender.status == "awarded" and differences(town) == []

"""Bidding between orders, three custodians and the log: who sees what when, and what happens around a deadline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from kernel.instants import from_text
from tests.component.orders.country import BEGAN, provider
from tests.component.orders.tender import CRITERIA, Tender, differences, everybody, until
from tests.support import Market, market, person


@pytest.fixture(scope="module")
def town(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("home")
    with market(everybody(home / "contracts"), module_database, home, BEGAN) as made:
        yield made


@pytest.fixture(scope="module")
def npos(town: Market) -> list[Any]:
    return [provider(town) for _ in range(4)]


def now(town: Market) -> datetime:
    [(instant,)] = town.sql("SELECT instant FROM market.sandbox")
    moment: datetime = instant
    return moment


def after(town: Market, text: str, **more: float) -> None:
    """Move the clock to the instant `text` and so much more."""
    town.move_clock(max(now(town), from_text(text) + timedelta(**more)))


def closed(tender: Tender) -> Tender:
    after(tender.market, tender.page()["deadline"], seconds=10)
    until(tender.market, lambda: tender.status not in ("published", "open"))
    return tender


def opened(tender: Tender) -> Tender:
    closed(tender)
    until(tender.market, lambda: tender.status == "opened")
    return tender


def logged(town: Market, subject: str) -> list[str]:
    rows = town.sql("SELECT type FROM orders.log WHERE subject = %s ORDER BY sequence", (subject,))
    return [str(name).split(".")[2] for (name,) in rows]


def found_in_log(town: Market, who: Any, bid_id: str) -> tuple[int, int]:
    """How many entries of a bid's stream `who` is shown, and how many it is told of."""
    found = town.ask("audit.entries", {"subject": f"Bid/{bid_id}"}, who)
    return len(found["items"]), len(found["withheld"])


def test_a_competition_from_draft_to_award_with_three_real_custodians(town: Market, npos: list[Any]) -> None:
    tender = Tender(town, 1000, 400, evaluators=3).open()
    first = tender.bid(npos[0], 40_000, 600)
    second = tender.bid(npos[1], 30_000, 600)
    dear = tender.bid(npos[2], 41_201, 600)
    opened(tender)
    page = tender.page()
    assert [bid["price_kopecks"] for bid in tender.bids()] == [40_000, 30_000, 41_201]
    assert [lot["failure"] for lot in page["lots"]] == ["", "no_bids"]

    for bid_id in (first, second):
        assert tender.check(bid_id)["reply"]["admitted"]
    assert not tender.check(dear)["reply"]["admitted"]
    tender.do("begin_evaluation", tender.officer)
    waiting = town.ask("orders.bids_to_score", {"id": tender.id}, tender.evaluators[0])["items"]
    assert [bid["text"] for bid in waiting[0]["bids"]] == ["Опыт 40000", "Опыт 30000"]
    tender.score({first: 90, second: 60})
    assert tender.refused("decide_ranking", tender.officer) == "four_eyes"
    tender.do("decide_ranking", tender.body.second)

    page = tender.page()
    result = page["lots"][0]["result"]
    ranked = tender.listed("competition_bids", order="place", limit=1)
    assert [(bid["bid_id"], bid["place"]) for bid in ranked] == [(first, 1), (second, 2), (dear, None)]
    assert result["order"] == [first, second] and result["ranking"]["ranking"][0]["total"]["exact"] == "84/1"
    protocol = town.ask("orders.protocol", {"id": tender.id, "lot_id": tender.lots[0]})
    assert protocol["hash"] == result["protocol_hash"] and "84,00" in protocol["html"]

    after(town, page["standstill_until"], seconds=10)
    until(town, lambda: tender.status == "awarded")
    page = tender.page()
    assert [(award["bid_id"], award["volume"], award["unit_price_kopecks"]) for award in page["awards"]] == [
        (first, 600, 40_000),
        (second, 400, 30_000),
    ]
    assert [row["event"] for row in page["trail"]][:3] == [
        "CompetitionDrafted",
        "CompetitionPublished",
        "BiddingOpened",
    ]
    assert differences(town) == []


def test_before_the_closing_nobody_but_the_bidder_sees_a_bid(town: Market, npos: list[Any]) -> None:
    tender = Tender(town, 500).open()
    before = {who: tender.page(who) for who in (None, tender.officer, npos[1], person("auditor"))}
    tender.bid(npos[0], 12_345, 77)
    for who, page in before.items():
        assert tender.page(who) == page, "a bid changes nothing that anybody sees"
        for hidden in ("competition_bids", "late_bids", "competition_scores"):
            assert tender.listed(hidden, who) == []
        listed = town.ask("orders.competitions", {"status": "open"}, who)["items"]
        assert "bids" not in str(listed)
    mine = {"competition_id": tender.id}
    [own] = town.ask("orders.my_bids", mine, npos[0])["items"]
    assert own["status"] == "standing" and own["price_kopecks"] is None
    assert town.ask("orders.my_bids", mine, npos[1])["items"] == []
    for who in (tender.officer, person("administrator"), tender.evaluators[0], None):
        assert town.asked("orders.my_bids", mine, who)["refused"]["code"] in ("forbidden_role", "unauthenticated")
    assert town.ask("orders.bids_to_score", {}, tender.evaluators[0])["items"] == []
    until(town, lambda: found_in_log(town, npos[0], own["bid_id"]) == (1, 0))
    for who in (None, npos[1], tender.officer):
        assert found_in_log(town, who, own["bid_id"]) == (0, 0), "its stream's id can be worked out by anybody"
    opened(tender)
    assert [bid["price_kopecks"] for bid in tender.bids()] == [12_345]


def test_scores_are_seen_by_their_author_alone_until_the_ranking(town: Market, npos: list[Any]) -> None:
    tender = Tender(town, 500).open()
    bids = [tender.bid(npos[0], 30_000, 100), tender.bid(npos[1], 31_000, 100)]
    opened(tender)
    for bid_id in bids:
        tender.check(bid_id)
    tender.do("begin_evaluation", tender.officer)
    tender.score(dict.fromkeys(bids, 70))
    assert tender.listed("competition_scores", tender.officer) == []
    for member in tender.evaluators:
        [sheet] = town.ask("orders.bids_to_score", {"id": tender.id}, member)["items"]
        assert [bid["scores"]["quality"]["score"] for bid in sheet["bids"]] == [70, 70]
    assert town.ask("orders.bids_to_score", {}, person("evaluator"))["items"] == []
    tender.do("decide_ranking", tender.evaluators[0])
    scores = tender.listed("competition_scores", limit=4)
    assert len(scores) == 6 and tender.listed("competition_scores", bid_id=min(bids)) == scores[:3]


def test_replaced_and_withdrawn_bids_and_where_their_places_are(town: Market, npos: list[Any]) -> None:
    tender = Tender(town, 500).open()
    tender.bid(npos[0], 30_000, 100)
    tender.bid(npos[1], 30_000, 100)
    gone = tender.bid(npos[2], 1, 100)
    again = tender.sealed(npos[0], 30_000, 100, version=2)
    assert town.refused("orders.replace_bid", {**again, "bid_version": 3}, npos[0]) == "bid_version_wrong"
    assert town.refused("orders.replace_bid", again, npos[1]) == "not_yours"
    answer = town.do("orders.replace_bid", again, npos[0])
    assert answer["receipt"]["source"] == "orders"
    withdrawal = {name: again[name] for name in ("competition_id", "lot_id")}
    town.do("orders.withdraw_bid", {**withdrawal, "provider_id": npos[2].organisation}, npos[2])
    opened(tender)
    standing = [(bid["provider_id"], bid["bid_version"]) for bid in tender.bids()]
    # A replacement counts from its own time, so who was first is second now.
    assert standing == [(npos[1].organisation, 1), (npos[0].organisation, 2)]
    assert logged(town, f"Bid/{gone}") == ["BidSubmitted", "BidWithdrawn"]


def test_a_late_bid_is_logged_once_for_each_provider_and_counted_after(town: Market, npos: list[Any]) -> None:
    tender = Tender(town, 500, 500).open()
    tender.bid(npos[0], 30_000, 100)
    data = [tender.sealed(npos[1], 30_000, 100, lot) for lot in (0, 1)]
    after(town, tender.page()["deadline"])
    assert tender.listed("late_bids") == []
    for each in (data[0], data[1], data[0]):
        assert town.refused("orders.submit_bid", each, npos[1]) == "bid_late"
    assert town.refused("orders.submit_bid", data[0], npos[2]) == "not_yours"
    change = tender.sealed(npos[0], 1, 100, version=2)
    assert town.refused("orders.replace_bid", change, npos[0]) == "bid_late"
    attempts = "SELECT provider_id::text, attempts FROM orders.late_attempt WHERE competition_id = %s"
    assert dict(town.sql(attempts, (tender.id,))) == {npos[1].organisation: 3, npos[0].organisation: 1}
    opened(tender)
    assert {late["provider_id"] for late in tender.listed("late_bids", limit=1)} == {
        npos[0].organisation,
        npos[1].organisation,
    }
    assert [(bid["provider_id"], bid["bid_version"]) for bid in tender.bids()] == [(npos[0].organisation, 1)]
    [(count,)] = town.sql(
        "SELECT count(*) FROM orders.log WHERE type LIKE '%%LateBidRefused%%' AND convert_from(entry, 'UTF8') LIKE %s",
        (f"%{tender.id}%",),
    )
    assert count == 2
    assert differences(town) == []


def test_only_active_providers_bid_and_only_while_bidding_is_open(town: Market, npos: list[Any]) -> None:
    tender = Tender(town, 500).drafted()
    stranger = person("provider", organisation=npos[0].organisation)
    data = {"competition_id": tender.id, "lot_id": tender.lots[0], "provider_id": npos[0].organisation}
    sealed = Tender(town, 500).open()
    form = sealed.sealed(npos[0], 1, 1)["sealed"]
    command = {**data, "bid_version": 1, "sealed": form, "sealed_by": "gateway"}
    assert town.refused("orders.submit_bid", command, stranger) == "not_found"
    tender.do("publish_competition", tender.officer)
    assert town.refused("orders.submit_bid", command, stranger) == "bidding_not_open"
    until(town, lambda: tender.status == "open")
    nobody = person("provider", organisation=tender.id)
    assert town.refused("orders.submit_bid", {**command, "provider_id": tender.id}, nobody) == "provider_not_active"
    assert town.refused("orders.submit_bid", {**command, "sealed": {**form, "nonce": "AAAA"}}, stranger) == (
        "invalid_input"
    )
    assert town.refused("orders.submit_bid", {**command, "bid_version": "1"}, stranger) == "invalid_input"


def test_a_lot_lives_in_one_competition_only(town: Market) -> None:
    tender = Tender(town, 500, 500).drafted()
    rival = Tender(town, 100)
    rival.order, rival.lots, rival.body = tender.order, tender.lots, tender.body
    data = {"order_id": tender.order["id"], "lot_ids": [tender.lots[1]], "title": "Ещё раз", "evaluators": []}
    assert rival.refused("draft_competition", tender.officer, criteria=CRITERIA, **data) == "lot_in_competition"
    tender.do("cancel_competition", tender.officer, reason="Ошибка в извещении")
    rival.do("draft_competition", tender.officer, criteria=CRITERIA, **data)


def test_drafts_and_open_questions_are_seen_by_their_own_body(town: Market, npos: list[Any]) -> None:
    tender = Tender(town, 500).drafted()
    assert town.asked("orders.competition", {"id": tender.id})["refused"]["code"] == "not_found"
    assert tender.page(tender.officer)["status"] == "draft"
    found = [item["competition_id"] for item in town.ask("orders.competitions", {"status": "draft"})["items"]]
    assert tender.id not in found
    tender.do("publish_competition", tender.officer)
    asked = town.do("orders.ask_question", {"id": tender.id, "text": "Есть ли лифт в доме?"}, npos[0])
    assert tender.page()["questions"] == [] and len(tender.page(tender.officer)["questions"]) == 1
    before = tender.page()["deadline"]
    until(town, lambda: tender.status == "open")
    after(town, before, hours=-1)
    until(town, lambda: tender.page()["deadline"] != before)
    page = tender.page()
    assert page["reason"] == "unanswered_questions" and page["deadline"] > before and page["explained"]["ru"]
    answer = {"question_id": asked["reply"]["question_id"], "answer": "Лифт есть"}
    tender.do("answer_question", tender.officer, **answer)
    [question] = tender.page()["questions"]
    assert question["answer"] == "Лифт есть" and str(npos[0].id) not in str(tender.page())
    assert closed(tender).status == "unsuccessful"


def test_the_list_of_orders_says_their_worth_and_how_far_their_competition_is(town: Market) -> None:
    tender = Tender(town, 20, 30)
    body, plain = tender.body, tender.body.ordered(10)
    tender.drafted()
    listed = town.ask("orders.social_orders", {"body_id": body.id, "counted": True})
    assert [row["order_id"] for row in listed["items"]] == [plain["id"], tender.order["id"]] and listed["total"] == 2
    worth = sum(lot["volume"] * lot["limit_price_kopecks"] for lot in tender.order["lots"])
    assert [(row["lots"], row["limit_kopecks"]) for row in listed["items"]][1] == (2, worth)
    assert [row["competition"] for row in listed["items"]] == [None, None]  # a draft is its own body's business
    tender.do("publish_competition", tender.officer)
    second = town.ask("orders.social_orders", {"body_id": body.id})["items"][1]["competition"]
    assert (second["competition_id"], second["title"]) == (tender.id, "Доставка продуктов на дом")
    assert second["deadline"] and second["number"].startswith("К-2027-")
    for state, found in ((second["status"], [tender.order]), ("none", [plain]), ("agreed", [])):
        page = town.ask("orders.social_orders", {"body_id": body.id, "competition": state, "counted": True})
        assert [row["order_id"] for row in page["items"]] == [order["id"] for order in found]
        assert page["total"] == len(found)


def test_lists_are_filtered_and_turned_page_by_page(town: Market) -> None:
    tenders = [Tender(town, 10).drafted() for _ in range(3)]
    for tender in tenders:
        tender.do("publish_competition", tender.officer)
    only = {"body_id": tenders[0].body.id, "territory": "belomorsk", "service_code": "DOM-01"}
    [found] = town.ask("orders.competitions", only)["items"]
    assert found["competition_id"] == tenders[0].id and found["number"].startswith("К-2027-")
    assert town.ask("orders.competitions", {**only, "territory": "kem"})["items"] == []
    seen: list[str] = []
    cursor = None
    while True:
        page = town.ask("orders.competitions", {"limit": 2, "cursor": cursor})
        seen += [item["competition_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) and {tender.id for tender in tenders} <= set(seen)
    assert seen == sorted(seen, reverse=True)

"""An announcement that is amended while bids stand (DOMAIN §2(b)): who is confirmed is opened, who isn't stays sealed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kernel.identity import Actor
from tests.component.orders.country import BEGAN, provider
from tests.component.orders.tender import Tender, differences, everybody
from tests.component.orders.test_bidding import after, logged, opened
from tests.support import Market, market

REASON = "Уточнены требования по запросу участников"
EDUCATION = {"code": "staff", "text": "Три сотрудника со специальным образованием"}


@pytest.fixture(scope="module")
def town(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("home")
    with market(everybody(home / "contracts"), module_database, home, BEGAN) as made:
        yield made


@pytest.fixture(scope="module")
def npos(town: Market) -> list[Actor]:
    return [provider(town) for _ in range(4)]


def confirm(tender: Tender, by: Actor, lot: int = 0) -> dict[str, Any]:
    return {"competition_id": tender.id, "lot_id": tender.lots[lot], "provider_id": by.organisation}


def test_a_bid_is_confirmed_or_replaced_or_it_stays_sealed(town: Market, npos: list[Actor]) -> None:
    tender = Tender(town, 1000).open()
    confirmed, replaced, silent = (tender.bid(npo, 30_000 + n, 300) for n, npo in enumerate(npos[:3]))
    town.refused("orders.confirm_bid", confirm(tender, npos[0]), npos[0])
    reply = tender.do("amend_competition", tender.body.second, reason=REASON, requirements=[EDUCATION])["reply"]
    assert reply["amendment"] == 1
    page = tender.page()
    [made] = page["amendments"]
    assert (made["number"], made["parts"], made["reason"]) == (1, ["requirements"], REASON)
    assert page["requirements"] == [{**EDUCATION, "correctable": False}]
    mine = {"competition_id": tender.id}
    assert [bid["to_confirm"] for bid in town.ask("orders.my_bids", mine, npos[0])["items"]] == [True]
    town.do("orders.confirm_bid", confirm(tender, npos[0]), npos[0])
    assert town.refused("orders.confirm_bid", confirm(tender, npos[0]), npos[0]) == "nothing_to_confirm"
    assert [bid["to_confirm"] for bid in town.ask("orders.my_bids", mine, npos[0])["items"]] == [False]
    after(town, made["confirm_until"], seconds=1)
    assert town.refused("orders.confirm_bid", confirm(tender, npos[1]), npos[1]) == "confirmed_late"
    town.do("orders.replace_bid", tender.sealed(npos[1], 29_000, 300, version=2), npos[1])
    late = tender.bid(npos[3], 28_000, 300)
    opened(tender)
    # A confirmed bid keeps its place in the log, a replaced one has its own; what nobody confirmed doesn't stand.
    assert [bid["bid_id"] for bid in tender.bids()] == [confirmed, replaced, late]
    assert logged(town, f"Bid/{silent}") == ["BidSubmitted"]
    keys = town.sql("SELECT bid_id::text FROM orders.opened_key WHERE competition_id = %s", (tender.id,))
    assert silent not in {bid_id for (bid_id,) in keys}, "no custodian uncovers it"
    assert differences(town) == []


def test_a_lot_that_is_taken_out_is_free_and_its_bids_do_not_stand(town: Market, npos: list[Actor]) -> None:
    tender = Tender(town, 500, 400, 300)
    first, second, third = tender.lots
    tender.lots = [first, second]
    tender.open()
    out, stays = tender.bid(npos[0], 30_000, 100, lot=0), tender.bid(npos[1], 30_000, 100, lot=1)
    wanted = {"reason": REASON, "lot_ids": [second, third]}
    assert tender.refused("amend_competition", npos[0], **wanted) == "forbidden_role"
    tender.do("amend_competition", tender.officer, **wanted)
    claimed = {lot["lot_id"]: lot["status"] for lot in tender.body.lots(tender.order["id"])}
    assert claimed == {first: "free", second: "in_competition", third: "in_competition"}
    assert town.refused("orders.confirm_bid", confirm(tender, npos[0]), npos[0]) == "lot_unknown"
    town.do("orders.confirm_bid", confirm(tender, npos[1], lot=1), npos[1])
    rival = Tender(town, 10)
    rival.order, rival.body, rival.lots = tender.order, tender.body, [third]
    assert rival.refused("draft_competition", tender.officer, **announcement(rival)) == "lot_in_competition"
    rival.lots = [first]
    rival.do("draft_competition", tender.officer, **announcement(rival))
    again = {"reason": "Лот возвращается в конкурс", "lot_ids": [first, second]}
    assert tender.refused("amend_competition", tender.officer, **again) == "lot_in_competition"
    opened(tender)
    assert [bid["bid_id"] for bid in tender.bids()] == [stays]
    failures = {lot["lot_id"]: lot["failure"] for lot in tender.page()["lots"]}
    assert failures == {first: "taken_out", second: "", third: "no_bids"}
    assert logged(town, f"Bid/{out}") == ["BidSubmitted"]
    assert differences(town) == []


def test_an_amendment_near_the_deadline_moves_it_and_the_page_says_so(town: Market, npos: list[Actor]) -> None:
    tender = Tender(town, 1000).open()
    before = tender.page()["deadline"]
    after(town, before, hours=-5)
    tender.do("amend_competition", tender.officer, reason=REASON, title="Доставка продуктов и лекарств на дом")
    page = tender.page()
    [move] = page["moves"]
    assert (move["previous"], move["deadline"], move["reason"]) == (before, page["deadline"], "amended")
    assert page["deadline"] > before and move["explained"]["ru"] and page["title"].endswith("лекарств на дом")
    bid = tender.bid(npos[0], 20_000, 100)
    opened(tender)
    assert [row["bid_id"] for row in tender.bids()] == [bid]
    assert differences(town) == []


def announcement(tender: Tender) -> dict[str, Any]:
    criteria = [{"key": "price", "title": "Цена", "formula": "lowest_price", "weight": 100, "counts": "kopecks"}]
    return {"order_id": tender.order["id"], "lot_ids": tender.lots, "title": "Ещё раз", "criteria": criteria}

"""Every answer about a competition with as many bids as it may have, each as large as it may be, fits into a message.

The rows are those that commands could have written at the limits of their inputs, put into the tables by SQL: what is
tried here is the queries, over what the bus carries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from kernel import canonical
from kernel.bus import wire
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.sealing import MAX_PLAINTEXT_BYTES, from_base64, new_key, seal, to_base64
from services.orders.domain.competition.evaluation import MAX_CONFLICTS
from services.orders.domain.competition.opening import associated_data
from services.orders.domain.competition.ranking import IN_EVENT_BYTES
from services.orders.domain.competition.state import (
    MAX_BIDS,
    MAX_EVALUATORS,
    MAX_LOTS,
    MAX_QUESTIONS,
    MAX_REQUIREMENTS,
)
from tests.component.orders.country import BEGAN
from tests.component.orders.tender import Tender, everybody
from tests.support import Market, market, person

AUTOMATIC_CHECKS = 6
CRITERIA = 20
TEXT, LONG = "ж" * 300, "ж" * 2_000
AT = "2027-03-01T10:00:00.000000Z"


@pytest.fixture(scope="module")
def tender(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tender]:
    home = tmp_path_factory.mktemp("home")
    with market(everybody(home / "contracts"), module_database, home, BEGAN) as town:
        made = Tender(town, *([10_000] * MAX_LOTS), evaluators=MAX_EVALUATORS).open()
        _fill(made)
        yield made


@pytest.fixture(scope="module")
def bidder(tender: Tender) -> Actor:
    """Who has two hundred bids in it."""
    [(organisation,)] = tender.market.sql("SELECT DISTINCT provider_id::text FROM orders.own_bid")
    return person("provider", organisation=organisation)


def _fill(tender: Tender) -> None:
    checks = [{"requirement": "a" * 40, "met": False, "reason": TEXT}] * (MAX_REQUIREMENTS + AUTOMATIC_CHECKS)
    values = {f"{'v' * 38}{number:02}": "1" * 40 for number in range(CRITERIA)}
    bids = [
        {
            "competition_id": tender.id,
            "bid_id": new_id(),
            "lot_id": tender.lots[number % MAX_LOTS],
            "provider_id": new_id(),
            "bid_version": 1_000_000,
            "arrival": number + 1,
            "status": "admitted",
            "failure": "",
            "price_kopecks": 10**12,
            "volume": 10**9,
            "values": values,
            "checks": checks,
            "place": number // MAX_LOTS + 1,
        }
        for number in range(MAX_BIDS)
    ]
    _insert(tender.market, "compared_bid", bids)
    _insert(tender.market, "late_bid", [_late(tender) for _ in range(MAX_BIDS)])
    _insert(tender.market, "award", [_award(bid) for bid in bids])
    _insert(tender.market, "trail", [_event(tender, number) for number in range(100, MAX_BIDS + 600)])
    _insert(tender.market, "question", [_question(tender) for _ in range(MAX_QUESTIONS)])
    _insert(tender.market, "conflict", [_conflict(tender, member) for member in tender.evaluators])
    _insert(tender.market, "score", _scores(tender, bids))
    _insert(tender.market, "lot_result", [_result(tender, lot_id, bids) for lot_id in tender.lots])
    own = new_id()
    _insert(tender.market, "own_bid", [_own(bid, own) for bid in bids[:200]])
    _keep_sealed(tender, bids[:51])
    tender.market.sql(
        "UPDATE orders.competitions SET status = 'evaluation', closed_at = %s, opened_at = %s, decided_at = %s "
        "WHERE competition_id = %s",
        (AT, AT, AT, tender.id),
    )


def _insert(town: Market, table: str, rows: list[dict[str, Any]]) -> None:
    """Rows with their columns; those that aren't named have their defaults."""
    names = ", ".join(f'"{name}"' for name in rows[0])
    town.sql(
        f"INSERT INTO orders.{table} ({names}) "
        f"SELECT {names} FROM jsonb_populate_recordset(NULL::orders.{table}, %s::jsonb)",
        (orjson.dumps(rows).decode(),),
    )


def _late(tender: Tender) -> dict[str, Any]:
    return {"competition_id": tender.id, "provider_id": new_id(), "lot_id": tender.lots[0], "received_at": AT}


def _award(bid: dict[str, Any]) -> dict[str, Any]:
    shared = {name: bid[name] for name in ("competition_id", "lot_id", "provider_id", "bid_id", "volume")}
    return {**shared, "award_id": new_id(), "unit_price_kopecks": bid["price_kopecks"], "awarded_at": AT}


def _event(tender: Tender, version: int) -> dict[str, Any]:
    return {"competition_id": tender.id, "version": version, "event": "BidAdmitted", "event_id": new_id(), "at": AT}


def _question(tender: Tender) -> dict[str, Any]:
    said = {"text": LONG, "asked_at": AT, "answer": LONG, "answered_at": AT}
    return {"question_id": new_id(), "competition_id": tender.id, **said}


def _conflict(tender: Tender, member: Actor) -> dict[str, Any]:
    with_whom = [new_id() for _ in range(MAX_CONFLICTS)]
    said = {"conflicted": with_whom, "text": LONG, "declared_at": AT}
    return {"competition_id": tender.id, "evaluator_id": member.id, **said}


def _scores(tender: Tender, bids: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One member's for 51 bids, more than an answer holds, and everybody's for the first."""
    given = [(tender.evaluators[0], bid) for bid in bids[:51]] + [(each, bids[0]) for each in tender.evaluators[1:]]
    return [
        {
            "competition_id": tender.id,
            "evaluator_id": member.id,
            "bid_id": bid["bid_id"],
            "criterion": f"c{number:02}",
            "score": 100,
            "comment": TEXT,
        }
        for member, bid in given
        for number in range(CRITERIA)
    ]


def _result(tender: Tender, lot_id: str, bids: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "competition_id": tender.id,
        "lot_id": lot_id,
        "sole": False,
        "by_hash": False,
        "judges": [member.id for member in tender.evaluators],
        "inputs": {"as large as an event takes": "x" * IN_EVENT_BYTES},
        "ranking": {"ranking": []},
        "computed_hash": "f" * 64,
        "order": [bid["bid_id"] for bid in bids if bid["lot_id"] == lot_id],
        "alarms": [],
        "protocol_hash": "f" * 64,
    }


def _own(bid: dict[str, Any], provider_id: str) -> dict[str, Any]:
    shared = {name: bid[name] for name in ("competition_id", "bid_id", "lot_id", "bid_version")}
    more = {"status": "standing", "sealed_by": "bidder", "received_at": AT, "event_id": new_id()}
    return {**shared, **more, "provider_id": provider_id}


def _keep_sealed(tender: Tender, bids: list[dict[str, Any]]) -> None:
    """Bids as their bidders have sealed them, as long as they may be, with the keys that open them."""
    keys = tender.market.ask("orders.custodian_keys", {"id": tender.id})["keys"]
    public = [from_base64(key) for _, key in sorted(keys.items())]
    content = {"price_kopecks": 1, "volume": 1, "values": {}, "people": []}
    long = (MAX_PLAINTEXT_BYTES - 100) // 2
    whole = canonical.dumps({**content, "text": "ж" * min(long, 20_000)})
    for bid in bids:
        key = new_key()
        bound = associated_data(tender.id, bid["lot_id"], bid["provider_id"], bid["bid_version"])
        form = seal(whole, bound, public, key)
        tender.market.sql(
            "INSERT INTO orders.bid (id, version, state) VALUES (%s, 1, %s)",
            (bid["bid_id"], orjson.dumps({"sealed": form.to_dict()}).decode()),
        )
        tender.market.sql(
            "INSERT INTO orders.opened_key VALUES (%s, %s, %s)", (tender.id, bid["bid_id"], to_base64(key))
        )


def size_of(tender: Tender, query: str, params: dict[str, Any], who: Actor | None = None) -> int:
    """Bytes of the whole answer, as it travels."""
    answer = tender.market.asked(f"orders.{query}", params, who)
    assert "refused" not in answer, answer
    return len(wire.reply(answer))


def test_the_competition_itself_fits(tender: Tender) -> None:
    assert 2_000_000 < size_of(tender, "competition", {"id": tender.id}) < wire.MOST_BYTES


@pytest.mark.parametrize(
    ("query", "most", "at_least"),
    [("competition_bids", 50, 700_000), ("competition_scores", 200, 100_000), ("late_bids", 200, 20_000)],
)
def test_a_part_of_its_bids_fits(tender: Tender, query: str, most: int, at_least: int) -> None:
    asked = {"id": tender.id, "limit": most}
    assert at_least < size_of(tender, query, asked) < wire.MOST_BYTES
    assert tender.market.asked(f"orders.{query}", {**asked, "limit": most + 1})["refused"]["code"] == "invalid_input"


def test_what_a_bidder_and_an_evaluator_read_fits(tender: Tender, bidder: Actor) -> None:
    assert 2_000_000 < size_of(tender, "my_bids", {"limit": 200}, bidder) < wire.MOST_BYTES
    sheet = {"id": tender.id, "limit": 50}
    assert 1_500_000 < size_of(tender, "bids_to_score", sheet, tender.evaluators[0]) < wire.MOST_BYTES
    [listed] = tender.market.ask("orders.bids_to_score", {}, tender.evaluators[0])["items"]
    assert (listed["admitted"], listed["bids"], listed["more"]) == (MAX_BIDS, [], True)


def test_all_parts_together_are_all_of_them_once(tender: Tender) -> None:
    bids = tender.bids()
    assert [bid["arrival"] for bid in bids] == list(range(1, MAX_BIDS + 1))
    lot_id = tender.lots[3]
    of_lot = tender.listed("competition_bids", lot_id=lot_id, order="place", limit=37)
    assert [bid["place"] for bid in of_lot] == list(range(1, MAX_BIDS // MAX_LOTS + 1))
    assert {bid["lot_id"] for bid in of_lot} == {lot_id}
    assert len({late["provider_id"] for late in tender.listed("late_bids", limit=200)}) == MAX_BIDS
    one = bids[0]["bid_id"]
    scores = tender.listed("competition_scores", bid_id=one)
    assert len({(row["evaluator_id"], row["criterion"]) for row in scores}) == MAX_EVALUATORS * CRITERIA == len(scores)

"""Social orders on a real database: numbers, four eyes, corrections beside living competitions."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.ids import new_id
from kernel.pipeline import Batch
from kernel.projection import Entry
from kernel.rows import SqlRows
from services.orders.projections.social_orders import social_orders_projection
from tests.component.orders.country import Body, at_once, differences
from tests.support import Market, person


@pytest.fixture(scope="module")
def body(country: Market) -> Body:
    return Body(country)


def hear(country: Market, competition_id: str, name: str, **data: Any) -> None:
    """Project a competition's event as if its command had just been decided."""
    entry = Entry(
        source="orders", event_id=new_id(), subject=f"Competition/{competition_id}", type=f"market.orders.{name}.v1",
        time="2027-02-01T00:00:00.000000Z", actor="x", version=1, correlation_id="", received_at="", ground="",
        data=data,
    )  # fmt: skip
    with country.installation.hosts["orders"].engine.begin() as connection:
        batch = Batch(connection)
        social_orders_projection.apply(SqlRows(batch), entry)
        batch.flush()


def claim(country: Market, *lot_ids: str) -> str:
    competition_id = new_id()
    hear(country, competition_id, "CompetitionDrafted", lots=[{"lot_id": lot_id} for lot_id in lot_ids])
    return competition_id


def test_an_order_is_formed_approved_by_another_and_listed(country: Market, body: Body) -> None:
    data = body.form(60, 40)
    answer = country.do("orders.form_social_order", data, body.officer)
    assert answer["reply"]["number"].startswith("СЗ-2027-")
    on = {"id": data["id"]}
    assert country.refused("orders.approve_social_order", on, body.officer) == "four_eyes"
    assert country.refused("orders.approve_social_order", on, person("officer", organisation=new_id())) == "not_yours"
    country.do("orders.approve_social_order", on, body.second)
    shown = country.ask("orders.social_order", on)
    assert (shown["status"], shown["volume"], shown["service_kind"], shown["unit"]) == (
        "approved", 130, "domestic", "visit",
    )  # fmt: skip
    assert [(lot["number"], lot["volume"], lot["status"]) for lot in shown["lots"]] == [
        (1, 60, "free"),
        (2, 40, "free"),
    ]
    assert country.refused("orders.form_social_order", {**data, "id": new_id()}, body.officer) == "lot_elsewhere"


def test_the_list_is_filtered_and_paged(country: Market) -> None:
    body = Body(country)
    made = [body.ordered(10)["id"] for _ in range(5)]
    first = country.ask("orders.social_orders", {"body_id": body.id, "status": "approved", "limit": 3})
    rest = country.ask("orders.social_orders", {"body_id": body.id, "limit": 3, "cursor": first["next"]})
    assert [o["order_id"] for o in first["items"] + rest["items"]] == made[::-1] and rest["next"] is None
    assert country.ask("orders.social_orders", {"body_id": body.id, "year": 2026})["items"] == []
    assert "refused" in country.asked("orders.social_orders", {"cursor": "nonsense"})


def test_numbers_have_no_holes_when_some_are_refused(country: Market, body: Body) -> None:
    good = [body.form(10) for _ in range(6)]
    bad = [{**body.form(10), "by_assignment": 21} for _ in range(6)]
    outcomes = at_once(
        *(lambda d=d: country.answer("orders.form_social_order", d, body.officer) for d in [*good, *bad])
    )
    assert outcomes == ["done"] * 6 + ["split_unequal"] * 6
    numbers = sorted(int(n[-6:]) for (n,) in country.sql("SELECT number FROM orders.social_orders"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_correction_keeps_a_lot_that_a_competition_offers(country: Market, body: Body) -> None:
    order = body.ordered(60, 40)
    first, second = order["lots"]
    competition_id = claim(country, first["lot_id"])

    def correct(*lots: dict[str, Any]) -> dict[str, Any]:
        total = sum(lot["volume"] for lot in lots)
        figures = {**body.figures(total), "lots": list(lots)}
        return {**figures, "id": order["id"], "reason": "the need has changed"}

    for changed in ({"volume": 61}, {"title": "Another"}, {"limit_price_kopecks": 1}):
        data = correct({**first, **changed}, second)
        assert country.refused("orders.correct_social_order", data, body.officer) == "lot_lives"
    assert country.refused("orders.correct_social_order", correct(second), body.officer) == "lot_lives"
    close = {"id": order["id"], "reason": "no longer needed"}
    assert country.refused("orders.close_social_order", close, body.officer) == "lot_lives"
    fresh = {**second, "lot_id": new_id(), "volume": 5}
    country.do("orders.correct_social_order", correct(first, fresh), body.officer)
    shown = country.ask("orders.social_order", {"id": order["id"]})
    assert shown["status"] == "formed" and shown["reason"] == "the need has changed"
    [correction] = shown["corrections"]
    assert correction["reason"] == "the need has changed"
    assert (correction["before"]["by_competition"], correction["after"]["by_competition"]) == (100, 65)
    assert [(lot["number"], lot["volume"], lot["status"]) for lot in shown["lots"]] == [
        (1, 60, "in_competition"),
        (3, 5, "free"),
    ]
    assert country.refused("orders.approve_social_order", {"id": order["id"]}, body.officer) == "four_eyes"
    country.do("orders.approve_social_order", {"id": order["id"]}, body.second)
    hear(country, competition_id, "CompetitionCancelled")
    country.do("orders.close_social_order", close, body.officer)


def test_a_lot_is_in_one_living_competition_at_a_time(country: Market, body: Body) -> None:
    order = body.ordered(60, 40)
    first, second = [lot["lot_id"] for lot in order["lots"]]
    competition_id = claim(country, first, second)
    with pytest.raises(Exception, match="lot_claimed_once"):
        claim(country, second)
    hear(country, competition_id, "CompetitionUnsuccessful", lot_ids=[second], reason="no bids")
    assert [lot["status"] for lot in body.lots(order["id"])] == ["in_competition", "unsuccessful"]
    again = claim(country, second)
    award = {"award_id": new_id(), "lot_id": second, "provider_id": new_id(), "bid_id": new_id()}
    hear(country, again, "CompetitionAwarded", awards=[{**award, "volume": 40, "unit_price_kopecks": 5}])
    hear(country, again, "CompetitionAgreed")
    hear(country, again, "CompetitionCancelled")
    assert [lot["status"] for lot in body.lots(order["id"])] == ["in_competition", "awarded"]
    assert country.sql("SELECT claims FROM orders.lot WHERE lot_id = %s", (second,)) == [(0,)]


def test_a_replay_makes_the_same_orders(country: Market) -> None:
    # Competitions were projected by hand here, so their marks on lots are the only differences.
    found = differences(country)
    assert not [each for each in found if "orders.lot" not in each], found

"""An agreement between orders, billing and providers: money and places are asked for, held and let go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.ids import new_id
from kernel.instants import from_text
from tests.component.orders.country import (
    SECOND_TREASURER,
    TREASURER,
    Body,
    at_once,
    differences,
    free_places,
    provider,
)
from tests.support import Market, person


@pytest.fixture(scope="module")
def body(country: Market) -> Body:
    return Body(country, 1_000_000)


def turn(country: Market, *services: str) -> None:
    """Let only the workers of `services` work, until they have nothing to do."""
    for _ in range(20):
        did = [country.installation.workers[name].turn() for name in services]
        if not any(did):
            return


def a_day_later(country: Market) -> None:
    [(now,)] = country.sql("SELECT instant FROM market.sandbox")
    country.move_clock(now + timedelta(hours=25))


# -- the straight way -------------------------------------------------------------------------------------------------


def test_from_award_to_money(country: Market) -> None:
    body, npo = Body(country, 5000), provider(country)
    agreement_id = body.drafted(npo.organisation or "", volume=40, price=100, places=3)
    assert body.agreement(agreement_id)["number"].startswith("СГ-2027-0000")
    body.ask_money(agreement_id)
    assert body.agreement(agreement_id)["waiting_for"] == "budget"
    country.work()
    assert body.agreement(agreement_id)["status"] == "sent"
    assert body.money() == {"free": 1000, "reserved": 4000} and free_places(country, npo.organisation or "") == 97
    body.signed(agreement_id, npo)
    country.work()
    assert body.money() == {"free": 1000, "obliged": 4000}

    act = {"id": new_id(), "agreement_id": agreement_id, "month": "2027-01"}
    lines = [{"service_code": "DOM-01", "unit": "visit", "quantity": 15}]
    country.do("providers.draft_act", {**act, "lines": lines}, npo)
    country.do("providers.submit_act", {"id": act["id"]}, npo)
    country.do("providers.confirm_act", {"id": act["id"]}, body.second)
    country.work()
    [invoice] = country.ask("billing.invoices", {"agreement_id": agreement_id})["items"]
    on = {"id": invoice["invoice_id"]}
    country.do("billing.prepare_invoice", on, TREASURER)
    assert country.refused("billing.approve_invoice", on, TREASURER) == "four_eyes"
    country.do("billing.approve_invoice", on, SECOND_TREASURER)
    country.do("billing.send_payment", on, TREASURER)
    country.do("billing.settle_payment", {**on, "settled_on": "2027-02-03"}, TREASURER)
    assert body.money() == {"free": 1000, "obliged": 2500, "paid": 1500}

    country.do("providers.ask_reversal", {"id": act["id"], "reason": "counted twice"}, npo)
    country.do("providers.confirm_reversal", {"id": act["id"]}, body.second)
    country.do("orders.complete_agreement", {"id": agreement_id}, body.officer)
    country.work()
    assert body.money() == {"free": 3500, "owed": 1500} and free_places(country, npo.organisation or "") == 100
    country.do("billing.receive_return", {**on, "returned_on": "2027-03-01"}, TREASURER)
    assert body.money() == {"free": 5000}
    assert country.ask("billing.trial_balance")["balanced"] and differences(country) == []


# -- what stands in the way -------------------------------------------------------------------------------------------


def test_no_money_is_said_and_repaired_by_a_higher_limit(country: Market) -> None:
    body, npo = Body(country, 900), provider(country)
    agreement_id = body.drafted(npo.organisation or "")
    body.ask_money(agreement_id)
    country.work()
    shown = body.agreement(agreement_id)
    assert shown["status"] == "draft" and "1,00" in shown["reason"] and body.money() == {"free": 900}
    body.limit(1000)
    body.ask_money(agreement_id)
    country.work()
    assert body.agreement(agreement_id)["status"] == "sent" and body.money() == {"reserved": 1000}


def test_no_places_lets_the_money_go(country: Market) -> None:
    body, npo = Body(country, 5000), provider(country)
    agreement_id = body.drafted(npo.organisation or "", places=101)
    body.ask_money(agreement_id)
    country.work()
    assert body.agreement(agreement_id)["status"] == "draft" and body.agreement(agreement_id)["reason"] == "not_enough"
    assert body.money() == {"free": 5000} and free_places(country, npo.organisation or "") == 100


@pytest.mark.parametrize("answered", [(), ("billing",), ("billing", "orders", "providers")])
def test_a_void_lets_everything_go_also_when_it_overtakes_the_answers(
    country: Market, answered: tuple[str, ...]
) -> None:
    body, npo = Body(country, 5000), provider(country)
    agreement_id = body.drafted(npo.organisation or "", places=5)
    body.ask_money(agreement_id)
    turn(country, "orders")
    for name in answered:
        turn(country, name)
    country.do("orders.void_agreement", {"id": agreement_id, "reason": "the award was wrong"}, body.officer)
    country.work()
    assert body.agreement(agreement_id)["status"] == "void"
    assert body.money() == {"free": 5000} and free_places(country, npo.organisation or "") == 100
    assert body.lots(body.agreement(agreement_id)["order_id"])[0]["agreed_volume"] == 0


def test_who_does_not_sign_in_time_has_refused_and_everything_is_let_go(country: Market) -> None:
    """DOMAIN §2(b): winner refuses → next in rank. The stored clock says so where the winner says nothing."""
    body, npo = Body(country, 5000), provider(country)
    agreement_id = body.drafted(npo.organisation or "", volume=40, price=100, places=5)
    body.ask_money(agreement_id)
    country.work()
    until = from_text(body.agreement(agreement_id)["sign_by"])
    country.move_clock(until + timedelta(seconds=1))
    assert country.refused("orders.sign_agreement", {"id": agreement_id}, npo) == "signed_late"
    country.move_clock(until + timedelta(seconds=10))
    country.work()
    found = body.agreement(agreement_id)
    assert (found["status"], found["reason"]) == ("void", "not_signed_in_time")
    assert body.money() == {"free": 5000} and free_places(country, npo.organisation or "") == 100
    assert body.lots(found["order_id"])[0]["agreed_volume"] == 0


def test_an_answer_about_money_that_comes_too_late_is_compensated(country: Market) -> None:
    body, npo = Body(country, 1000), provider(country)
    agreement_id = body.drafted(npo.organisation or "")
    body.ask_money(agreement_id)
    a_day_later(country)
    turn(country, "orders")
    assert body.agreement(agreement_id)["reason"] == "timed_out:budget"
    country.work()
    assert body.agreement(agreement_id)["status"] == "draft" and body.money() == {"free": 1000}
    body.ask_money(agreement_id)
    country.work()
    assert body.agreement(agreement_id)["status"] == "sent" and body.money() == {"reserved": 1000}


def test_places_that_come_too_late_are_kept_for_the_next_asking(country: Market) -> None:
    body, npo = Body(country, 1000), provider(country)
    agreement_id = body.drafted(npo.organisation or "", places=4)
    body.ask_money(agreement_id)
    turn(country, "orders")
    turn(country, "billing")
    turn(country, "orders")
    assert body.agreement(agreement_id)["waiting_for"] == "places"
    a_day_later(country)
    turn(country, "orders")
    assert body.agreement(agreement_id)["reason"] == "timed_out:places"
    country.work()
    assert body.money() == {"free": 1000} and free_places(country, npo.organisation or "") == 96
    body.ask_money(agreement_id)
    country.work()
    assert body.agreement(agreement_id)["status"] == "sent" and free_places(country, npo.organisation or "") == 96
    country.do("orders.decline_agreement", {"id": agreement_id, "reason": "the price has risen"}, npo)
    country.work()
    assert body.money() == {"free": 1000} and free_places(country, npo.organisation or "") == 100
    assert differences(country) == []


# -- who may --------------------------------------------------------------------------------------------------------


def test_each_side_signs_for_itself_and_not_who_drafted(country: Market, body: Body) -> None:
    npo = provider(country)
    on = {"id": body.drafted(npo.organisation or "")}
    assert country.refused("orders.countersign_agreement", on, body.second) == "wrong_state"
    body.ask_money(on["id"])
    country.work()
    stranger = person("officer", organisation=new_id())
    assert country.refused("orders.sign_agreement", on, person("provider", organisation=new_id())) == "not_yours"
    assert country.refused("orders.void_agreement", {**on, "reason": "no reason"}, stranger) == "not_yours"
    country.do("orders.sign_agreement", on, npo)
    assert country.refused("orders.decline_agreement", {**on, "reason": "too late for it"}, npo) == "wrong_state"
    assert country.refused("orders.countersign_agreement", on, body.officer) == "four_eyes"
    assert country.refused("orders.countersign_agreement", on, stranger) == "not_yours"
    assert country.refused("orders.countersign_agreement", on, npo) == "forbidden_role"
    country.do("orders.countersign_agreement", on, body.second)
    assert country.refused("orders.void_agreement", {**on, "reason": "too late"}, body.officer) == "wrong_state"
    for command, status in (("suspend", "suspended"), ("resume", "active"), ("terminate", "terminated")):
        reason = {} if command == "resume" else {"reason": "the inspection's findings"}
        country.do(f"orders.{command}_agreement", {**on, **reason}, body.officer)
        assert body.agreement(on["id"])["status"] == status


# -- at once -----------------------------------------------------------------------------------------------------------


def test_sixteen_agreements_at_once_take_no_more_than_the_lot(country: Market, body: Body) -> None:
    npo = provider(country).organisation or ""
    order = body.ordered(100)
    lot_id = order["lots"][0]["lot_id"]
    drafts = [body.draft(body.award(lot_id, npo, 10)) for _ in range(16)]
    outcomes = at_once(*(lambda d=d: country.answer("orders.draft_agreement", d, body.officer) for d in drafts))
    assert outcomes == ["done"] * 10 + ["volume_spent"] * 6
    [lot] = body.lots(order["id"])
    assert (lot["agreed_volume"], lot["free_volume"]) == (100, 0)


def test_the_constraint_is_the_second_lock(country: Market, body: Body) -> None:
    order = body.ordered(100)
    with pytest.raises(Exception, match="lot_volume_once"):
        country.sql("UPDATE orders.lot SET agreed_volume = 101 WHERE order_id = %s", (order["id"],))


def test_an_award_gets_one_agreement_however_many_draft_it(country: Market, body: Body) -> None:
    npo = provider(country).organisation or ""
    order = body.ordered(100)
    award_id = body.award(order["lots"][0]["lot_id"], npo, 10)
    drafts = [body.draft(award_id) for _ in range(8)]
    outcomes = at_once(*(lambda d=d: country.answer("orders.draft_agreement", d, body.officer) for d in drafts))
    assert outcomes == ["award_has_agreement"] * 7 + ["done"]


def test_an_order_is_lowered_while_agreements_take_of_it(country: Market, body: Body) -> None:
    npo = provider(country).organisation or ""
    order = body.ordered(100)
    [lot] = order["lots"]
    drafts = [body.draft(body.award(lot["lot_id"], npo, 10)) for _ in range(8)]
    lower = {**body.figures(50, lots=[{**lot, "volume": 50}]), "id": order["id"], "reason": "the need fell"}
    calls = [lambda d=d: country.answer("orders.draft_agreement", d, body.officer) for d in drafts]
    calls.insert(3, lambda: country.answer("orders.correct_social_order", lower, body.officer))
    outcomes = at_once(*calls)
    [now] = body.lots(order["id"])
    assert now["agreed_volume"] <= now["volume"]
    if "lot_agreed" in outcomes:
        assert (now["volume"], now["agreed_volume"]) == (100, 80)
    else:
        assert (now["volume"], now["agreed_volume"]) == (50, 50)


def test_the_live_tables_are_what_a_replay_makes(country: Market) -> None:
    country.work()
    assert differences(country) == []

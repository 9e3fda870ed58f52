"""Certificates between orders and billing on a real database: shares and balances under commands at once, money, repeats."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import to_text
from services.orders.domain.certificate.redeeming import record_text
from tests.component.orders.country import (
    COST,
    SECOND_TREASURER,
    TREASURER,
    Body,
    at_once,
    differences,
    provider,
)
from tests.support import Market, person

SHARE = 10  # what Body.ordered gives to certificates


class Holder:
    """A beneficiary with a certificate and the key that makes records of it."""

    def __init__(self, market: Market, body: Body) -> None:
        self.market, self.body = market, body
        self.key = Ed25519PrivateKey.generate()
        self.beneficiary = person("beneficiary", organisation=new_id())
        self.id = new_id()

    def request(self, order_id: str, volume: int = SHARE, **changes: Any) -> dict[str, Any]:
        """What a command to request a certificate holds."""
        public = b64encode(self.key.public_key().public_bytes_raw()).decode()
        return {
            "id": self.id, "order_id": order_id, "beneficiary_id": self.beneficiary.organisation,
            "programme_id": new_id(), "volume": volume, "valid_until": "2027-11-30", "public_key": public, **changes,
        }  # fmt: skip

    def issued(self, order_id: str, volume: int = SHARE, **changes: Any) -> Holder:
        self.market.do("orders.request_certificate", self.request(order_id, volume, **changes), self.body.officer)
        self.market.do("orders.issue_certificate", {"id": self.id}, self.body.second)
        self.market.work()
        assert self.shown()["status"] == "issued"
        return self

    def choose(self, staff: Actor) -> dict[str, Any]:
        data = {"id": self.id, "provider_id": staff.organisation}
        return self.market.do("orders.choose_provider", data, self.beneficiary)

    def record(self, staff: Actor, volume: int, made_at: datetime, redemption_id: str = "") -> dict[str, Any]:
        """What a provider's device sends."""
        redemption_id = redemption_id or new_id()
        signed = self.key.sign(record_text(self.id, staff.organisation or "", redemption_id, volume, made_at).encode())
        return {
            "id": self.id, "redemption_id": redemption_id, "volume": volume, "made_at": to_text(made_at),
            "signature": b64encode(signed).decode(),
        }  # fmt: skip

    def sending(self, staff: Actor, record: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        """A call with an idempotency key of its own, as a device makes that has forgotten the last one."""
        return lambda: self.market.answer("orders.redeem_certificate", record, staff)

    def shown(self, actor: Actor | None = None) -> dict[str, Any]:
        return self.market.ask("orders.certificate", {"id": self.id}, actor or self.body.officer)


def now(market: Market) -> datetime:
    [(instant,)] = market.sql("SELECT instant FROM market.sandbox")
    return datetime.fromisoformat(str(instant)).astimezone(UTC)


def offering(market: Market, price: int = COST) -> Actor:
    """Staff of a provider that is on the open list."""
    staff = provider(market)
    offer = {"provider_id": staff.organisation, "service_code": "DOM-01", "unit_price_kopecks": price}
    market.do("orders.offer_for_certificates", offer, staff)
    return staff


def share(market: Market, body: Body) -> dict[str, Any]:
    [found] = market.ask("orders.certificate_shares", {"body_id": body.id})["items"]
    return found


@pytest.fixture(scope="module")
def npo(country: Market) -> Actor:
    return offering(country)


# -- the straight way -------------------------------------------------------------------------------------------------


def test_from_a_programme_to_money_and_the_rest_back(country: Market, npo: Actor) -> None:
    body, dear = Body(country, 10_000_000), offering(country, COST + 500)
    order = body.ordered(5)
    holder = Holder(country, body).issued(order["id"])
    assert body.money() == {"free": 10_000_000 - SHARE * COST, "certificates": SHARE * COST}
    holder.choose(npo)
    began = now(country)
    first = country.do("orders.redeem_certificate", holder.record(npo, 3, began), npo)
    assert first["reply"]["amount_kopecks"] == 3 * COST and first["reply"]["left_volume"] == 7
    country.move_clock(began + timedelta(days=1))
    assert holder.choose(dear)["reply"]["own_price_kopecks"] == 500
    offline = holder.record(dear, 2, now(country))
    country.move_clock(began + timedelta(days=3))
    for taken_before in (False, True):
        sent = country.do("orders.redeem_certificate", offline, dear)["reply"]
        assert (sent["taken_before"], sent["own_kopecks"]) == (taken_before, 1_000)
    country.work()
    invoices = country.ask("billing.invoices", {"agreement_id": holder.id})["items"]
    assert sorted(each["amount_kopecks"] for each in invoices) == [2 * COST, 3 * COST]
    assert body.money() == {
        "free": 10_000_000 - SHARE * COST, "certificates": 5 * COST, "accrued": 5 * COST,
    }  # fmt: skip
    on = {"id": invoices[0]["invoice_id"]}
    country.do("billing.prepare_invoice", on, TREASURER)
    country.do("billing.approve_invoice", on, SECOND_TREASURER)
    country.do("billing.send_payment", on, TREASURER)
    country.do("billing.settle_payment", {**on, "settled_on": "2027-02-03"}, TREASURER)
    paid = invoices[0]["amount_kopecks"]

    country.do("orders.annul_certificate", {"id": holder.id, "reason": "moved away"}, body.officer)
    country.move_clock(began + timedelta(days=30))
    country.work()
    shown = holder.shown()
    assert (shown["status"], shown["closed"], shown["returned_volume"]) == ("annulled", True, 5)
    assert body.money() == {"free": 10_000_000 - 5 * COST, "accrued": 5 * COST - paid, "paid": paid}
    found = share(country, body)
    assert {name: found[name] for name in ("share", "issued", "free", "redeemed", "returned", "own_kopecks")} == {
        "share": SHARE, "issued": 5, "free": 5, "redeemed": 5, "returned": 5, "own_kopecks": 1_000,
    }  # fmt: skip
    assert country.ask("billing.trial_balance")["balanced"] and differences(country) == []


def test_without_money_nothing_is_issued_and_the_share_stays_taken(country: Market) -> None:
    body = Body(country, COST)
    order = body.ordered(5)
    holder = Holder(country, body)
    country.do("orders.request_certificate", holder.request(order["id"], 2), body.officer)
    country.do("orders.issue_certificate", {"id": holder.id}, body.second)
    country.work()
    shown = holder.shown()
    assert shown["status"] == "requested" and "Не хватает" in shown["reason"]
    body.limit(2 * COST)
    country.do("orders.issue_certificate", {"id": holder.id}, body.second)
    country.work()
    assert holder.shown()["status"] == "issued" and body.money() == {"certificates": 2 * COST}
    country.do("orders.annul_certificate", {"id": holder.id, "reason": "asked for by mistake"}, body.officer)
    country.work()
    assert body.money() == {"free": 2 * COST} and share(country, body)["free"] == SHARE


def test_an_answer_that_comes_after_it_was_given_up_is_let_go(country: Market) -> None:
    body = Body(country, 1_000_000)
    holder = Holder(country, body)
    country.do("orders.request_certificate", holder.request(body.ordered(5)["id"]), body.officer)
    country.do("orders.issue_certificate", {"id": holder.id}, body.second)
    country.do("orders.annul_certificate", {"id": holder.id, "reason": "asked for by mistake"}, body.officer)
    country.work()
    assert holder.shown()["status"] == "annulled" and body.money() == {"free": 1_000_000}


# -- at once ----------------------------------------------------------------------------------------------------------


def test_more_is_never_issued_than_the_share(country: Market) -> None:
    body = Body(country, 100_000_000)
    order = body.ordered(5)
    holders = [Holder(country, body) for _ in range(8)]
    calls = [
        lambda holder=holder: country.answer(  # type: ignore[misc]
            "orders.request_certificate", holder.request(order["id"], 3), body.officer
        )
        for holder in holders
    ]
    assert at_once(*calls) == ["certificate_share_spent"] * 5 + ["done"] * 3
    assert share(country, body)["free"] == 1


def test_a_correction_never_takes_what_is_issued(country: Market) -> None:
    body = Body(country, 100_000_000)
    order = body.ordered(5)
    Holder(country, body).issued(order["id"], 8)
    less = {
        "id": order["id"], "reason": "the need has moved", "lots": order["lots"],
        "volume": order["volume"], "by_assignment": order["by_assignment"] + 3,
        "by_competition": order["by_competition"], "by_certificate": SHARE - 3,
    }  # fmt: skip
    assert country.refused("orders.correct_social_order", less, body.officer) == "certificate_share_spent"
    holder = Holder(country, body)
    outcomes = at_once(
        lambda: country.answer("orders.request_certificate", holder.request(order["id"], 2), body.officer),
        lambda: country.answer(
            "orders.correct_social_order",
            {**less, "by_assignment": order["by_assignment"] + 1, "by_certificate": SHARE - 1},
            body.officer,
        ),
    )
    assert outcomes.count("done") == 1, outcomes


def test_more_is_never_redeemed_than_issued(country: Market, npo: Actor) -> None:
    body = Body(country, 100_000_000)
    holder = Holder(country, body).issued(body.ordered(5)["id"])
    holder.choose(npo)
    records = [holder.record(npo, 3, now(country)) for _ in range(6)]
    outcomes = at_once(*(holder.sending(npo, each) for each in records))
    assert outcomes == ["done"] * 3 + ["redemption_exceeds"] * 3
    assert holder.shown()["left_volume"] == 1
    [(redeemed,)] = country.sql(
        "SELECT sum(volume)::int FROM orders.redemption WHERE certificate_id = %s AND code = ''", (holder.id,)
    )
    assert redeemed == 9


def test_one_record_sent_many_times_at_once_is_taken_once(country: Market, npo: Actor) -> None:
    body = Body(country, 100_000_000)
    holder = Holder(country, body).issued(body.ordered(5)["id"])
    holder.choose(npo)
    record = holder.record(npo, 2, now(country))
    assert at_once(*(holder.sending(npo, record) for _ in range(8))) == ["done"] * 8
    country.work()
    assert holder.shown()["redeemed_volume"] == 2
    assert len(country.ask("billing.invoices", {"agreement_id": holder.id})["items"]) == 1


def test_redemption_and_change_of_provider_at_once(country: Market, npo: Actor) -> None:
    """Whichever comes first: the record was made before the change, so it counts, and the rest goes with the holder."""
    body, other = Body(country, 100_000_000), offering(country)
    holder = Holder(country, body).issued(body.ordered(5)["id"])
    holder.choose(npo)
    began = now(country)
    record = holder.record(npo, 4, began)
    country.move_clock(began + timedelta(hours=1))
    change = {"id": holder.id, "provider_id": other.organisation}
    outcomes = at_once(
        holder.sending(npo, record),
        lambda: country.answer("orders.choose_provider", change, holder.beneficiary),
    )
    assert outcomes == ["done", "done"]
    late = holder.record(npo, 1, now(country))
    assert country.refused("orders.redeem_certificate", late, npo) == "redemption_after_change"
    assert country.do("orders.redeem_certificate", holder.record(other, 6, now(country)), other)
    assert holder.shown()["status"] == "used"


# -- time -------------------------------------------------------------------------------------------------------------


def test_the_term_ends_by_itself_and_the_rest_goes_back_after_the_last_records(country: Market, npo: Actor) -> None:
    body = Body(country, 100_000_000)
    last = now(country).date() + timedelta(days=2)
    holder = Holder(country, body).issued(body.ordered(5)["id"], valid_until=last.isoformat())
    holder.choose(npo)
    made = holder.record(npo, 4, now(country))
    forgotten = holder.record(npo, 1, now(country))
    country.move_clock(now(country) + timedelta(days=4))
    country.work()
    shown = holder.shown()
    assert (shown["status"], shown["closed"]) == ("expired", False)
    assert country.do("orders.redeem_certificate", made, npo)
    after = holder.record(npo, 1, now(country))
    assert country.refused("orders.redeem_certificate", after, npo) == "redemption_after_expiry"
    country.move_clock(now(country) + timedelta(days=20))
    country.work()
    assert holder.shown()["returned_volume"] == 6 and body.money()["free"] == 100_000_000 - 4 * COST
    assert country.refused("orders.redeem_certificate", forgotten, npo) == "redemption_came_late"
    assert country.do("orders.redeem_certificate", made, npo)["reply"]["taken_before"]
    assert differences(country) == []


# -- who sees what ----------------------------------------------------------------------------------------------------


def test_a_certificate_is_seen_by_those_whom_it_concerns(country: Market, npo: Actor) -> None:
    body, other = Body(country, 100_000_000), offering(country)
    holder = Holder(country, body).issued(body.ordered(5)["id"])
    holder.choose(other)
    country.do("orders.redeem_certificate", holder.record(other, 1, now(country)), other)
    country.move_clock(now(country) + timedelta(minutes=1))
    holder.choose(npo)
    strangers = (Body(country).officer, person("beneficiary", organisation=new_id()), person("provider"))
    for stranger in strangers:
        assert country.asked("orders.certificate", {"id": holder.id}, stranger)["refused"]["code"] == "not_found"
    assert len(holder.shown(holder.beneficiary)["redemptions"]) == 1
    assert len(holder.shown(person("auditor"))["choices"]) == 2
    seen = holder.shown(npo)
    assert seen["redemptions"] == [] and [each["provider_id"] for each in seen["choices"]] == [npo.organisation]
    assert country.asked("orders.certificates", {}, None)["refused"]["code"] == "unauthenticated"
    listed = country.ask("orders.certificates", {"status": "provider_chosen"}, body.officer)["items"]
    assert [each["certificate_id"] for each in listed] == [holder.id]
    assert holder.id not in str(country.ask("orders.certificate_shares", {}))


def test_the_open_list_is_kept_by_its_providers(country: Market) -> None:
    staff = offering(country, COST - 100)
    line = {"provider_id": staff.organisation, "service_code": "DOM-01"}
    again = {**line, "unit_price_kopecks": COST - 100}
    assert country.refused("orders.offer_for_certificates", again, staff) == "offer_same"
    assert country.refused("orders.offer_for_certificates", again, person("provider")) == "not_yours"
    unknown = person("provider", organisation=new_id())
    stranger = {**again, "provider_id": unknown.organisation}
    assert country.refused("orders.offer_for_certificates", stranger, unknown) == "provider_not_active"
    listed = country.ask("orders.certificate_offers", {"service_code": "DOM-01"})["items"]
    assert [each["unit_price_kopecks"] for each in listed] == sorted(each["unit_price_kopecks"] for each in listed)
    country.do("orders.withdraw_certificate_offer", line, staff)
    assert country.refused("orders.withdraw_certificate_offer", line, staff) == "wrong_state"
    left = country.ask("orders.certificate_offers", {"provider_id": staff.organisation})["items"]
    assert left == []

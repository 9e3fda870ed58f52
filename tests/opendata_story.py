"""A small competition as the events of several services, for the tests of open data: one lot, two bids, one agreement."""

from __future__ import annotations

from typing import Any

from kernel import canonical
from kernel.ids import derived_id
from kernel.projection import Entry
from kernel.store import entry_of

Json = dict[str, Any]
SEALED = "2027-02-01T09:00:00.000000Z"
PRICE = 41_050

COMPETITION, ORDER, LOT, BODY = (derived_id("story", name) for name in ("competition", "order", "lot", "body"))
NPO, PERSON = derived_id("story", "npo"), derived_id("story", "person")
BIDS = {id: derived_id("story", "bid", id) for id in (NPO, PERSON)}
AWARD, AGREEMENT, ACT, INVOICE = (derived_id("story", name) for name in ("award", "agreement", "act", "invoice"))
OCID = f"ocds-213czf-competition-{COMPETITION}"


def event(source: str, name: str, subject: str, data: Json, time: str = SEALED) -> Json:
    """A CloudEvent of the log; its id follows from what it says."""
    return {
        "actor": "system:story",
        "correlationid": derived_id("story", "correlation"),
        "data": data,
        "datacontenttype": "application/json",
        "dataschema": f"contracts/events/{source}/{name}.v1.json",
        "id": derived_id("story", source, name, subject, canonical.dumps(data).decode()),
        "receivedat": time,
        "source": f"/services/{source}",
        "specversion": "1.0",
        "streamversion": 1,
        "subject": subject,
        "time": time,
        "type": f"market.{source}.{name}.v1",
    }


def entry(source: str, name: str, subject: str, data: Json) -> Entry:
    return entry_of(source, event(source, name, subject, data))


def of_competition(name: str, **data: Any) -> Json:
    return event("orders", name, f"Competition/{COMPETITION}", {"competition_id": COMPETITION, **data})


def of_agreement(name: str, **data: Any) -> Json:
    return event("orders", name, f"Agreement/{AGREEMENT}", {"agreement_id": AGREEMENT, **data})


def provider(id: str, number: str, kind: str, name: str) -> Json:
    data = {"number": number, "full_name": f"Полное имя: {name}", "short_name": name, "kind": kind}
    data |= {"inn": "000000000000", "ogrn": "1020000000000", "territory": "onega"}
    return event("registry", "ProviderIncluded", f"RegisterEntry/{id}", data)


def providers() -> list[Json]:
    return [
        provider(NPO, "РП-2027-000001", "npo", "АНО «Северный дом»"),
        provider(PERSON, "РП-2027-000002", "individual", "ИП Примерова А. А."),
    ]


def announcement() -> list[Json]:
    lot = {"lot_id": LOT, "title": "Помощь на дому", "volume": 100, "unit": "visit", "limit_price_kopecks": 50_000}
    criterion = {"key": "price", "title": "Цена", "formula": "lowest_price", "weight": 100, "parameters": {}}
    return [
        of_competition(
            "CompetitionDrafted",
            number="К-2027-000001", order_id=ORDER, body_id=BODY, body_name="Департамент", title="Помощь на дому",
            service_code="DOM-01", service_name="Уборка", service_kind="domestic", form="home", unit="visit",
            lots=[lot], requirements=[{"code": "taxes", "text": "Нет долгов"}], criteria=[criterion],
        ),
        of_competition(
            "CompetitionPublished",
            deadline="2027-03-01T20:59:59.000000Z", questions_until="2027-02-25T20:59:59.000000Z", formulas_hash="0" * 64,
        ),
        of_competition("BiddingOpened", keys={}),
    ]  # fmt: skip


def closing() -> list[Json]:
    standing = [{"bid_id": bid, "lot_id": LOT, "provider_id": id, "bid_version": 1} for id, bid in BIDS.items()]
    return [of_competition("BiddingClosed", deadline="2027-03-01T20:59:59.000000Z", standing=standing, count=2)]


def opening() -> list[Json]:
    bids = [
        {"bid_id": bid, "lot_id": LOT, "provider_id": id, "price_kopecks": PRICE, "volume": 100}
        for id, bid in BIDS.items()
    ]
    return [of_competition("BidsOpened", opened_at=SEALED, bids=bids, failed=[])]


def result() -> list[Json]:
    reason = {"requirement": "taxes", "met": False, "reason": "долг"}
    award = {"award_id": AWARD, "bid_id": BIDS[NPO], "lot_id": LOT, "provider_id": NPO, "volume": 100}
    return [
        of_competition("BidAdmitted", bid_id=BIDS[NPO], bidder="№ 1", checks=[]),
        of_competition("BidRejected", bid_id=BIDS[PERSON], bidder="№ 2", checks=[reason]),
        of_competition("CompetitionAwarded", lot_id=LOT, round=1, awards=[{**award, "unit_price_kopecks": PRICE}]),
    ]


def agreement() -> list[Json]:
    terms = {
        "number": "СГ-2027-000001", "competition_id": COMPETITION, "award_id": AWARD, "provider_id": NPO,
        "body_id": BODY, "lot_id": LOT, "volume": 100, "unit_price_kopecks": PRICE, "amount_kopecks": 100 * PRICE,
        "starts": "2027-04-01", "ends": "2027-12-31",
    }  # fmt: skip
    return [
        event("orders", "AgreementDrafted", f"Agreement/{AGREEMENT}", terms),
        of_agreement("AgreementSent"),
        of_agreement("AgreementActivated"),
        of_competition("AwardSettled", award_id=AWARD, agreement_id=AGREEMENT, outcome="active"),
        of_competition("CompetitionAgreed"),
    ]


def delivery() -> list[Json]:
    act = {"act_id": ACT, "agreement_id": AGREEMENT, "provider_id": NPO, "body_id": BODY}
    confirmed = {**act, "month": "2027-04", "quantity": 10, "amount_kopecks": 10 * PRICE}
    paid = {**act, "payment_id": derived_id("story", "payment"), "settled_on": "2027-05-10"}
    return [
        event("providers", "ActConfirmed", f"Act/{ACT}", confirmed),
        event("billing", "PaymentSettled", f"Invoice/{INVOICE}", {**paid, "amount_kopecks": 10 * PRICE}),
    ]


def whole() -> list[Json]:
    return [*providers(), *announcement(), *closing(), *opening(), *result(), *agreement(), *delivery()]

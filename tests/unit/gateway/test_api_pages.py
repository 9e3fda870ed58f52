"""Contexts of pages from services' replies: pure functions, tried on replies as services give them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kernel.merkle import inclusion_proof, leaf_hash, nodes_added_by, root_at
from services.gateway.web import render
from services.gateway.web.pages import landing, log, orders, premises, providers
from services.gateway.web.pages.frame import Region
from services.gateway.web.samples import page, site

REGION = Region(
    site(),
    {"kem": {"ru": "Кемь", "en": "Kem"}},
    {"DOM-01": {"ru": "Доставка", "en": "Delivery"}},
    {"visit": {"ru": "посещение", "en": "visit"}},
    {"custodian_1": {"ru": "Департамент", "en": "Department"}},
)
TREE: dict[str, Any] = {
    "size": 7,
    "root": "ab" * 32,
    "checkpoint": "market.example\n7\n" + base64.b64encode(b"\x05" * 32).decode() + "\n\n— market.example x\n",
    "signed_at": "2027-01-15T09:00:00+00:00",
    "sources": [{"source": "orders", "entries": 5, "sealed_at": "2027-01-15T09:00:00.000000Z"}],
}
ORDER: dict[str, Any] = {
    "order_id": "o1",
    "number": "СЗ-2027-000001",
    "status": "approved",
    "body_name": "Департамент",
    "territory": "kem",
    "service_code": "DOM-01",
    "service_name": "Доставка продуктов",
    "year": 2027,
    "unit": "visit",
    "volume": 130,
    "by_assignment": 20,
    "corrections": [],
    "by_competition": 100,
    "by_certificate": 10,
    "lots": [
        {"lot_id": "l1", "number": 1, "title": "Часть", "volume": 100, "unit": "visit", "limit_price_kopecks": 41_200}
    ],
}


def competition(status: str, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "competition_id": "c1",
        "order_id": "o1",
        "status": status,
        "title": "Доставка на дом",
        "deadline": "2027-02-01T15:00:00.000000Z",
        "questions_until": "2027-01-28T15:00:00.000000Z",
        "closed_at": None,
        "opened_at": None,
        "decided_at": None,
        "standstill_until": None,
        "explained": {"ru": "15 рабочих дней", "en": "15 working days"},
        "standstill_explained": {"ru": "5 рабочих дней", "en": "5 working days"},
        "changed_at": "2027-02-02T00:00:00.000000Z",
        "reason": None,
        "formulas_hash": "ff",
        "requirements": [{"code": "no_debts", "text": "Нет долгов"}],
        "criteria": [
            {"key": "price", "title": "Цена", "formula": "lowest_price", "weight": 40, "counts": "kopecks"},
            {"key": "years", "title": "Опыт", "formula": "linear", "weight": 60, "counts": "лет"},
        ],
        "lots": [{"lot_id": "l1", "title": "Часть", "failure": "", "result": None}],
        "questions": [],
        "moves": [],
        "amendments": [],
        "complaints": [],
        "stopped_days": None,
        "awards": [],
    }
    return {**base, **more}


def shown(
    competition_: dict[str, Any] | None, bids: dict[str, Any] | None = None, **releases: str | None
) -> dict[str, Any]:
    """The order's context, which must also render in both languages. `bids`: the part of them that is shown."""
    parts = {"l1": bids} if bids else {}
    trust = log.trust(TREE, 3, None)
    context = orders.order_page(ORDER, competition_, parts, releases, REGION, [], ["SocialOrder/o1"], trust)
    for lang in ("ru", "en"):
        assert "<h1" in render("order", lang, site=REGION.site, page=page("/orders/o1"), order=context)  # type: ignore[arg-type]
    return dict(context)


@pytest.mark.parametrize(
    ("status", "times", "step", "stopped"),
    [
        ("published", {}, "submission", None),
        ("open", {}, "submission", None),
        ("closed", {"closed_at": "t"}, "opening", None),
        ("opened", {"closed_at": "t", "opened_at": "2027-02-01T15:01:00Z"}, "evaluation", None),
        ("evaluation", {"closed_at": "t", "opened_at": "2027-02-01T15:01:00Z"}, "evaluation", None),
        ("standstill", {"closed_at": "t", "standstill_until": "2027-02-20T00:00:00Z"}, "complaints", None),
        ("awarded", {"closed_at": "t"}, "contract", None),
        ("agreed", {"closed_at": "t"}, "contract", None),
        ("cancelled", {}, "submission", "submission"),
        ("unsuccessful", {"closed_at": "t"}, "opening", "opening"),
        ("unsuccessful", {"closed_at": "t", "opened_at": "2027-02-01T15:01:00Z"}, "evaluation", "evaluation"),
    ],
)
def test_the_five_steps_follow_the_state(status: str, times: dict[str, str], step: str, stopped: str | None) -> None:
    found = shown(competition(status, **times))["competition"]
    assert found["step"] == step and found["finished"] == (status == "agreed")
    assert (found["stopped"]["step"] if found["stopped"] else None) == stopped
    assert found["sealed"] == (status in ("published", "open"))


def test_a_correction_tells_what_moved_where_and_why() -> None:
    before = {"volume": 130, "by_assignment": 20, "by_competition": 100, "by_certificate": 10, "lots": 1}
    after = {**before, "by_competition": 90, "by_certificate": 20}
    said = {"corrected_at": "2027-01-20T08:00:00Z", "reason": "выбрали сертификат", "before": before, "after": after}
    assert orders.correction(said) == {
        "time": "2027-01-20T08:00:00Z",
        "reason": "выбрали сертификат",
        "moved": [
            {"way": "competition", "before": 100, "after": 90},
            {"way": "certificate", "before": 10, "after": 20},
        ],
    }
    assert orders.correction({**said, "after": {**before, "lots": 2}})["moved"] == []


def test_an_order_without_a_competition_is_in_preparation() -> None:
    context = shown(None)
    assert (context["status"], context["limit_kopecks"]) == ("none", 4_120_000)
    assert [way["volume"] for way in context["ways"]] == [20, 100, 10]
    assert context["lots"][0]["bids"] is None and context["competition"]["step"] is None


def test_while_keys_are_awaited_the_page_says_whose() -> None:
    found = shown(competition("closed", closed_at="t"), custodian_1="2027-02-01T15:01:00Z", custodian_2=None)
    names = found["competition"]["opening"]["custodians"]
    assert names[0]["name"]["ru"] == "Департамент" and names[1] == {"name": "custodian_2", "released_at": None}


def test_bids_are_shown_with_exact_scores_after_the_ranking() -> None:
    def bid(id: str, price: int | None, status: str, place: int | None, **more: Any) -> dict[str, Any]:
        return {
            "bid_id": id,
            "lot_id": "l1",
            "provider_id": f"p-{id}",
            "provider_name": f"НКО {id}",
            "kind": "npo",
            "status": status,
            "failure": None,
            "price_kopecks": price,
            "volume": 50,
            "values": {"years": 5} if price else None,
            "checks": None,
            "correction": None,
            "low_price": "",
            "place": place,
            **more,
        }

    second_place = {
        "place": 2,
        "level_with": [],
        "total": {"exact": "80/1"},
        "points": {"price": {"exact": "90/1"}, "years": {"exact": "100/1"}},
    }
    standing = {
        "place": 1,
        "level_with": ["b2"],
        "total": {"exact": "277/3"},
        "points": {"price": {"exact": "100/1"}, "years": {"exact": "88/1"}},
    }
    result = {
        "ranking": {
            "ranking": [{"offer": "b1", **standing}, {"offer": "b9", **second_place}],
            "abnormally_low": {"b1": ["below_mean"]},
        },
        "alarms": [{"bid_id": "b1"}],
    }
    award = {
        "award_id": "a",
        "lot_id": "l1",
        "bid_id": "b1",
        "provider_id": "p-b1",
        "provider_name": "НКО b1",
        "volume": 50,
        "unit_price_kopecks": 40_000,
        "agreement_id": None,
        "agreement_number": None,
        "agreement_status": None,
    }
    bids = [
        bid("b1", 40_000, "admitted", 1),
        bid(
            "b2", 41_000, "rejected", None, checks=[{"met": False, "reason": "Есть долги"}, {"met": True, "reason": ""}]
        ),
        bid("b3", None, "failed", None, failure="no_key"),
    ]
    lots = [{"lot_id": "l1", "title": "Часть", "failure": "", "result": result}]
    times = {"closed_at": "t", "opened_at": "2027-02-01T15:01:00Z", "decided_at": "2027-02-09T10:00:00Z"}
    part = {"items": bids, "next": "WzNd", "cursor": None}
    context = shown(competition("awarded", lots=lots, awards=[award], **times), part)
    [lot] = context["lots"]
    first, second, third = lot["bids"]
    # The best of all, also of those that another part shows.
    assert [(each["criterion"], each["score"]) for each in lot["best"]] == [("price", "100/1"), ("years", "100/1")]
    assert lot["best_total"] == "277/3"
    whole = render("order", "en", site=REGION.site, page=page("/orders/o1"), order=context)  # type: ignore[arg-type]
    assert "/orders/o1?lot=l1&amp;cursor=WzNd#lot-1" in whole
    assert (first["total"], first["rank"], first["awarded_volume"]) == ("277/3", 1, 50)
    assert first["cells"][0] == {"criterion": "price", "offer": {"kopecks": 40_000}, "score": "100/1"}
    assert first["cells"][1]["offer"] == {"number": 5, "unit": "лет"}
    assert first["flags"] == ["abnormally_low", "tie", "second_look"]
    assert (second["reason"], second["total"]) == ("Есть долги", None)
    assert third["reason"]["ru"] == "Ни один ключ не открыл заявку." and third["cells"][0]["offer"] == {}
    assert context["outcome"] == {"awards": 1, "total_kopecks": 2_000_000, "below_limit_kopecks": 60_000}
    assert lot["awards"][0]["total_kopecks"] == 2_000_000 and lot["status"] == "awarded"
    assert context["competition"]["protocols"][0]["url"] == "/competitions/c1/lots/l1/protocol"


def test_the_living_competition_is_shown_and_never_a_draft() -> None:
    new, old = competition("draft"), competition("unsuccessful")
    assert orders.latest([new, old]) is old
    assert orders.latest([old, competition("open")])["status"] == "open"  # type: ignore[index]
    assert orders.latest([new]) is None


def test_declined_awards_are_no_outcome() -> None:
    award = {
        "lot_id": "l1",
        "bid_id": "b1",
        "provider_id": "p",
        "provider_name": "НКО",
        "volume": 10,
        "unit_price_kopecks": 40_000,
        "agreement_id": "a",
        "agreement_number": "СГ-1",
        "agreement_status": "void",
    }
    assert shown(competition("awarded", closed_at="t", awards=[award]))["outcome"] is None


def test_why_something_stopped_is_said_in_words() -> None:
    code, words = competition("unsuccessful", reason="no_bids"), competition("cancelled", reason="Ошибка в извещении")
    assert shown(code)["competition"]["stopped"]["reason"]["en"] == "No bid was submitted."
    assert shown(words)["competition"]["stopped"]["reason"] == "Ошибка в извещении"
    lots = [{"lot_id": "l1", "title": "Часть", "failure": "none_admitted", "result": None}]
    assert shown(competition("standstill", closed_at="t", lots=lots))["lots"][0]["reason"]["ru"]


def test_the_list_of_orders_renders_with_a_choice_that_finds_nothing() -> None:
    listed = {**ORDER, "lots": 3, "limit_kopecks": 5_00}
    rows = [{**listed, "competition": competition("open")}, {**listed, "lots": 0, "limit_kopecks": None}]
    filters = {"status": "open", "territory": "kem", "service": ""}
    for items in (rows, []):
        reply = {"items": [{"competition": None, **item} for item in items], "total": len(items), "next": None}
        context = orders.orders_page(filters, reply, REGION, "cursor")
        assert [row["status"] for row in context["items"]] == ["open", "none"][: len(items)]
        assert "<h1" in render("orders", "ru", site=REGION.site, page=page("/orders"), orders=context)


def test_premises_say_until_when_they_are_lent() -> None:
    item = {
        "premises_id": "x",
        "kind": "room",
        "title": "",
        "address": "Кемь",
        "territory": "kem",
        "area_m2": 60,
        "permitted_use": "club, занятия",
        "accessibility": "partly",
        "standing": "lent",
        "lent_to": "p1",
        "lent_to_name": "НКО",
        "lent_until": "2028-01-01T00:00:00Z",
        "free": [{"from": "2028-01-01T00:00:00Z", "until": None}],
    }
    filters = {"kind": "", "status": "", "territory": ""}
    items = [item, {**item, "standing": "free", "lent_to": None, "lent_to_name": None}]
    context = premises.premises_page(filters, items, None, REGION, None)
    lent, free = context["items"]
    assert lent["loan"] and lent["loan"]["borrower"]["name"] == "НКО" and lent["free_from"] == "2028-01-01T00:00:00Z"
    assert free["loan"] is None and free["free_from"] is None
    assert [premises.fits(each, {**filters, "status": "lent"}) for each in items] == [True, False]
    html = render("premises", "ru", site=REGION.site, page=page("/premises"), premises=context)
    assert "Для чего: клуб, занятия" in html and "Доступность: частичная" in html


CONSORTIUM = {
    "number": "КО-2027-000001",
    "name": "Тёплый дом",
    "status": "standing",
    "lead_id": "p1",
    "members": [{"provider_id": "p1", "name": "НКО", "share": "33.5", "role": "сиделки"}],
}


def test_a_suspended_provider_says_why() -> None:
    card = {
        "id": "p1",
        "number": "",
        "short_name": "НКО",
        "full_name": "НКО",
        "kind": "npo",
        "legal_form": "АНО",
        "status": "suspended",
        "inn": "7707083893",
        "ogrn": "1027700132195",
        "address": "",
        "territory": "kem",
        "contacts": None,
        "included_on": None,
        "service_kinds": ["domestic"],
        "licences": [
            {"number": "Л041", "activity": "уход", "valid_to": "2027-01-02", "said": "expired"},
            {"number": "Л042", "activity": "уход", "valid_to": "2027-02-01", "said": "expiring"},
        ],
        "inspections": [
            {"held_on": "2026-12-01", "body": "Роспотребнадзор", "outcome": "violations", "findings": "нет журнала"}
        ],
        "documents": [{"hash": "ab" * 32, "kind": "charter", "title": "Устав", "size": 1025}],
        "experience": [{"year": 2026, "services": "уход", "recipients": 7}],
        "staff": 3,
        "volunteers": None,
        "flags": ["socially_oriented"],
        "history": [
            {
                "event": "ProviderSuspended",
                "at": "2027-01-01T00:00:00Z",
                "ground": "442-FZ",
                "details": {"reason": "старое"},
            },
            {"event": "ProviderRestored", "at": "2027-01-02T00:00:00Z", "ground": "", "details": {}},
            {
                "event": "ProviderSuspended",
                "at": "2027-01-03T00:00:00Z",
                "ground": "442-FZ",
                "details": {"reason": "лицензия"},
            },
        ],
    }
    context = providers.provider_page(card, [], [CONSORTIUM], None, None, REGION, [], log.trust(TREE, 0, None))
    assert context["state"] == {"reason": "лицензия", "ground": "442-FZ", "since": "2027-01-03T00:00:00Z"}
    shown = render("provider", "ru", site=REGION.site, page=page("/providers/p1"), provider=context)
    for words in (
        "истекла 2",
        "срок подходит к концу",
        "Найдены нарушения: нет журнала",
        "2 КБ",
        "уход",
        "Тёплый дом",
        "33,5 %, сиделки (головная",
    ):
        assert words in shown.replace("\xa0", " "), words
    assert f"/providers/p1/documents/{'ab' * 32}" in shown


def test_unknown_choices_of_a_filter_are_not_asked() -> None:
    assert providers.asked({"q": "", "kind": "<x>", "form": "home", "territory": ""}) == {"form": "home"}
    assert premises.asked({"kind": "boat", "status": "free", "territory": ""}) == {"status": "listed"}


def test_the_landing_adds_up() -> None:
    register = {"items": [{"status": "active", "providers": 3}, {"status": "excluded", "providers": 2}]}
    balance = {
        "kinds": [
            {"kind": "limit", "balance_kopecks": 9},
            {"kind": "obliged", "balance_kopecks": 5},
            {"kind": "paid", "balance_kopecks": 1},
        ]
    }
    listed = {**ORDER, "lots": 1, "limit_kopecks": 1}
    items = [{**listed, "competition": {**competition("open"), "deadline": f"2027-0{n}"}} for n in (5, 1, 4, 2, 3, 6)]
    open_orders = {"items": items, "total": 6, "next": None}
    context = landing.landing_page(open_orders, register, balance, REGION, log.trust(TREE, 7, None))
    assert context["figures"] == {"open_orders": 6, "providers": 3, "agreed_kopecks": 6, "entries": 7}
    assert [row["bids_until"] for row in context["closing_soon"]] == [f"2027-0{n}" for n in (1, 2, 3, 4, 5)]


def entry(**event: Any) -> dict[str, Any]:
    whole = {
        "event": {
            "id": "e1",
            "time": "2027-01-15T09:00:00.000000Z",
            "actor": "system:orders",
            "streamversion": 1,
            "receivedat": "2027-01-15T09:00:00.000000Z",
            "correlationid": "k",
            "data": {"price": 5},
            **event,
        },
        "prevhash": "0" * 64,
        "sealedat": "2027-01-15T09:00:01.000000Z",
        "sequence": 2,
    }
    return {
        "index": 4,
        "source": "orders",
        "sequence": 2,
        "event_id": "e1",
        "type": "market.orders.BiddingClosed.v1",
        "subject": "Competition/c1",
        "entry": json.dumps(whole),
    }


def test_an_entry_is_shown_with_its_proof_cause_and_neighbours() -> None:
    inclusion = {
        "index": 4,
        "size": 7,
        "checkpoint": TREE["checkpoint"],
        "proof": [base64.b64encode(b"\x01" * 32).decode()],
    }
    context = log.entry_page(entry(causationid="e0"), TREE, inclusion, None, "KEY", "http://market")
    assert context["proof"] and context["proof"]["checkpoint"]["root_hash"] == "05" * 32
    assert [(step["side"], step["neighbour"]) for step in context["proof"]["steps"]] == [("right", "01" * 32)]
    assert context["commands"] == [".venv/bin/python docs/check_entry.py http://market 4 'KEY'"]
    assert context["cause"] and context["cause"]["entry"] is None, "there is a cause that may not be read yet"
    assert context["previous"] == {"source": "orders", "sequence": 1}
    assert context["next"] == {"source": "orders", "sequence": 3}
    assert context["actor"] == log.BY_THE_SYSTEM
    bare = log.entry_page(entry(actor="account"), {**TREE, "sources": []}, None, None, None, "http://market")
    assert (bare["proof"], bare["cause"], bare["next"], bare["commands"]) == (None, None, None, [])
    assert bare["actor"] == {"ru": "Учётная запись account", "en": "Account account"}
    for one in (context, bare):
        assert "<h1" in render("log_entry", "en", site=REGION.site, page=page("/log/orders/2"), entry=one)


def test_a_log_without_checkpoint_is_still_a_page() -> None:
    young = {**TREE, "checkpoint": None, "size": 0, "sources": []}
    filters = {"source": "", "type": "", "subject": ""}
    context = log.log_page(filters, {"items": [entry()], "withheld": [], "next": None}, None, young, [], None)
    assert context["checkpoint"] is None and len(context["commands"]) == 3
    assert "<h1" in render("log", "ru", site=REGION.site, page=page("/log"), log=context)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 100])
def test_the_steps_of_a_proof_lead_from_any_leaf_to_the_root(size: int) -> None:
    leaves = [leaf_hash(bytes([n]) * 3) for n in range(size)]
    nodes = {(level, at): value for level, at, value in nodes_added_by(0, leaves, lambda level, at: nodes[level, at])}

    def node(level: int, at: int) -> bytes:
        return nodes[level, at]

    for index in range(size):
        path = inclusion_proof(index, size, node)
        steps = log.steps(index, size, leaves[index], path)
        last = steps[-1]["result"] if steps else leaves[index].hex()
        assert last == root_at(size, node).hex()


def test_places_that_may_not_be_read_yet_stand_between_the_entries() -> None:
    items = [{**entry(), "index": index} for index in (9, 5)]
    found = log.rows({"items": items, "withheld": [10, 8, 7, 6, 2], "next": None})
    gaps = [(each["withheld"], each["first"], each["last"]) for each in found if "withheld" in each]
    assert gaps == [(1, 10, 10), (3, 6, 8), (1, 2, 2)] and len(found) == 5


def test_an_entry_that_is_closed_is_told_from_one_that_is_not_there() -> None:
    context = log.closed_entry_page(TREE, "orders", 5)
    assert context == {
        "entry": {"source": "orders", "sequence": 5},
        "previous": {"source": "orders", "sequence": 4},
        "next": None,
    }
    assert log.closed_entry_page(TREE, "orders", 6) is None and log.closed_entry_page(TREE, "nobody", 1) is None
    assert "<h1" in render("log_closed", "ru", site=REGION.site, page=page("/log/orders/5"), entry=context)

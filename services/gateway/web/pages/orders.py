"""The order list and one order's page: contexts from the orders service's replies. Pure functions.

An order is shown with the competition that was announced last on it. Nothing is hidden here: what may not be seen yet
the services don't tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from services.gateway.web.contexts import (
    Award,
    Bid,
    BidCell,
    Competition,
    Criterion,
    Deadline,
    Lot,
    Offer,
    Opening,
    OrderFilters,
    OrderPage,
    OrderRow,
    OrdersPage,
    Outcome,
    Protocol,
    Question,
    Step,
    Stopped,
    TrailItem,
    Trust,
    Way,
)
from services.gateway.web.pages.frame import Region
from services.gateway.web.text import LANGS, Text, say, term

Reply = Mapping[str, Any]

#: What the reader may choose in the list, besides "all"; `none`: no competition was announced yet.
STATUSES = (
    "none",
    "published",
    "open",
    "closed",
    "opened",
    "evaluation",
    "decided",
    "standstill",
    "awarded",
    "agreed",
    "unsuccessful",
    "cancelled",
)
PRICE = "price"
CUSTODIANS_NEEDED = 2

_STEP_OF: dict[str, Step] = {
    "published": "submission",
    "open": "submission",
    "closed": "opening",
    "opened": "evaluation",
    "evaluation": "evaluation",
    "decided": "complaints",
    "standstill": "complaints",
    "awarded": "contract",
    "agreed": "contract",
}


# -- the list ---------------------------------------------------------------------------------------------------------


def orders_page(filters: Mapping[str, str], reply: Reply, region: Region, cursor: str | None) -> OrdersPage:
    """From `orders.social_orders`, counted."""
    return {
        "filters": cast(OrderFilters, dict(filters)),
        "statuses": list(STATUSES),
        "territories": region.territory_options(),
        "services": region.service_options(),
        "items": [order_row(item, region) for item in reply["items"]],
        "total": reply["total"],
        "cursor": cursor,
        "next_cursor": reply["next"],
    }


def order_row(order: Reply, region: Region) -> OrderRow:
    """A row from `orders.social_orders`."""
    competition = order["competition"]
    return {
        "id": order["order_id"],
        "number": order["number"],
        "title": title(order, competition, region),
        "buyer": order["body_name"],
        "territory": region.territory(order["territory"]),
        "service": region.service(order["service_code"], order["service_name"]),
        "status": status(order, competition),
        "lots": order["lots"],
        "limit_kopecks": order["limit_kopecks"],
        "bids_until": competition["deadline"] if competition else None,
    }


def title(order: Reply, competition: Reply | None, region: Region) -> Any:
    if competition:
        return competition["title"]
    return region.service(order["service_code"], order["service_name"])


def status(order: Reply, competition: Reply | None) -> str:
    """How far the order is: its competition's state, or that it has none yet."""
    if competition:
        return str(competition["status"])
    return "cancelled" if order["status"] == "closed" else "none"


def limit_of(order: Reply) -> int | None:
    """The most that all lots together may cost."""
    if not order["lots"]:
        return None
    return sum(int(lot["volume"]) * int(lot["limit_price_kopecks"]) for lot in order["lots"])


def latest(competitions: Sequence[Reply]) -> Reply | None:
    """The competition to show of those on one order, newest first: one that lives, else the newest."""
    living = [one for one in competitions if one["status"] not in ("draft", "cancelled", "unsuccessful")]
    shown = living or [one for one in competitions if one["status"] != "draft"]
    return shown[0] if shown else None


# -- one order --------------------------------------------------------------------------------------------------------


def order_page(
    order: Reply,
    competition: Reply | None,
    releases: Mapping[str, str | None],
    region: Region,
    trail: Sequence[TrailItem],
    streams: Sequence[str],
    trust: Trust,
) -> OrderPage:
    """From `orders.social_order` and `orders.competition`; `releases`: when each custodian released, by its name."""
    lots = [lot(each, order, competition, region) for each in order["lots"]]
    return {
        "id": order["order_id"],
        "number": order["number"],
        "title": title(order, competition, region),
        "body": None,
        "buyer": order["body_name"],
        "territory": region.territory(order["territory"]),
        "service": region.service(order["service_code"], order["service_name"]),
        "year": order["year"],
        "unit": region.unit(order["unit"]),
        "volume": order["volume"],
        "limit_kopecks": limit_of(order),
        "status": status(order, competition),
        "ways": ways(order),
        "lots": lots,
        "competition": competition_of(competition, releases, region),
        "outcome": outcome(lots),
        "trail": list(trail),
        "streams": list(streams),
        "trust": trust,
    }


def outcome(lots: Sequence[Lot]) -> Outcome | None:
    """What the awards come to, those left out whose agreement came to nothing; None where there is none."""
    made = [
        (lot, award)
        for lot in lots
        for award in lot["awards"]
        if award["agreement"] is None or award["agreement"]["status"] != "void"
    ]
    if not made:
        return None
    total = sum(award["total_kopecks"] for _, award in made)
    at_most = sum(int(award["volume"]) * (lot["unit_limit_kopecks"] or 0) for lot, award in made)
    return {"awards": len(made), "total_kopecks": total, "below_limit_kopecks": at_most - total}


def ways(order: Reply) -> list[Way]:
    """The three ways of the order's volume (189-FZ), those that have any."""
    volumes = (
        ("state_assignment", order["by_assignment"]),
        ("competition", order["by_competition"]),
        ("certificate", order["by_certificate"]),
    )
    return [{"way": way, "volume": volume} for way, volume in volumes if volume]


def lot(each: Reply, order: Reply, competition: Reply | None, region: Region) -> Lot:
    announced = _line(competition, each["lot_id"])
    return {
        "id": each["lot_id"],
        "number": each["number"],
        "title": each["title"],
        "volume": each["volume"],
        "unit": region.unit(each["unit"]),
        "limit_kopecks": each["volume"] * each["limit_price_kopecks"],
        "unit_limit_kopecks": each["limit_price_kopecks"],
        "status": lot_status(announced, competition),
        "reason": reason_of(announced["failure"]) if announced and announced["failure"] else None,
        "bids": bids(each["lot_id"], announced, competition, region) if announced else None,
        "awards": awards(each["lot_id"], competition) if announced else [],
    }


def _line(competition: Reply | None, lot_id: str) -> Reply | None:
    """The lot as the shown competition announced it; None where it wasn't part of it."""
    lots = competition["lots"] if competition else []
    return next((line for line in lots if line["lot_id"] == lot_id), None)


def lot_status(announced: Reply | None, competition: Reply | None) -> str:
    if competition is None or announced is None:
        return "draft"
    if announced["failure"]:
        return "unsuccessful"
    return "open" if competition["status"] == "published" else str(competition["status"])


def bids(lot_id: str, announced: Reply, competition: Reply | None, region: Region) -> list[Bid] | None:
    """The bids of a lot after the opening, with scores once the ranking is decided; None while they are sealed."""
    if competition is None or not competition["opened_at"]:
        return None
    result = announced["result"]
    ranked = {row["offer"]: row for row in (result or {}).get("ranking", {}).get("ranking", [])}
    awarded = {award["bid_id"]: award["volume"] for award in competition["awards"] if award["lot_id"] == lot_id}
    return [
        bid(each, competition["criteria"], ranked.get(each["bid_id"]), result, awarded.get(each["bid_id"]))
        for each in competition["bids"]
        if each["lot_id"] == lot_id
    ]


def bid(
    each: Reply, criteria: Sequence[Reply], standing: Reply | None, result: Reply | None, awarded: int | None
) -> Bid:
    scores: Mapping[str, Any] = standing["points"] if standing else {}
    cells: list[BidCell] = [
        {"criterion": one["key"], "offer": offer(each, one), "score": _exact(scores.get(one["key"]))}
        for one in criteria
    ]
    return {
        "provider": {"id": each["provider_id"], "name": each["provider_name"] or "—", "kind": each["kind"] or ""},
        "status": each["status"],
        "reason": _reason(each),
        "flags": flags(each["bid_id"], standing, result),
        "cells": cells,
        "total": _exact(standing["total"]) if standing else None,
        "rank": each["place"],
        "awarded_volume": awarded,
    }


def offer(each: Reply, criterion: Reply) -> Offer:
    """What a bid offers on a criterion; nothing where the commission alone decides."""
    if criterion["formula"] == "expert_mean" or each["price_kopecks"] is None:
        return {}
    if criterion["key"] == PRICE:
        return {"kopecks": each["price_kopecks"]}
    value = (each["values"] or {}).get(criterion["key"])
    if value is None:
        return {}
    if isinstance(value, str) and "/" in value:
        return {"words": f"{value} {criterion['counts']}".strip()}
    return {"number": value, "unit": criterion["counts"]}


def flags(bid_id: str, standing: Reply | None, result: Reply | None) -> list[str]:
    found = []
    if result and bid_id in result["ranking"].get("abnormally_low", {}):
        found.append("abnormally_low")
    if standing and standing["level_with"]:
        found.append("tie")
    if result and any(alarm["bid_id"] == bid_id for alarm in result["alarms"]):
        found.append("second_look")
    return found


def _exact(figure: Reply | None) -> str | None:
    return str(figure["exact"]) if figure else None


def _reason(each: Reply) -> Text | None:
    if each["failure"]:
        return {lang: term("bid_failure", each["failure"], lang) for lang in LANGS}
    unmet = [check["reason"] for check in each["checks"] or () if not check["met"] and check["reason"]]
    return "; ".join(unmet) or None


def reason_of(said: str) -> Text:
    """Why something stopped: in a person's own words, or a code that the texts know."""
    return {lang: term("stop_reason", said, lang) for lang in LANGS} if said.replace("_", "").isalpha() else said


def awards(lot_id: str, competition: Reply | None) -> list[Award]:
    found = [award for award in (competition or {}).get("awards", ()) if award["lot_id"] == lot_id]
    return [
        {
            "provider": {"id": award["provider_id"], "name": award["provider_name"] or "—", "kind": ""},
            "volume": award["volume"],
            "unit_price_kopecks": award["unit_price_kopecks"],
            "total_kopecks": award["volume"] * award["unit_price_kopecks"],
            "agreement": {"number": award["agreement_number"], "status": award["agreement_status"]}
            if award["agreement_id"]
            else None,
        }
        for award in found
    ]


# -- the competition on its order's page ------------------------------------------------------------------------------

NOTHING_ANNOUNCED: Competition = {
    "step": None,
    "finished": False,
    "stopped": None,
    "deadline": None,
    "moves": [],
    "sealed": False,
    "opening": None,
    "questions_until": None,
    "requirements": [],
    "criteria": [],
    "formulas_hash": None,
    "questions": [],
    "protocols": [],
    "complaints": None,
}


def competition_of(competition: Reply | None, releases: Mapping[str, str | None], region: Region) -> Competition:
    if competition is None:
        return NOTHING_ANNOUNCED
    state = competition["status"]
    return {
        "step": _STEP_OF.get(state, reached(competition)),
        "finished": state == "agreed",
        "stopped": stopped(competition),
        "deadline": deadline(competition),
        "moves": [],
        "sealed": state in ("published", "open"),
        "opening": opening(releases, region) if state == "closed" else None,
        "questions_until": competition["questions_until"],
        "requirements": [{"name": one["text"], "text": None} for one in competition["requirements"]],
        "criteria": [criterion(one) for one in competition["criteria"]],
        "formulas_hash": competition["formulas_hash"],
        "questions": [question(one) for one in competition["questions"]],
        "protocols": protocols(competition),
        "complaints": None,
    }


def reached(competition: Reply) -> Step:
    """The step at which a competition stopped, from what it lived to see."""
    if not competition["closed_at"]:
        return "submission"
    if not competition["opened_at"]:
        return "opening"
    return "complaints" if competition["decided_at"] else "evaluation"


def stopped(competition: Reply) -> Stopped | None:
    if competition["status"] not in ("cancelled", "unsuccessful"):
        return None
    return {
        "step": reached(competition),
        "reason": reason_of(competition["reason"] or "—"),
        "ground": None,
        "time": competition["changed_at"],
    }


def deadline(competition: Reply) -> Deadline | None:
    """What ends next: the acceptance of bids, or the standstill."""
    if competition["status"] in ("published", "open", "closed") and competition["deadline"]:
        explained = competition["explained"]
        return {"step": "submission", "at": competition["deadline"], "calendar": False, "explained": explained}
    if competition["status"] == "standstill" and competition["standstill_until"]:
        explained = competition["standstill_explained"]
        return {
            "step": "complaints",
            "at": competition["standstill_until"],
            "calendar": False,
            "explained": explained,
        }
    return None


def opening(releases: Mapping[str, str | None], region: Region) -> Opening:
    names = [{"name": region.custodians.get(name, name), "released_at": at} for name, at in releases.items()]
    return {"needed": CUSTODIANS_NEEDED, "custodians": cast(Any, names)}


def criterion(one: Reply) -> Criterion:
    return {"key": one["key"], "name": one["title"], "weight": one["weight"], "formula": one["formula"]}


def question(one: Reply) -> Question:
    return {
        "asked_at": one["asked_at"],
        "text": one["text"],
        "answered_at": one["answered_at"],
        "answer": one["answer"],
    }


def protocols(competition: Reply) -> list[Protocol]:
    return [
        {
            "url": f"/competitions/{competition['competition_id']}/lots/{line['lot_id']}/protocol",
            "time": competition["decided_at"],
            "name": {lang: say("order.protocol_lot", lang, lot=line["title"]) for lang in LANGS},
        }
        for line in competition["lots"]
        if line["result"]
    ]

"""The order list and one order's page: contexts from the orders service's replies. Pure functions.

An order is shown with the competition that was announced last on it. Nothing is hidden here: what may not be seen yet
the services don't tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from services.gateway.web.contexts.common import Step, TrailItem, Trust
from services.gateway.web.contexts.orders import (
    Amendment,
    Competition,
    Complaint,
    Correction,
    Criterion,
    Deadline,
    DeadlineMove,
    Lot,
    Moved,
    Opening,
    OrderFilters,
    OrderPage,
    OrderRow,
    OrdersPage,
    Outcome,
    Protocol,
    Question,
    Requirement,
    Stopped,
    Way,
)
from services.gateway.web.pages.frame import Region
from services.gateway.web.pages.lots import Part, lot, reason_of
from services.gateway.web.text import LANGS, say

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
    parts: Mapping[str, Part],
    releases: Mapping[str, str | None],
    region: Region,
    trail: Sequence[TrailItem],
    streams: Sequence[str],
    trust: Trust,
) -> OrderPage:
    """From `orders.social_order`, `orders.competition` and `orders.competition_bids`, a part of each lot's bids.

    `parts` holds those by the lot's id; `releases`: when each custodian released, by its name.
    """
    lots = [lot(each, competition, parts.get(each["lot_id"]), region) for each in order["lots"]]
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
        "corrections": [correction(one) for one in order["corrections"]],
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


WAYS = (
    ("all", "volume"),
    ("state_assignment", "by_assignment"),
    ("competition", "by_competition"),
    ("certificate", "by_certificate"),
)


def correction(one: Reply) -> Correction:
    before, after = one["before"], one["after"]
    moved: list[Moved] = [
        {"way": way, "before": before[field], "after": after[field]}
        for way, field in WAYS
        if before[field] != after[field]
    ]
    return {"time": one["corrected_at"], "reason": one["reason"], "moved": moved}


def ways(order: Reply) -> list[Way]:
    """The three ways of the order's volume (189-FZ), those that have any."""
    volumes = (
        ("state_assignment", order["by_assignment"]),
        ("competition", order["by_competition"]),
        ("certificate", order["by_certificate"]),
    )
    return [{"way": way, "volume": volume} for way, volume in volumes if volume]


# -- the competition on its order's page ------------------------------------------------------------------------------

NOTHING_ANNOUNCED: Competition = {
    "step": None,
    "finished": False,
    "stopped": None,
    "deadline": None,
    "moves": [],
    "amendments": [],
    "sealed": False,
    "stopped_days": None,
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
        "moves": [moved(one) for one in competition["moves"]],
        "amendments": [amendment(one) for one in competition["amendments"]],
        "sealed": state in ("published", "open"),
        "stopped_days": competition["stopped_days"],
        "opening": opening(releases, region) if state == "closed" else None,
        "questions_until": competition["questions_until"],
        "requirements": [requirement(one) for one in competition["requirements"]],
        "criteria": [criterion(one) for one in competition["criteria"]],
        "formulas_hash": competition["formulas_hash"],
        "questions": [question(one) for one in competition["questions"]],
        "protocols": protocols(competition),
        "complaints": [complaint(one) for one in competition["complaints"]],
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
    if competition["status"] == "standstill" and competition["stopped_days"] is not None:
        return None  # complaints have stopped its clock, and the notice says so
    if competition["status"] == "standstill" and competition["standstill_until"]:
        explained = competition["standstill_explained"]
        return {
            "step": "complaints",
            "at": competition["standstill_until"],
            "calendar": False,
            "explained": explained,
        }
    return None


def requirement(one: Reply) -> Requirement:
    may: dict[str, str] | None = (
        {lang: say("order.correctable", lang) for lang in LANGS} if one.get("correctable") else None
    )
    return {"name": one["text"], "text": may}


def moved(one: Reply) -> DeadlineMove:
    return {"before": one["previous"], "after": one["deadline"], "reason": reason_of(one["reason"])}


def amendment(one: Reply) -> Amendment:
    return {
        "number": one["number"],
        "time": one["amended_at"],
        "reason": one["reason"],
        "parts": one["parts"],
        "confirm_until": one["confirm_until"],
    }


def complaint(one: Reply) -> Complaint:
    return {
        "number": one["number"],
        "filed_at": one["filed_at"],
        "status": one["status"],
        "subject": one["text"],
        "who": one["provider_name"] or "—",
        "term": one["term"],
        "remedy": one["remedy"],
        "decision": one["decision"],
    }


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

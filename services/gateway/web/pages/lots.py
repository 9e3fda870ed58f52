"""A lot on its order's page, and the part of its bids that is shown: contexts from the orders service's replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from services.gateway.web.contexts.common import Exact
from services.gateway.web.contexts.orders import Award, BestScore, Bid, BidCell, Lot, Offer
from services.gateway.web.pages.frame import Region
from services.gateway.web.text import LANGS, Text, term

Reply = Mapping[str, Any]
Part = Mapping[str, Any]
"""A page of a lot's bids: `items`, `next`, and its own `cursor`."""
PRICE = "price"


def lot(each: Reply, competition: Reply | None, part: Part | None, region: Region) -> Lot:
    announced = _line(competition, each["lot_id"])
    result = announced["result"] if announced else None
    best, best_total = best_scores(result)
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
        "bids": bids(each["lot_id"], result, competition, part["items"]) if competition and part else None,
        "best": best,
        "best_total": best_total,
        "cursor": part["cursor"] if part else None,
        "next_cursor": part["next"] if part else None,
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
        return "draft" if announced["failure"] == "taken_out" else "unsuccessful"
    return "open" if competition["status"] == "published" else str(competition["status"])


def lots_with_bids(competition: Reply | None) -> list[str]:
    """The lots whose bids may be seen: those of the competition, once they are opened."""
    if competition is None or not competition["opened_at"]:
        return []
    return [line["lot_id"] for line in competition["lots"]]


def bids(lot_id: str, result: Reply | None, competition: Reply, shown: Sequence[Reply]) -> list[Bid]:
    """A part of a lot's bids, with scores once the ranking is decided."""
    ranked = {row["offer"]: row for row in _ranked(result)}
    awarded = {award["bid_id"]: award["volume"] for award in competition["awards"] if award["lot_id"] == lot_id}
    return [
        bid(each, competition["criteria"], ranked.get(each["bid_id"]), result, awarded.get(each["bid_id"]))
        for each in shown
    ]


def best_scores(result: Reply | None) -> tuple[list[BestScore], Exact | None]:
    """The highest exact score of each criterion, and in all; with one bid ranked there is nothing to be better than."""
    ranked = _ranked(result)
    if len(ranked) < 2:
        return [], None
    best: list[BestScore] = [
        {"criterion": key, "score": _highest([row["points"][key] for row in ranked])} for key in ranked[0]["points"]
    ]
    return best, _highest([row["total"] for row in ranked])


def _ranked(result: Reply | None) -> Sequence[Reply]:
    """The ranking's rows; none where it is too large for the log's entry and stands in a document of its own."""
    rows: Sequence[Reply] = result["ranking"].get("ranking", []) if result else []
    return rows


def _highest(figures: Sequence[Reply]) -> Exact:
    return max((str(figure["exact"]) for figure in figures), key=Fraction)


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
        "flags": [*flags(each, standing, result), *own_flags(each)],
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


def flags(each: Reply, standing: Reply | None, result: Reply | None) -> list[str]:
    """What the ranking says of a bid; a low price that was decided on is told by the decision (`own_flags`)."""
    found, bid_id = [], each["bid_id"]
    if result and not each["low_price"] and bid_id in result["ranking"].get("abnormally_low", {}):
        found.append("abnormally_low")
    if standing and standing["level_with"]:
        found.append("tie")
    if result and any(alarm["bid_id"] == bid_id for alarm in result["alarms"]):
        found.append("second_look")
    return found


def own_flags(each: Reply) -> list[str]:
    """What became of a bid on its way, beside its scores."""
    found = ["corrected"] if each["correction"] and each["status"] == "admitted" else []
    return [*found, f"price_{each['low_price']}"] if each["low_price"] else found


def _exact(figure: Reply | None) -> str | None:
    return str(figure["exact"]) if figure else None


def _reason(each: Reply) -> Text | None:
    if each["failure"]:
        return {lang: term("bid_failure", each["failure"], lang) for lang in LANGS}
    unmet = [check["reason"] for check in each["checks"] or () if not check["met"] and check["reason"]]
    refused = [each["low_price_reason"]] if each["low_price"] == "rejected" else []
    return "; ".join([*unmet, *refused]) or None


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

"""The catalogue of services and one service with its versions and a calculation: contexts, and what they are asked of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from kernel.refusal import Refused
from services.gateway.calls import Answered
from services.gateway.problems import NO_PATH
from services.gateway.web.contexts.catalogue import (
    CatalogueFilters,
    CataloguePage,
    CoefficientOf,
    CostAsked,
    CostShown,
    CostVersion,
    QualityIndicator,
    ServicePage,
    ServiceRow,
    StandardVersion,
)
from services.gateway.web.contexts.common import Trust
from services.gateway.web.pages import log as log_pages
from services.gateway.web.pages.frame import Frame, Region, chosen
from services.gateway.web.pages.providers import FORMS
from services.gateway.web.text import Text
from services.gateway.wording import in_words

Reply = Mapping[str, Any]

ROWS = 50
CODE = re.compile(r"[A-Z][A-Z0-9-]{0,39}")
KINDS = (
    "domestic", "medical", "psychological", "pedagogical", "labour", "legal", "communicative", "urgent",
)  # fmt: skip


async def catalogue(request: Request, frame: Frame) -> Response:
    """The services in use, by their codes."""
    filters = chosen(request, "kind", "form")
    cursor = request.query_params.get("cursor")
    asked: dict[str, Any] = {"limit": ROWS} | ({"cursor": cursor} if cursor else {})
    asked |= {"kind": filters["kind"]} if filters["kind"] in KINDS else {}
    asked |= {"form": filters["form"]} if filters["form"] in FORMS else {}
    reply = await frame.calls.reply("registry.catalogue", asked, await frame.asker(request))
    return await frame.answer(request, "catalogue", catalogue_page(filters, reply, frame.region, cursor))


async def service(request: Request, frame: Frame) -> Response:
    """A service; with a territory, a day and units also what they cost by the norm of that day."""
    asker, code = await frame.asker(request), str(request.path_params["code"])
    if not CODE.fullmatch(code):
        raise Refused(NO_PATH)
    found = await frame.calls.reply("registry.service", {"code": code}, asker)
    asked = cast(CostAsked, chosen(request, "territory", "category", "day", "units"))
    calculation, refusal = None, None
    if asked["territory"] and asked["units"]:
        try:
            calculation = await frame.calls.reply("registry.cost", question(code, asked), asker)
        except Answered as problem:
            said = in_words(problem.refusal, frame.region.site["zone"])
            refusal = {"ru": said["ru"], "en": said["en"]}
    stream = f"ListedService/{found['service_id']}"
    tree = await frame.calls.reply("audit.tree", {}, asker)
    trust = log_pages.trust(tree, int(found["version"]), frame.log_key)
    context = service_page(found, asked, calculation, refusal, frame.region, stream, trust)
    return await frame.answer(request, "service", context)


def question(code: str, asked: CostAsked) -> dict[str, Any]:
    """What to ask `registry.cost`; a value that is no number goes as it came, for the service to refuse."""
    units: int | str = int(asked["units"]) if asked["units"].isascii() and asked["units"].isdigit() else asked["units"]
    found: dict[str, Any] = {"code": code, "territory": asked["territory"], "day": asked["day"], "units": units}
    return found | ({"category": asked["category"]} if asked["category"] else {})


def catalogue_page(filters: Mapping[str, str], reply: Reply, region: Region, cursor: str | None) -> CataloguePage:
    """From `registry.catalogue`."""
    return {
        "filters": cast(CatalogueFilters, dict(filters)),
        "kinds": list(KINDS),
        "forms": list(FORMS),
        "items": [_row(item, region) for item in reply["items"]],
        "cursor": cursor,
        "next_cursor": reply["next"],
    }


def _row(item: Reply, region: Region) -> ServiceRow:
    return {
        "code": item["code"],
        "name": item["name"],
        "kind": item["kind"],
        "form": item["form"],
        "unit": region.unit(item["unit"]),
        "cost_kopecks": item["cost_kopecks"],
    }


def service_page(
    found: Reply,
    asked: CostAsked,
    calculation: Reply | None,
    refusal: Text | None,
    region: Region,
    stream: str,
    trust: Trust,
) -> ServicePage:
    """From `registry.service` and, where something was asked, `registry.cost` or why it refused."""
    held = found["in_force"] or {}
    return {
        "code": found["code"],
        "name": found["name"],
        "kind": found["kind"],
        "form": found["form"],
        "unit": region.unit(found["unit"]),
        "status": found["status"],
        "closes_on": found["closes_on"],
        "proposal_id": found["proposal_id"] or None,
        "standards": [_standard(one, held.get("standard_version")) for one in found["standards"]],
        "costs": [_cost(one, held.get("cost_version"), region) for one in found["costs"]],
        "asked": asked,
        "territories": region.territory_options(),
        "categories": [{"value": code, "name": name} for code, name in region.categories.items()],
        "calculation": _calculation(calculation, region) if calculation else None,
        "refusal": refusal,
        "stream": stream,
        "trust": trust,
    }


def _standard(one: Reply, held: int | None) -> StandardVersion:
    return {
        "number": one["number"],
        "text": one["standard"]["text"],
        "indicators": [_indicator(each) for each in one["standard"]["indicators"]],
        "valid_from": one["valid_from"],
        "valid_to": one["valid_to"],
        "holds": one["number"] == held,
    }


def _indicator(said: Reply) -> QualityIndicator:
    return {
        "name": said["name"],
        "relation": said["relation"],
        "bound": said["value"],
        "measure": said["measure"],
    }


def _cost(one: Reply, held: int | None, region: Region) -> CostVersion:
    norm = one["norm"]
    places: list[CoefficientOf] = [
        {"name": region.territory(code), "coefficient": value} for code, value in norm["territories"].items()
    ]
    groups: list[CoefficientOf] = [
        {"name": region.categories.get(code, code), "coefficient": value} for code, value in norm["categories"].items()
    ]
    return {
        "number": one["number"],
        "cost_kopecks": norm["cost_kopecks"],
        "coefficients": places + groups,
        "basis": norm["basis"],
        "valid_from": one["valid_from"],
        "valid_to": one["valid_to"],
        "holds": one["number"] == held,
    }


def _calculation(said: Reply, region: Region) -> CostShown:
    return {
        "day": said["day"],
        "territory": region.territory(said["territory"]),
        "category": region.categories.get(said["category"], said["category"]) or None,
        "units": said["units"],
        "cost_kopecks": said["cost_kopecks"],
        "territory_coefficient": said["territory_coefficient"],
        "category_coefficient": said["category_coefficient"],
        "unit_kopecks": said["unit_kopecks"],
        "amount_kopecks": said["amount_kopecks"],
        "standard_version": said["standard_version"],
        "cost_version": said["cost_version"],
    }

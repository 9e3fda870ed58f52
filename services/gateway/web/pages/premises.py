"""The premises' page: a context from the providers service's reply. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from services.gateway.web.contexts import Loan, PremisesFilters, PremisesPage, PremisesRow
from services.gateway.web.pages.frame import Region

Reply = Mapping[str, Any]

KINDS = ("room", "ad_surface")
STATUSES = ("free", "requested", "lent", "withdrawn")


def asked(filters: Mapping[str, str]) -> dict[str, Any]:
    """What to ask `providers.premises` for these filters. Unknown values of a filter find nothing, as they should."""
    found: dict[str, Any] = {"status": "withdrawn" if filters["status"] == "withdrawn" else "listed"}
    if filters["kind"] in KINDS:
        found["kind"] = filters["kind"]
    if filters["territory"]:
        found["territory"] = filters["territory"]
    return found


def premises_page(
    filters: Mapping[str, str], reply: Reply, names: Mapping[str, str], region: Region, cursor: str | None
) -> PremisesPage:
    """The list; `names` are those of the borrowers, by provider."""
    rows = [row(item, names, region) for item in reply["items"]]
    if filters["status"]:
        rows = [each for each in rows if each["status"] == filters["status"]]
    return {
        "filters": cast(PremisesFilters, dict(filters)),
        "kinds": list(KINDS),
        "statuses": list(STATUSES),
        "territories": region.territory_options(),
        "items": rows,
        "total": None,
        "cursor": cursor,
        "next_cursor": reply["next"],
    }


def row(item: Reply, names: Mapping[str, str], region: Region) -> PremisesRow:
    free = item["free"]
    from_later = free[0]["from"] if free and item["standing"] == "lent" else None
    return {
        "id": item["premises_id"],
        "kind": item["kind"],
        "title": item["title"] or item["permitted_use"],
        "address": item["address"],
        "territory": region.territory(item["territory"]),
        "area": item["area_m2"],
        "use": item["permitted_use"],
        "accessibility": item["accessibility"] or None,
        "status": item["standing"],
        "free_from": from_later,
        "requests_until": None,
        "loan": _loan(item, names),
    }


def _loan(item: Reply, names: Mapping[str, str]) -> Loan | None:
    if not item.get("lent_to"):
        return None
    borrower = item["lent_to"]
    return {
        "borrower": {"id": borrower, "name": names.get(borrower, borrower), "kind": ""},
        "until": item["lent_until"],
    }

"""The premises' page: a context from the providers service's reply. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from services.gateway.web.contexts.directory import Loan, PremisesFilters, PremisesPage, PremisesRow
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
    filters: Mapping[str, str],
    items: Sequence[Reply],
    following: str | None,
    region: Region,
    cursor: str | None,
) -> PremisesPage:
    """The list; `following` is the cursor of what comes after `items`."""
    return {
        "filters": cast(PremisesFilters, dict(filters)),
        "kinds": list(KINDS),
        "statuses": list(STATUSES),
        "territories": region.territory_options(),
        "items": [row(item, region) for item in items],
        "total": None,
        "cursor": cursor,
        "next_cursor": following,
    }


def fits(item: Reply, filters: Mapping[str, str]) -> bool:
    """Whether an object stands as the reader asked. The service doesn't filter by it: it depends on the clock."""
    return not filters["status"] or item["standing"] == filters["status"]


def row(item: Reply, region: Region) -> PremisesRow:
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
        "loan": _loan(item),
    }


def _loan(item: Reply) -> Loan | None:
    if not item["lent_to"]:
        return None
    return {
        "borrower": {"id": item["lent_to"], "name": item["lent_to_name"] or "—", "kind": ""},
        "until": item["lent_until"],
    }

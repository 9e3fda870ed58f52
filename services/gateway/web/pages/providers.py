"""The register's list and a provider's card: contexts from the registry's and others' replies. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from services.gateway.web.contexts.common import TrailItem, Trust
from services.gateway.web.contexts.directory import (
    CardDocument,
    ConsortiumMember,
    ConsortiumOf,
    Inspection,
    Licence,
    Places,
    ProviderFilters,
    ProviderPage,
    ProviderRow,
    ProvidersPage,
    RegisterDecision,
    RegisterState,
    ServiceOffered,
)
from services.gateway.web.pages.frame import Region
from services.gateway.web.text import LANGS, term

Reply = Mapping[str, Any]

KINDS = ("npo", "budget_institution", "social_enterprise", "individual")
FORMS = ("home", "semi_residential", "residential", "urgent")
_STATE_EVENTS = {
    "suspended": "ProviderSuspended",
    "excluded": "ProviderExcluded",
    "withdrawn": "ProviderWithdrawn",
    "refused": "ProviderRefused",
}


def asked(filters: Mapping[str, str]) -> dict[str, Any]:
    """What to ask `registry.providers` for these filters; a value that is none of the choices is left out."""
    found: dict[str, Any] = {"q": filters["q"]} if filters["q"] else {}
    if filters["kind"] in KINDS:
        found["kind"] = filters["kind"]
    if filters["form"] in FORMS:
        found["form"] = filters["form"]
    if filters["territory"]:
        found["territory"] = filters["territory"]
    return found


def providers_page(
    filters: Mapping[str, str], reply: Reply, places: Mapping[str, int], region: Region, cursor: str | None
) -> ProvidersPage:
    """The list; `places`: free places over all forms, of the providers that have set any."""
    return {
        "filters": cast(ProviderFilters, dict(filters)),
        "kinds": list(KINDS),
        "forms": list(FORMS),
        "territories": region.territory_options(),
        "items": [row(item, places.get(item["id"]), region) for item in reply["items"]],
        "total": None,
        "cursor": cursor,
        "next_cursor": reply["next"],
    }


def row(item: Reply, free: int | None, region: Region) -> ProviderRow:
    return {
        "id": item["id"],
        "number": item["number"] or "—",
        "name": item["short_name"],
        "kind": item["kind"],
        "inn": item["inn"],
        "territory": region.territory(item["territory"]),
        "forms": item["forms"],
        "status": item["status"],
        "free_places": free,
    }


def free_places(items: Sequence[Reply]) -> dict[str, int]:
    """Free places over all forms by provider, from `providers.places`; those who have set none aren't in it."""
    found: dict[str, int] = {}
    for item in items:
        found[item["provider_id"]] = found.get(item["provider_id"], 0) + int(item["free"])
    return found


def provider_page(
    card: Reply,
    places: Sequence[Reply],
    consortia: Sequence[Reply],
    agreements: int | None,
    head: str | None,
    region: Region,
    trail: Sequence[TrailItem],
    trust: Trust,
) -> ProviderPage:
    """From `registry.provider`, `providers.places` and `registry.consortia` of it, the number of its active agreements, and
    the log.

    `head`: the name that the law publishes, from the vault; None where it doesn't or the vault doesn't answer.
    """
    contacts = card["contacts"] or {}
    return {
        "id": card["id"],
        "number": card["number"] or "—",
        "name": card["short_name"],
        "full_name": card["full_name"],
        "kind": card["kind"],
        "legal_form": card["legal_form"],
        "status": card["status"],
        "state": state(card),
        "inn": card["inn"],
        "ogrn": card["ogrn"],
        "address": card["address"],
        "territories": [region.territory(card["territory"])],
        "head": head,
        "phone": contacts.get("phone") or None,
        "email": contacts.get("email") or None,
        "website": None,
        "included_at": card["included_on"],
        "flags": list(card["flags"]),
        "experience_years": len(card["experience"]) or None,
        "staff": card["staff"],
        "volunteers": card["volunteers"],
        "active_agreements": agreements,
        "places": [_places(item) for item in places],
        "services": [_service(kind) for kind in card["service_kinds"]],
        "licences": [_licence(one) for one in card["licences"]],
        "inspections": [_inspection(one) for one in card["inspections"]],
        "consortia": [_consortium(one) for one in consortia if one["status"] != "dissolved"],
        "experience": [
            {"year": one["year"], "services": one["services"], "recipients": one["recipients"]}
            for one in card["experience"]
        ],
        "documents": [_document(one) for one in card["documents"]],
        "decisions": [decision(one) for one in reversed(card["history"]) if one["event"] != "CardChanged"],
        "trail": list(trail),
        "streams": [f"RegisterEntry/{card['id']}"],
        "trust": trust,
    }


def state(card: Reply) -> RegisterState | None:
    """Why an entry is not active: its last decision of that kind, with its reason and its legal ground."""
    event = _STATE_EVENTS.get(card["status"])
    decision = next((one for one in reversed(card["history"]) if one["event"] == event), None)
    if decision is None:
        return None
    details = decision["details"] or {}
    law = details.get("ground") or decision["ground"] or None
    return {"reason": "; ".join(_reasons(details)) or "—", "ground": law, "since": decision["at"]}


def decision(one: Reply) -> RegisterDecision:
    """A decision with all that it names; one of before decisions named their terms has no term."""
    said = one["details"] or {}
    return {
        "event": one["event"],
        "day": said.get("day") or one["at"],
        "ground": said.get("ground_words") or None,
        "law": said.get("ground") or one["ground"] or None,
        "reasons": _reasons(said),
        "term": said.get("term"),
        "until": said.get("until"),
        "explained": said.get("explained") or None,
        "in_time": said.get("in_time"),
        "asked_by": said.get("asked_by") or None,
    }


def _reasons(said: Reply) -> list[str]:
    """The reasons of a decision; of a formal check, what isn't met and why."""
    unmet = [f"{check['requirement']}: {check['reason']}" for check in said.get("checks", ()) if not check["met"]]
    return [text for text in (said.get("reason"), said.get("report"), *said.get("reasons", ()), *unmet) if text]


def _places(item: Reply) -> Places:
    return {
        "form": item["form"],
        "maximum": item["maximum"],
        "funded": item["funded"],
        "reserved": item["reserved"],
        "free": item["free"],
    }


def _licence(one: Reply) -> Licence:
    return {
        "number": one["number"],
        "activity": one["activity"],
        "valid_until": one["valid_to"],
        "expired": one["said"] == "expired",
        "expiring": one["said"] == "expiring",
    }


def _inspection(one: Reply) -> Inspection:
    outcome: dict[str, str] = {lang: term("inspection_outcome", one["outcome"], lang) for lang in LANGS}
    if one["findings"]:
        outcome = {lang: f"{words}: {one['findings']}" for lang, words in outcome.items()}
    return {"day": one["held_on"], "body": one["body"], "outcome": outcome}


def _consortium(one: Reply) -> ConsortiumOf:
    members: list[ConsortiumMember] = [
        {
            "id": member["provider_id"],
            "name": member["name"],
            "share": member["share"],
            "role": member["role"],
            "lead": member["provider_id"] == one["lead_id"],
        }
        for member in one["members"]
    ]
    return {"number": one["number"], "name": one["name"], "status": one["status"], "members": members}


def _document(one: Reply) -> CardDocument:
    size = -(-one["size"] // 1024)
    return {"hash": one["hash"], "kind": one["kind"], "title": one["title"], "kilobytes": size}


def _service(kind: str) -> ServiceOffered:
    # The register says kinds of service; single services with their tariffs stand in no card yet.
    name: dict[str, str] = {lang: term("service_kind", kind, lang) for lang in LANGS}
    return {"name": name, "kind": kind, "tariff_kopecks": None, "unit": ""}

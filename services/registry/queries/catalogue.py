"""What pages and the API ask of the catalogue: services, what one costs, calculations, proposals of new services."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, one, page, rows
from kernel.service import Surroundings, query
from services.registry.domain.card import FormOfService, ServiceKind
from services.registry.domain.catalogue.calculation import CostAsked, CostCalculated, calculated
from services.registry.domain.catalogue.values import ServiceCode, service_id
from services.registry.domain.terms import local_day
from services.registry.facts.catalogue import in_force

LISTED = "id AS service_id, code, status, kind, form, unit, name, units_per_place, closes_on"
PROPOSED = "id, version, number, status, provider_id, revision, name, cost_kopecks, code, term, term_until, proposed_at"


class CatalogueParams(List):
    """Without `status`: what is in use."""

    kind: ServiceKind | None = None
    form: FormOfService | None = None
    status: Annotated[str, Field(pattern="^(drafted|active|closed)$")] = "active"


class ByCode(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    code: ServiceCode


class ById(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


class ProposalsParams(List):
    provider_id: Id | None = None
    status: Annotated[str, Field(pattern="^(submitted|returned|approved|refused|withdrawn)$")] | None = None


@query(CatalogueParams)
def catalogue(connection: Connection, asked: CatalogueParams, at: Surroundings) -> dict[str, Any]:
    """Services by their codes, each with the normative cost of a unit that holds today (null where none does)."""
    filters = {"kind = %s": asked.kind and str(asked.kind), "form = %s": asked.form and str(asked.form)}
    filters["status = %s"] = asked.status
    found = page(connection, f"SELECT {LISTED} FROM listed WHERE true", filters, asked, {"code": str})
    today = date.fromisoformat(local_day(at.now, at.rules.zone))
    for item in found["items"]:
        now = in_force(connection, item["code"], today)
        item["cost_kopecks"] = now.norm.cost_kopecks if now else None
    return found


@query(ByCode)
def service(connection: Connection, asked: ByCode, at: Surroundings) -> dict[str, Any]:
    """A service with all versions of its standard and cost, newest first; those that wait for approval for registrars
    and auditors. `in_force`: the numbers of the versions that hold today."""
    id = service_id(asked.code)
    found = one(connection, f"SELECT {LISTED}, version, proposal_id, close_reason FROM listed WHERE id = %s", (id,),
                "service", asked.code)  # fmt: skip
    inside = at.actor.has("registrar", "auditor")
    for name, table, content in (("standards", "standard_version", "standard"), ("costs", "cost_version", "norm")):
        drafts = ", prepared_by" if inside else ""
        sql = (
            f"SELECT number, {content}, valid_from, valid_to, approved_on{drafts} FROM {table} "
            f"WHERE service_id = %s AND (approved_on IS NOT NULL OR %s) ORDER BY number DESC"
        )
        found[name] = rows(connection, sql, (id, inside))
    now = in_force(connection, asked.code, date.fromisoformat(local_day(at.now, at.rules.zone)))
    held = {"standard_version": now.standard_version, "cost_version": now.cost_version} if now else None
    return {**found, "in_force": held}


@query(CostAsked)
def cost(connection: Connection, asked: CostAsked, at: Surroundings) -> dict[str, Any]:
    """What units of a service cost on a day, by the versions that hold on it: the calculation, without keeping it."""
    said = calculated(asked, in_force(connection, asked.code, asked.day), at.rules)
    return CostCalculated(number="", **said).model_dump(mode="json", exclude={"number"})


@query(ById)
def calculation(connection: Connection, asked: ById, at: Surroundings) -> dict[str, Any]:
    """A calculation as it was made."""
    found = one(connection, "SELECT made_at, said FROM calculation_made WHERE id = %s", (asked.id,),
                "calculation", asked.id)  # fmt: skip
    return {"id": asked.id, "made_at": found["made_at"], **found["said"]}


@query(ProposalsParams)
def proposals(connection: Connection, asked: ProposalsParams, at: Surroundings) -> dict[str, Any]:
    """Proposals of new services, oldest first; `term_until`: until when it is decided on, or corrected."""
    filters = {"provider_id = %s": asked.provider_id, "status = %s": asked.status}
    key = {"proposed_at": str, "id": UUID}
    return page(connection, f"SELECT {PROPOSED} FROM proposal WHERE true", filters, asked, key)


@query(ById)
def proposal(connection: Connection, asked: ById, at: Surroundings) -> dict[str, Any]:
    """A proposal, what it says, and every step of it. Who was asked for an opinion is told to registrars and auditors."""
    sql = f"SELECT {PROPOSED}, proposed, experts FROM proposal WHERE id = %s"
    found = one(connection, sql, (asked.id,), "proposal", asked.id)
    inside = at.actor.has("registrar", "auditor")
    if not inside:
        found["asked_for_opinion"] = at.actor.id in found["experts"]
        del found["experts"]
    steps = rows(
        connection,
        "SELECT version, event, at, actor, details FROM proposal_step WHERE proposal_id = %s ORDER BY version",
        (asked.id,),
    )
    told = [{name: value for name, value in step.items() if inside or name != "actor"} for step in steps]
    return {**found, "steps": told}

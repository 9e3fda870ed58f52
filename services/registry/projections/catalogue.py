"""The catalogue as it is read: services with the versions of their standards and costs, calculations, proposals."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table

from kernel.aggregate import Event
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.registry.domain.catalogue.calculation import CostCalculated
from services.registry.domain.catalogue.listed_service import (
    CostApproved,
    CostPrepared,
    ServiceClosed,
    ServiceListed,
    StandardApproved,
    StandardPrepared,
)
from services.registry.domain.catalogue.proposal import (
    ExpertsAsked,
    OpinionGiven,
    ProposalApproved,
    ProposalRefused,
    ProposalReturned,
    ProposalWithdrawn,
    Proposed,
    ServiceProposed,
)
from services.registry.tables.catalogue import (
    calculation_made,
    cost_version,
    listed,
    proposal,
    proposal_step,
    service_code,
    standard_version,
)

services = Projection("services", (listed, standard_version, cost_version))
codes = Projection("service_codes", (service_code,))
calculations = Projection("calculations", (calculation_made,))
proposals = Projection("proposals", (proposal, proposal_step))


# -- services ---------------------------------------------------------------------------------------------------------


@services.on("registry", "ServiceListed", ServiceListed)
def _listed(rows: Rows, event: ServiceListed, entry: Entry) -> None:
    rows.insert(listed, id=entry.stream_id, version=entry.version, status="drafted", **entry.data)


@services.on("registry", "StandardPrepared", StandardPrepared)
def _standard_prepared(rows: Rows, event: StandardPrepared, entry: Entry) -> None:
    _prepared(rows, standard_version, "standard", entry)


@services.on("registry", "CostPrepared", CostPrepared)
def _cost_prepared(rows: Rows, event: CostPrepared, entry: Entry) -> None:
    _prepared(rows, cost_version, "norm", entry)


@services.on("registry", "StandardApproved", StandardApproved)
def _standard_approved(rows: Rows, event: StandardApproved, entry: Entry) -> None:
    _approved(rows, standard_version, "standard", entry)
    rows.add(listed, {"id": entry.stream_id}, has_standard=1)
    _activate(rows, entry)


@services.on("registry", "CostApproved", CostApproved)
def _cost_approved(rows: Rows, event: CostApproved, entry: Entry) -> None:
    _approved(rows, cost_version, "norm", entry)
    rows.add(listed, {"id": entry.stream_id}, has_cost=1)
    _activate(rows, entry)


@services.on("registry", "ServiceClosed", ServiceClosed)
def _closed(rows: Rows, event: ServiceClosed, entry: Entry) -> None:
    _change(rows, entry, status="closed", closes_on=entry.data["closes_on"], close_reason=event.reason)


def _prepared(rows: Rows, table: Table, content: str, entry: Entry) -> None:
    """A draft stands at the next number; one that nobody approved gives way to it."""
    data = entry.data
    if data["number"] > 1:
        before = {"service_id": entry.stream_id, "number": data["number"] - 1}
        row = rows.get(table, before)
        if row is not None and row["approved_on"] is None:
            rows.delete(table, before)
    _version(rows, table, content, entry, prepared_by=data["prepared_by"])
    _change(rows, entry)


def _approved(rows: Rows, table: Table, content: str, entry: Entry) -> None:
    _version(rows, table, content, entry, approved_on=entry.data["day"])


def _version(rows: Rows, table: Table, content: str, entry: Entry, **more: Any) -> None:
    data = entry.data
    key = {"service_id": entry.stream_id, "number": data["number"]}
    period = {"valid_from": data["valid_from"], "valid_to": data["valid_to"]}
    rows.put(table, key, **{content: data[content]}, **period, **more)


def _activate(rows: Rows, entry: Entry) -> None:
    row = rows.get(listed, {"id": entry.stream_id})
    assert row is not None, f"{entry.subject} has a version before it was listed"
    both = row["has_standard"] and row["has_cost"]
    _change(rows, entry, status="active" if both else row["status"])


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(listed, {"id": entry.stream_id}, version=entry.version, **values)


# -- codes ------------------------------------------------------------------------------------------------------------


@codes.on("registry", "ServiceListed", ServiceListed)
def _code_listed(rows: Rows, event: ServiceListed, entry: Entry) -> None:
    if not event.proposal_id:  # the code of a proposed one was taken with the approval
        rows.insert(service_code, code=event.code, taken_by=entry.stream_id)


@codes.on("registry", "ProposalApproved", ProposalApproved)
def _code_approved(rows: Rows, event: ProposalApproved, entry: Entry) -> None:
    rows.insert(service_code, code=event.code, taken_by=entry.stream_id)


# -- calculations -----------------------------------------------------------------------------------------------------


@calculations.on("registry", "CostCalculated", CostCalculated)
def _calculated(rows: Rows, event: CostCalculated, entry: Entry) -> None:
    rows.insert(
        calculation_made,
        id=entry.stream_id, number=event.number, code=event.code, made_at=entry.time, said=entry.data,
    )  # fmt: skip


# -- proposals --------------------------------------------------------------------------------------------------------


@proposals.on("registry", "ServiceProposed", ServiceProposed)
def _proposed(rows: Rows, event: ServiceProposed, entry: Entry) -> None:
    rows.put(
        proposal,
        {"id": entry.stream_id},
        version=entry.version,
        number=event.number,
        status="submitted",
        provider_id=event.provider_id,
        revision=event.revision,
        name=entry.data["name"],
        proposed={name: entry.data[name] for name in Proposed.model_fields},
        cost_kopecks=event.cost_kopecks,
        proposed_at=entry.time,
        **_term(entry),
    )
    _keep(rows, entry, {name: value for name, value in entry.data.items() if name not in Proposed.model_fields})


@proposals.on("registry", "ExpertsAsked", ExpertsAsked)
def _experts_asked(rows: Rows, event: ExpertsAsked, entry: Entry) -> None:
    row = rows.get(proposal, {"id": entry.stream_id})
    assert row is not None, f"{entry.subject} has experts before it was made"
    experts = [*row["experts"], *event.experts]
    rows.change(proposal, {"id": entry.stream_id}, version=entry.version, experts=experts)


@proposals.on("registry", "OpinionGiven", OpinionGiven)
def _opinion_given(rows: Rows, event: OpinionGiven, entry: Entry) -> None:
    rows.change(proposal, {"id": entry.stream_id}, version=entry.version)
    _keep(rows, entry, entry.data)


def _mover(status: str) -> Any:
    def move(rows: Rows, event: Event, entry: Entry) -> None:
        code = {"code": entry.data["code"]} if "code" in entry.data else {}
        rows.change(proposal, {"id": entry.stream_id}, version=entry.version, status=status, **_term(entry), **code)
        _keep(rows, entry, entry.data)

    return move


for _type, _status in (
    (ProposalReturned, "returned"),
    (ProposalRefused, "refused"),
    (ProposalApproved, "approved"),
    (ProposalWithdrawn, "withdrawn"),
):
    proposals.on("registry", _type.__name__, _type)(_mover(_status))


def _term(entry: Entry) -> dict[str, Any]:
    return {"term": entry.data.get("term") or "", "term_until": entry.data.get("until")}


def _keep(rows: Rows, entry: Entry, details: dict[str, Any]) -> None:
    rows.insert(
        proposal_step,
        proposal_id=entry.stream_id,
        version=entry.version,
        event=entry.name,
        at=entry.time,
        actor=entry.actor,
        details=details,
    )

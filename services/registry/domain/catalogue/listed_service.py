"""A service of the region's catalogue: its standard and its normative cost, each in versions with their own periods.

    new ─▶ drafted ─▶ active ─▶ closed          active once a standard and a cost were approved

Kept here: who prepared a version doesn't approve it (four eyes); a new version begins after the day of its approval and
after the one before it, so what held on a day that has come never changes (`values.check_period`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from kernel.aggregate import NEW, SYSTEM, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import Refusal, require
from services.registry.domain.card import TERRITORY_UNKNOWN, FormOfService, ServiceKind
from services.registry.domain.catalogue.values import (
    LAW,
    Line,
    Norm,
    ServiceCode,
    Standard,
    Version,
    Words,
    check_period,
    service_id,
)
from services.registry.domain.terms import local_day

OWN_WORK = Refusal(
    "four_eyes",
    "Утверждает не тот, кто готовил.",
    "Who prepared it doesn't approve it.",
    "four eyes",
    kind="forbidden",
)
UNIT_UNKNOWN = Refusal(
    "unit_unknown",
    "Единицы «{given}» нет в настройках региона. Есть: {known}.",
    "The region's configuration has no unit “{given}”. There are: {known}.",
    "region/catalogue.toml",
    kind="invalid",
)
CATEGORY_UNKNOWN = Refusal(
    "category_unknown",
    "Категории получателей «{given}» нет в настройках региона. Есть: {known}.",
    "The region's configuration has no category of recipients “{given}”. There are: {known}.",
    "region/catalogue.toml",
    kind="invalid",
)
COEFFICIENT_ZERO = Refusal(
    "coefficient_zero",
    "Коэффициент для «{given}» равен нулю.",
    "The coefficient of “{given}” is zero.",
    LAW,
    kind="invalid",
)
NO_SUCH_DRAFT = Refusal(
    "draft_version_unknown",
    "Версия {given} не готовилась или её заменила другая. Ждёт утверждения: {waiting}.",
    "Version {given} was not prepared, or another replaced it. Waiting for approval: {waiting}.",
)
CODE_TAKEN = Refusal(
    "service_code_taken", "Услуга с таким кодом уже есть в каталоге.", "The catalogue has a service with this code."
)
CLOSES_TOO_EARLY = Refusal(
    "closes_too_early",
    "Услуга закрывается не раньше {earliest}.",
    "The service closes on {earliest} at the earliest.",
    kind="invalid",
)
UnitsPerPlace = Annotated[int, Field(strict=True, gt=0, le=100_000)]


# -- events -----------------------------------------------------------------------------------------------------------


class ServiceListed(Event):
    """`units_per_place`: how many units one place of the form delivers in a year. `proposal_id`: who it came from."""

    code: str
    kind: ServiceKind
    form: FormOfService
    unit: str
    name: Words
    units_per_place: int | None = None
    proposal_id: str = ""


class StandardPrepared(Event, readers="auditor"):
    code: str
    number: int
    standard: Standard
    valid_from: date
    valid_to: date | None
    prepared_by: str


class StandardApproved(Event):
    """The whole of the version, so that who reads it needs no other event."""

    code: str
    number: int
    standard: Standard
    valid_from: date
    valid_to: date | None
    day: str
    region_version: str


class CostPrepared(Event, readers="auditor"):
    code: str
    number: int
    norm: Norm
    valid_from: date
    valid_to: date | None
    prepared_by: str


class CostApproved(Event):
    """The whole of the version, so that who reads it needs no other event."""

    code: str
    number: int
    norm: Norm
    valid_from: date
    valid_to: date | None
    day: str
    region_version: str


class ServiceClosed(Event):
    """From `closes_on` on nothing is calculated by it; what was calculated stays."""

    code: str
    closes_on: date
    reason: str


# -- commands ---------------------------------------------------------------------------------------------------------


class ListService(Command):
    """Put a service into the catalogue. It is used once a standard and a cost of it were approved."""

    code: ServiceCode
    kind: ServiceKind
    form: FormOfService
    unit: str
    name: Words
    units_per_place: UnitsPerPlace | None = None


class ListProposedService(ListService):
    """The service that an approved proposal asked for, with its first versions (this service's own reaction)."""

    standard: Standard
    norm: Norm
    valid_from: date
    proposal_id: Id


class PrepareStandard(Command):
    """Prepare a version of the standard; an earlier one that wasn't approved yet is replaced."""

    code: ServiceCode
    standard: Standard
    valid_from: date
    valid_to: date | None = None


class PrepareCost(Command):
    """Prepare a version of the normative cost; an earlier one that wasn't approved yet is replaced."""

    code: ServiceCode
    norm: Norm
    valid_from: date
    valid_to: date | None = None


class ApproveStandard(Command):
    code: ServiceCode
    number: int


class ApproveCost(Command):
    code: ServiceCode
    number: int


class CloseService(Command):
    code: ServiceCode
    closes_on: date
    reason: Line


# -- state and decisions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """A version that waits for somebody else's approval: a standard or a norm."""

    number: int
    prepared_by: str
    valid_from: date
    valid_to: date | None
    standard: Standard | None = None
    norm: Norm | None = None


@dataclass(frozen=True)
class ListedService:
    """`standards`, `costs`: the approved versions, oldest first."""

    status: str = NEW
    code: str = ""
    standards: tuple[Version, ...] = ()
    costs: tuple[Version, ...] = ()
    standard_draft: Draft | None = None
    cost_draft: Draft | None = None
    last_standard: int = 0
    last_cost: int = 0


listed_service = Aggregate("ListedService", ListedService)
REGISTRAR = {"registrar"}
OPEN = frozenset({"drafted", "active"})


def _stream(command: Any) -> str:
    return service_id(command.code)


def _check_unit(unit: str, rules: Any) -> None:
    require(unit in rules.units, UNIT_UNKNOWN, given=unit, known=", ".join(sorted(rules.units)))


def _check_norm(norm: Norm, rules: Any) -> None:
    for code, coefficient in {**norm.territories, **norm.categories}.items():
        require(Fraction(coefficient) > 0, COEFFICIENT_ZERO, given=code)
    for code in norm.territories:
        require(code in rules.codes, TERRITORY_UNKNOWN, given=code, known=", ".join(sorted(rules.codes)))
    for code in norm.categories:
        require(code in rules.categories, CATEGORY_UNKNOWN, given=code, known=", ".join(sorted(rules.categories)))


def _today(context: Context) -> date:
    return date.fromisoformat(local_day(context.now, context.rules.zone))


@listed_service.command(ListService, roles=REGISTRAR, states={NEW}, emits=(ServiceListed,), stream=_stream, ground=LAW)
def list_service(state: ListedService, command: ListService, context: Context) -> Decision:
    _check_unit(command.unit, context.rules)
    return decided(ServiceListed(**dict(command)), code=command.code)


@listed_service.command(
    ListProposedService,
    roles={SYSTEM},
    states={NEW},
    emits=(ServiceListed, StandardApproved, CostApproved),
    stream=_stream,
    ground=LAW,
)
def list_proposed(state: ListedService, command: ListProposedService, context: Context) -> Decision:
    """Two people decided already: the proposal's provider made it, a registrar approved it."""
    period = {"valid_from": command.valid_from, "valid_to": None}
    approved: dict[str, Any] = {
        "code": command.code, "number": 1, **period,
        "day": _today(context).isoformat(), "region_version": context.rules.version,
    }  # fmt: skip
    listed = {name: getattr(command, name) for name in ServiceListed.model_fields}
    return decided(
        ServiceListed(**listed),
        StandardApproved(standard=command.standard, **approved),
        CostApproved(norm=command.norm, **approved),
    )


@listed_service.command(
    PrepareStandard, roles=REGISTRAR, states=OPEN, emits=(StandardPrepared,), stream=_stream, ground=LAW
)
def prepare_standard(state: ListedService, command: PrepareStandard, context: Context) -> Decision:
    check_period(state.standards, command.valid_from, command.valid_to, _today(context))
    event = StandardPrepared(number=state.last_standard + 1, prepared_by=context.actor.id, **dict(command))
    return decided(event, number=event.number)


@listed_service.command(PrepareCost, roles=REGISTRAR, states=OPEN, emits=(CostPrepared,), stream=_stream, ground=LAW)
def prepare_cost(state: ListedService, command: PrepareCost, context: Context) -> Decision:
    check_period(state.costs, command.valid_from, command.valid_to, _today(context))
    _check_norm(command.norm, context.rules)
    event = CostPrepared(number=state.last_cost + 1, prepared_by=context.actor.id, **dict(command))
    return decided(event, number=event.number)


@listed_service.command(
    ApproveStandard, roles=REGISTRAR, states=OPEN, emits=(StandardApproved,), stream=_stream, ground=LAW
)
def approve_standard(state: ListedService, command: ApproveStandard, context: Context) -> Decision:
    draft, fields = _approved(state.standard_draft, state.standards, command.number, context)
    assert draft.standard is not None
    return decided(StandardApproved(code=state.code, standard=draft.standard, **fields))


@listed_service.command(ApproveCost, roles=REGISTRAR, states=OPEN, emits=(CostApproved,), stream=_stream, ground=LAW)
def approve_cost(state: ListedService, command: ApproveCost, context: Context) -> Decision:
    draft, fields = _approved(state.cost_draft, state.costs, command.number, context)
    assert draft.norm is not None
    return decided(CostApproved(code=state.code, norm=draft.norm, **fields))


def _approved(
    draft: Draft | None, versions: tuple[Version, ...], number: int, context: Context
) -> tuple[Draft, Mapping[str, Any]]:
    """The draft and what its approval says; the period is held against today again, which may be a later day."""
    waiting = draft.number if draft else "—"
    require(draft is not None and draft.number == number, NO_SUCH_DRAFT, given=number, waiting=waiting)
    assert draft is not None
    require(draft.prepared_by != context.actor.id, OWN_WORK)
    today = _today(context)
    check_period(versions, draft.valid_from, draft.valid_to, today)
    return draft, {
        "number": draft.number,
        "valid_from": draft.valid_from,
        "valid_to": draft.valid_to,
        "day": today.isoformat(),
        "region_version": context.rules.version,
    }


@listed_service.command(
    CloseService, roles=REGISTRAR, states={"active"}, emits=(ServiceClosed,), stream=_stream, ground=LAW
)
def close(state: ListedService, command: CloseService, context: Context) -> Decision:
    earliest = date.fromordinal(_today(context).toordinal() + 1)
    require(command.closes_on >= earliest, CLOSES_TOO_EARLY, earliest=earliest.isoformat())
    return decided(ServiceClosed(**dict(command)))


# -- what the events do -----------------------------------------------------------------------------------------------


@listed_service.event(ServiceListed, to="drafted")
def _listed(state: ListedService, event: ServiceListed) -> ListedService:
    return changed(state, code=event.code)


@listed_service.event(StandardPrepared)
def _standard_prepared(state: ListedService, event: StandardPrepared) -> ListedService:
    draft = Draft(event.number, event.prepared_by, event.valid_from, event.valid_to, standard=event.standard)
    return changed(state, standard_draft=draft, last_standard=event.number)


@listed_service.event(CostPrepared)
def _cost_prepared(state: ListedService, event: CostPrepared) -> ListedService:
    draft = Draft(event.number, event.prepared_by, event.valid_from, event.valid_to, norm=event.norm)
    return changed(state, cost_draft=draft, last_cost=event.number)


@listed_service.event(StandardApproved)
def _standard_approved(state: ListedService, event: StandardApproved) -> ListedService:
    versions = (*state.standards, Version(event.number, event.valid_from, event.valid_to))
    return changed(
        state, standards=versions, standard_draft=None, last_standard=event.number,
        status="active" if state.costs else state.status,
    )  # fmt: skip


@listed_service.event(CostApproved)
def _cost_approved(state: ListedService, event: CostApproved) -> ListedService:
    versions = (*state.costs, Version(event.number, event.valid_from, event.valid_to))
    return changed(
        state, costs=versions, cost_draft=None, last_cost=event.number,
        status="active" if state.standards else state.status,
    )  # fmt: skip


@listed_service.event(ServiceClosed, to="closed")
def _closed(state: ListedService, event: ServiceClosed) -> ListedService:
    return state

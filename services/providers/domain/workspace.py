"""A provider's workspace: its places by form of service, and who holds them.

    maximum ≥ funded ≥ reserved ≥ 0        free = funded − reserved

`maximum` is how many the provider can take at all, `funded` how many of those are meant for the social order,
`reserved` how many agreements hold. Only funded places are promised, so free is never negative: a request above it is
refused, and the provider can't fund fewer than are reserved.

Every request for places gets exactly one answer, PlacesReserved or PlacesRefused. A second request of an agreement that
holds its places already is answered with PlacesReserved again, and nothing more is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require

Form = Literal["home", "semi_residential", "residential", "urgent"]
MAX_PLACES = 1_000_000
EVER = frozenset({NEW, "*"})

GROUND = "442-FZ art. 13"  # a provider shows how many places there are by form, and how many are free
REGISTER = "442-FZ art. 25"  # the register of providers

FUNDED_ABOVE_MAXIMUM = Refusal(
    "places_above_maximum",
    "Оплачиваемых мест ({funded}) больше, чем всего ({maximum}).",
    "There are more funded places ({funded}) than places ({maximum}).",
    rule=GROUND,
    kind="invalid",
)
FUNDED_BELOW_RESERVED = Refusal(
    "places_below_reserved",
    "По соглашениям уже занято мест: {reserved}; оставить {funded} нельзя.",
    "Agreements hold {reserved} places already; {funded} are too few.",
    rule=GROUND,
)


class WorkspaceOpened(Event):
    provider_id: Id


class WorkspaceSuspended(Event):
    provider_id: Id
    reason: str


class WorkspaceClosed(Event):
    provider_id: Id
    reason: str


class PlacesSet(Event):
    form: Form
    maximum: int
    funded: int
    reserved: int
    free: int


class PlacesReserved(Event):
    """`attempt` is the request's; `reserved` and `free` are the form's numbers after it."""

    agreement_id: Id
    provider_id: Id
    form: Form
    places: int
    attempt: int
    reserved: int
    free: int


class PlacesRefused(Event):
    """`reason`: not_enough, voided (the agreement was), ended, suspended, closed, no_workspace, differs (the agreement
    holds another number or form already)."""

    agreement_id: Id
    provider_id: Id
    form: Form
    places: int
    attempt: int
    free: int
    reason: str


class PlacesGivenBack(Event):
    """`reserved` and `free` are the form's numbers after it."""

    agreement_id: Id
    provider_id: Id
    form: Form
    places: int
    reserved: int
    free: int
    reason: str


class OpenWorkspace(Command):
    """`id` is the provider's."""

    id: Id


class SuspendWorkspace(Command):
    id: Id
    reason: str = ""


class CloseWorkspace(Command):
    id: Id
    reason: str = ""


class SetPlaces(Command):
    """`id` is the provider's."""

    id: Id
    form: Form
    maximum: int = Field(ge=0, le=MAX_PLACES)
    funded: int = Field(ge=0, le=MAX_PLACES)


class ReservePlaces(Command):
    id: Id
    agreement_id: Id
    form: Form
    places: int = Field(ge=0, le=MAX_PLACES)
    attempt: int = 0


class GiveBackPlaces(Command):
    id: Id
    agreement_id: Id
    reason: str


@dataclass(frozen=True)
class Places:
    maximum: int = 0
    funded: int = 0


@dataclass(frozen=True)
class Held:
    """What one agreement holds."""

    form: Form
    places: int


@dataclass(frozen=True)
class Workspace:
    status: str = NEW
    places: Mapping[str, Places] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)

    def funded(self, form: str) -> int:
        return self.places[form].funded if form in self.places else 0

    def reserved(self, form: str) -> int:
        return sum(held.places for held in self.held.values() if held.form == form)

    def free(self, form: str) -> int:
        return self.funded(form) - self.reserved(form)


workspace = Aggregate("Workspace", Workspace)


@workspace.command(OpenWorkspace, roles={"system"}, states=EVER, emits=(WorkspaceOpened,), ground=REGISTER)
def open_workspace(state: Workspace, command: OpenWorkspace, context: Context) -> Decision:
    return decided() if state.status == "active" else decided(WorkspaceOpened(provider_id=context.id))


@workspace.command(SuspendWorkspace, roles={"system"}, states=EVER, emits=(WorkspaceSuspended,), ground=REGISTER)
def suspend_workspace(state: Workspace, command: SuspendWorkspace, context: Context) -> Decision:
    if state.status != "active":
        return decided()
    return decided(WorkspaceSuspended(provider_id=context.id, reason=command.reason))


@workspace.command(CloseWorkspace, roles={"system"}, states=EVER, emits=(WorkspaceClosed,), ground=REGISTER)
def close_workspace(state: Workspace, command: CloseWorkspace, context: Context) -> Decision:
    """No new places are given; those that agreements hold stay until the agreements end."""
    if state.status in (NEW, "closed"):
        return decided()
    return decided(WorkspaceClosed(provider_id=context.id, reason=command.reason))


@workspace.command(SetPlaces, roles={"provider"}, states={"active", "suspended"}, emits=(PlacesSet,), ground=GROUND)
def set_places(state: Workspace, command: SetPlaces, context: Context) -> Decision:
    require(context.actor.organisation == context.id, NOT_YOURS)
    require(command.funded <= command.maximum, FUNDED_ABOVE_MAXIMUM, funded=command.funded, maximum=command.maximum)
    reserved = state.reserved(command.form)
    require(command.funded >= reserved, FUNDED_BELOW_RESERVED, reserved=reserved, funded=command.funded)
    free = command.funded - reserved
    return decided(
        PlacesSet(form=command.form, maximum=command.maximum, funded=command.funded, reserved=reserved, free=free),
        free=free,
    )


@workspace.command(ReservePlaces, roles={"system"}, states=EVER, emits=(PlacesReserved, PlacesRefused), ground=GROUND)
def reserve_places(state: Workspace, command: ReservePlaces, context: Context) -> Decision:
    """`context.facts` is "voided" or "ended" where the agreement is over, else empty."""
    form, places = command.form, command.places
    reason = _why_not(state, command, context.facts or "")
    if reason:
        return decided(
            PlacesRefused(
                agreement_id=command.agreement_id,
                provider_id=context.id,
                form=form,
                places=places,
                attempt=command.attempt,
                free=state.free(form),
                reason=reason,
            )
        )
    more = 0 if command.agreement_id in state.held else places
    return decided(
        PlacesReserved(
            agreement_id=command.agreement_id,
            provider_id=context.id,
            form=form,
            places=places,
            attempt=command.attempt,
            reserved=state.reserved(form) + more,
            free=state.free(form) - more,
        )
    )


def _why_not(state: Workspace, command: ReservePlaces, over: str) -> str:
    if over:
        return over
    held = state.held.get(command.agreement_id)
    if held is not None:
        return "" if held == Held(command.form, command.places) else "differs"
    if state.status != "active":
        return state.status or "no_workspace"
    return "" if command.places <= state.free(command.form) else "not_enough"


@workspace.command(GiveBackPlaces, roles={"system"}, states=EVER, emits=(PlacesGivenBack,), ground=GROUND)
def give_back_places(state: Workspace, command: GiveBackPlaces, context: Context) -> Decision:
    """What the agreement holds is free again; nothing happens where it holds nothing (any more)."""
    held = state.held.get(command.agreement_id)
    if held is None:
        return decided()
    return decided(
        PlacesGivenBack(
            agreement_id=command.agreement_id,
            provider_id=context.id,
            form=held.form,
            places=held.places,
            reserved=state.reserved(held.form) - held.places,
            free=state.free(held.form) + held.places,
            reason=command.reason,
        )
    )


@workspace.event(WorkspaceOpened, to="active")
def _opened(state: Workspace, event: WorkspaceOpened) -> Workspace:
    return state


@workspace.event(WorkspaceSuspended, to="suspended")
def _suspended(state: Workspace, event: WorkspaceSuspended) -> Workspace:
    return state


@workspace.event(WorkspaceClosed, to="closed")
def _closed(state: Workspace, event: WorkspaceClosed) -> Workspace:
    return state


@workspace.event(PlacesSet)
def _set(state: Workspace, event: PlacesSet) -> Workspace:
    return changed(state, places={**state.places, event.form: Places(event.maximum, event.funded)})


@workspace.event(PlacesReserved)
def _reserved(state: Workspace, event: PlacesReserved) -> Workspace:
    return changed(state, held={**state.held, event.agreement_id: Held(event.form, event.places)})


@workspace.event(PlacesRefused)
def _refused(state: Workspace, event: PlacesRefused) -> Workspace:
    return state


@workspace.event(PlacesGivenBack)
def _given_back(state: Workspace, event: PlacesGivenBack) -> Workspace:
    return changed(state, held={key: held for key, held in state.held.items() if key != event.agreement_id})


@workspace.computes(PlacesSet)
def _numbers_set(before: Workspace, event: PlacesSet) -> Mapping[str, Any]:
    reserved = before.reserved(event.form)
    return {"reserved": reserved, "free": event.funded - reserved}


@workspace.computes(PlacesReserved)
def _numbers_reserved(before: Workspace, event: PlacesReserved) -> Mapping[str, Any]:
    return _numbers(_reserved(before, event), event.form)


@workspace.computes(PlacesGivenBack)
def _numbers_given_back(before: Workspace, event: PlacesGivenBack) -> Mapping[str, Any]:
    return _numbers(_given_back(before, event), event.form)


@workspace.computes(PlacesRefused)
def _numbers_refused(before: Workspace, event: PlacesRefused) -> Mapping[str, Any]:
    return {"free": before.free(event.form)}


def _numbers(state: Workspace, form: str) -> dict[str, int]:
    return {"reserved": state.reserved(form), "free": state.free(form)}

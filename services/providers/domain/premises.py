"""Premises and advertising surfaces that an owner offers to providers without payment.

    listed → withdrawn

An object has one owner for ever, the organisation that listed it. It can't be withdrawn while somebody holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.instants import Instant
from kernel.refusal import NOT_YOURS, Refusal, Refused, require

Kind = Literal["room", "ad_surface"]
# Degrees as text: a float has no canonical form and would not come back the same.
Degrees = Annotated[str, StringConstraints(pattern=r"^(-?\d{1,3}(\.\d{1,7})?)?$")]
GROUND = "Civil Code art. 689"  # a thing lent for use without payment

NO_OWNER = Refusal(
    "no_organisation",
    "Выставить объект может только сотрудник организации-владельца.",
    "Only staff of an organisation that owns an object can list it.",
    rule=GROUND,
    kind="forbidden",
)
WINDOW_EMPTY = Refusal(
    "window_empty",
    "Конец периода, на который выставлен объект, должен быть позже начала.",
    "The period for which the object is listed must end after it begins.",
    kind="invalid",
)
STILL_LENT = Refusal(
    "premises_lent",
    "Объект передан (договор {loan}) и снят быть не может, пока не возвращён.",
    "The object is lent (loan {loan}) and can't be withdrawn until it is back.",
    rule="Civil Code art. 699",
)


class PremisesListed(Event):
    """`latitude`, `longitude`: degrees as text, or empty; `available_from`/`_until`: the window for loans, if any."""

    owner_id: Id
    kind: Kind
    title: str
    address: str
    territory: str
    area_m2: int
    latitude: str
    longitude: str
    permitted_use: str
    accessibility: str
    available_from: Instant | None
    available_until: Instant | None


class PremisesWithdrawn(Event):
    reason: str


class ListPremises(Command):
    id: Id
    kind: Kind
    title: str = Field(default="", max_length=200)
    address: str = Field(min_length=1, max_length=300)
    territory: str = Field(min_length=1, max_length=100)
    area_m2: int = Field(ge=1, le=1_000_000)
    latitude: Degrees = ""
    longitude: Degrees = ""
    permitted_use: str = Field(min_length=1, max_length=500)
    accessibility: str = Field(default="", max_length=500)
    available_from: Instant | None = None
    available_until: Instant | None = None


class WithdrawPremises(Command):
    id: Id
    reason: str = Field(min_length=3, max_length=1000)


@dataclass(frozen=True)
class Premises:
    status: str = NEW
    owner_id: str = ""
    kind: str = ""
    available_from: datetime | None = None
    available_until: datetime | None = None


premises = Aggregate("Premises", Premises)


@premises.command(ListPremises, roles={"premises_owner"}, states={NEW}, emits=(PremisesListed,), ground=GROUND)
def list_premises(state: Premises, command: ListPremises, context: Context) -> Decision:
    owner_id = context.actor.organisation
    if owner_id is None:
        raise Refused(NO_OWNER)
    begins, ends = command.available_from, command.available_until
    require(begins is None or ends is None or begins < ends, WINDOW_EMPTY)
    return decided(PremisesListed(owner_id=owner_id, **command.model_dump(exclude={"id"})))


@premises.command(
    WithdrawPremises, roles={"premises_owner"}, states={"listed"}, emits=(PremisesWithdrawn,), ground=GROUND
)
def withdraw_premises(state: Premises, command: WithdrawPremises, context: Context) -> Decision:
    """`context.facts` is the id of a living loan of this object, or None."""
    require(context.actor.organisation == state.owner_id, NOT_YOURS)
    require(context.facts is None, STILL_LENT, loan=context.facts)
    return decided(PremisesWithdrawn(reason=command.reason))


@premises.event(PremisesListed, to="listed")
def _listed(state: Premises, event: PremisesListed) -> Premises:
    return changed(
        state,
        owner_id=event.owner_id,
        kind=event.kind,
        available_from=event.available_from,
        available_until=event.available_until,
    )


@premises.event(PremisesWithdrawn, to="withdrawn")
def _withdrawn(state: Premises, event: PremisesWithdrawn) -> Premises:
    return state

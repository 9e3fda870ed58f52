"""A third toy: winding it makes due commands, which must fire once each and in order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import Field
from sqlalchemy import MetaData

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Due, Event, decided
from kernel.ids import Id
from kernel.service import On, Service


class Wound(Event):
    ticks: int


class Ticked(Event):
    number: int


class Wind(Command):
    id: Id
    ticks: int = Field(ge=1, le=100)


class Tick(Command):
    id: Id
    number: int


@dataclass(frozen=True)
class Clockwork:
    status: str = NEW
    ticked: tuple[int, ...] = ()


clockwork = Aggregate("Clockwork", Clockwork)


@clockwork.command(Wind, roles={"keeper"}, states={NEW}, emits=(Wound,))
def wind(state: Clockwork, command: Wind, context: Context) -> Decision:
    due = (Due(context.now, Tick(id=command.id, number=n)) for n in range(1, command.ticks + 1))
    return decided(Wound(ticks=command.ticks), due=due)


@clockwork.command(Tick, roles={"system"}, states={"wound"}, emits=(Ticked,))
def tick(state: Clockwork, command: Tick, context: Context) -> Decision:
    return decided(Ticked(number=command.number))


@clockwork.event(Wound, to="wound")
def _wound(state: Clockwork, event: Wound) -> Clockwork:
    return state


@clockwork.event(Ticked)
def _ticked(state: Clockwork, event: Ticked) -> Clockwork:
    return replace(state, ticked=(*state.ticked, event.number))


clockwork_metadata = MetaData(schema="clockwork")


def clockwork_service() -> Service:
    return Service(
        name="clockwork", metadata=clockwork_metadata, aggregates=(clockwork,), commands=(On(Wind), On(Tick))
    )

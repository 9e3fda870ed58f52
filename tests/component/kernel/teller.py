"""A service whose commands gather facts: it numbers what was put into boxes, by reaction, by hand and when due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection, MetaData

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Due, Event, decided
from kernel.counters import next_number
from kernel.ids import Id
from kernel.projection import Entry, Seen
from kernel.refusal import Refusal, require
from kernel.service import On, Reactions, Service, Surroundings

ODD = Refusal("odd", "Нечётное.", "Odd.")
HUGE = Refusal("huge", "Слишком большое.", "Huge.")


class Numbered(Event):
    number: int


class Number(Command):
    id: Id
    amount: int


class NumberLater(Command):
    id: Id
    amounts: tuple[int, ...]
    after_s: int = 0


class Promised(Event):
    pass


@dataclass(frozen=True)
class Slip:
    status: str = NEW
    numbers: tuple[int, ...] = ()


slip = Aggregate("Slip", Slip)


@slip.command(Number, roles={"keeper", "system"}, states={NEW, "*"}, emits=(Numbered,))
def number(state: Slip, command: Number, context: Context) -> Decision:
    require(command.amount % 2 == 0, ODD)
    return decided(Numbered(number=context.facts), number=context.facts)


@slip.command(NumberLater, roles={"keeper"}, states={NEW, "*"}, emits=(Promised,))
def number_later(state: Slip, command: NumberLater, context: Context) -> Decision:
    at = context.now + timedelta(seconds=command.after_s)
    return decided(Promised(), due=[Due(at, Number(id=command.id, amount=amount)) for amount in command.amounts])


@slip.event(Numbered, to="numbered")
def _numbered(state: Slip, event: Numbered) -> Slip:
    return replace(state, numbers=(*state.numbers, event.number))


@slip.event(Promised, to="promised")
def _promised(state: Slip, event: Promised) -> Slip:
    return state


BROKEN: list[bool] = []


def drawn(connection: Connection, command: Number, state: Slip, at: Surroundings) -> int:
    """The next number, drawn before it is known whether the command will be done; none for what is huge."""
    found = next_number(connection, "slip")
    require(command.amount < 500, HUGE)
    if BROKEN:
        raise RuntimeError("the facts can't be gathered")
    return found


class Put(Seen):
    amount: int


reactions = Reactions()


@reactions.on("box", "ThingPut", Put)
def _react(connection: Connection, event: Put, entry: Entry) -> Iterable[Command]:
    yield Number(id=entry.stream_id, amount=event.amount)


def teller_service() -> Service:
    return Service(
        name="teller",
        metadata=MetaData(schema="teller"),
        aggregates=(slip,),
        commands=(On(Number, facts=drawn), On(NumberLater)),
        reactions=reactions,
    )

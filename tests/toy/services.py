"""`box` counts what is put in and keeps a total per colour; `mirror` follows its events and answers with its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, CheckConstraint, Column, Connection, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Due, Event, decided, refused
from kernel.ids import Id
from kernel.projection import Entry, Projection, Seen
from kernel.refusal import Refusal, require
from kernel.rows import Rows
from kernel.service import On, Reactions, Service, Surroundings, query

FULL = Refusal("box_full", "Коробка полна: {held}.", "The box is full: {held}.", rule="toy rule 1")
BELOW = Refusal("below_zero", "Меньше нуля нельзя.", "Below zero.")


class BoxOpened(Event):
    colour: str


class ThingPut(Event, readers="auditor"):
    amount: int
    colour: str


class OverfullTried(Event):
    amount: int


class BoxShut(Event):
    pass


class OpenBox(Command):
    id: Id
    colour: str = Field(min_length=1, max_length=20)
    shut_after_s: int | None = None


class Put(Command):
    id: Id
    amount: int = Field(ge=-1000, le=1000)


class PutMany(Command):
    """The same thing so many times: an event for each."""

    id: Id
    amount: int = Field(ge=0, le=1000)
    times: int = Field(ge=1, le=100)


class ShutBox(Command):
    id: Id


@dataclass(frozen=True)
class Box:
    status: str = NEW
    colour: str = ""
    held: int = 0


box = Aggregate("Box", Box)


@box.command(OpenBox, roles={"keeper"}, states={NEW}, emits=(BoxOpened,), ground="toy law art. 1")
def open_box(state: Box, command: OpenBox, context: Context) -> Decision:
    due = ()
    if command.shut_after_s is not None:
        due = (Due(context.now + timedelta(seconds=command.shut_after_s), ShutBox(id=command.id)),)
    return decided(BoxOpened(colour=command.colour), due=due, colour=command.colour)


@box.command(Put, roles={"keeper", "system"}, states={"open"}, emits=(ThingPut, OverfullTried))
def put(state: Box, command: Put, context: Context) -> Decision:
    require(state.held + command.amount >= 0, BELOW)
    if state.held + command.amount > 10_000:
        return refused(FULL.having(held=state.held), OverfullTried(amount=command.amount))
    return decided(ThingPut(amount=command.amount, colour=state.colour), held=state.held + command.amount)


@box.command(PutMany, roles={"keeper"}, states={"open"}, emits=(ThingPut,))
def put_many(state: Box, command: PutMany, context: Context) -> Decision:
    return decided(*(ThingPut(amount=command.amount, colour=state.colour) for _ in range(command.times)))


@box.command(ShutBox, roles={"keeper", "system"}, states={"open"}, emits=(BoxShut,))
def shut(state: Box, command: ShutBox, context: Context) -> Decision:
    return decided(BoxShut())


@box.event(BoxOpened, to="open")
def _opened(state: Box, event: BoxOpened) -> Box:
    return replace(state, colour=event.colour)


@box.event(ThingPut)
def _put(state: Box, event: ThingPut) -> Box:
    return replace(state, held=state.held + event.amount)


@box.event(OverfullTried)
def _tried(state: Box, event: OverfullTried) -> Box:
    return state


@box.event(BoxShut, to="shut")
def _shut(state: Box, event: BoxShut) -> Box:
    return state


box_metadata = MetaData(schema="box")
total = Table(
    "total",
    box_metadata,
    Column("colour", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("amount >= 0", name="total_not_negative"),
)
totals = Projection("totals", (total,))


@totals.on("box", "ThingPut", ThingPut)
def _count(rows: Rows, event: ThingPut, entry: Entry) -> None:
    rows.add(total, {"colour": event.colour}, amount=event.amount)


class TotalOf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    colour: str


@query(TotalOf)
def total_of(connection: Connection, params: TotalOf, at: Surroundings) -> dict[str, int]:
    found = connection.exec_driver_sql("SELECT amount FROM total WHERE colour = %s", (params.colour,)).scalar()
    return {"amount": found or 0}


def box_service() -> Service:
    return Service(
        name="box",
        metadata=box_metadata,
        aggregates=(box,),
        commands=(On(OpenBox), On(Put, receipt=True), On(PutMany), On(ShutBox)),
        queries=(total_of,),
        projections=(totals,),
        constraints={"total_not_negative": BELOW},
    )


# -- mirror -----------------------------------------------------------------------------------------------------------


class Reflected(Event):
    amount: int


class Reflect(Command):
    id: Id
    amount: int


@dataclass(frozen=True)
class Image:
    status: str = NEW
    sum: int = 0


image = Aggregate("Image", Image)


@image.command(Reflect, roles={"system"}, states={NEW, "*"}, emits=(Reflected,))
def reflect(state: Image, command: Reflect, context: Context) -> Decision:
    return decided(Reflected(amount=command.amount))


@image.event(Reflected, to="seen")
def _reflected(state: Image, event: Reflected) -> Image:
    return replace(state, sum=state.sum + event.amount)


class Put_(Seen):
    amount: int


mirror_metadata = MetaData(schema="mirror")
seen_table = Table(
    "seen",
    mirror_metadata,
    Column("box_id", UUID(as_uuid=False), primary_key=True),
    Column("amount", BigInteger, nullable=False, server_default="0"),
)
seen = Projection("seen", (seen_table,))
POISON = 666


@seen.on("box", "ThingPut", Put_)
def _see(rows: Rows, event: Put_, entry: Entry) -> None:
    if event.amount == POISON and not ANTIDOTE:
        raise ValueError("poison")
    rows.add(seen_table, {"box_id": entry.stream_id}, amount=event.amount)


ANTIDOTE: list[bool] = []
mirror_reactions = Reactions()


@mirror_reactions.on("box", "ThingPut", Put_)
def _react(connection: Connection, event: Put_, entry: Entry) -> Iterable[Command]:
    yield Reflect(id=entry.stream_id, amount=event.amount)


def mirror_service() -> Service:
    return Service(
        name="mirror",
        metadata=mirror_metadata,
        aggregates=(image,),
        commands=(On(Reflect),),
        projections=(seen,),
        reactions=mirror_reactions,
    )

"""What the vault hears of `orders`, told by a service that says just those events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, decided
from kernel.ids import Id
from kernel.service import On, Service


class CompetitionDrafted(Event):
    body_id: str


class CompetitionPublished(Event):
    pass


class BiddingClosed(Event):
    standing: tuple[str, ...]


class BidsOpened(Event):
    bids: tuple[dict[str, Any], ...]


class CompetitionCancelled(Event):
    pass


class BidSubmitted(Event):
    lot_id: str
    provider_id: str


class Publish(Command):
    id: Id
    body_id: Id


class Close(Command):
    id: Id
    standing: tuple[str, ...] = ("a bid",)


class OpenBids(Command):
    id: Id
    people: tuple[str, ...]


class Cancel(Command):
    id: Id


class Submit(Command):
    id: Id
    lot_id: Id
    provider_id: Id


@dataclass(frozen=True)
class Told:
    status: str = NEW


competition = Aggregate("Competition", Told)
bid = Aggregate("Bid", Told)
OFFICER = {"officer"}


@competition.command(Publish, roles=OFFICER, states={NEW}, emits=(CompetitionDrafted, CompetitionPublished))
def publish(state: Told, command: Publish, context: Context) -> Decision:
    return decided(CompetitionDrafted(body_id=command.body_id), CompetitionPublished())


@competition.command(Close, roles=OFFICER, states={"told"}, emits=(BiddingClosed,))
def close(state: Told, command: Close, context: Context) -> Decision:
    return decided(BiddingClosed(standing=command.standing))


@competition.command(OpenBids, roles=OFFICER, states={"told"}, emits=(BidsOpened,))
def open_bids(state: Told, command: OpenBids, context: Context) -> Decision:
    return decided(BidsOpened(bids=({"bid_id": context.id, "people": list(command.people)}, {"bid_id": "other"})))


@competition.command(Cancel, roles=OFFICER, states={"told"}, emits=(CompetitionCancelled,))
def cancel(state: Told, command: Cancel, context: Context) -> Decision:
    return decided(CompetitionCancelled())


@bid.command(Submit, roles={"provider"}, states={NEW}, emits=(BidSubmitted,))
def submit(state: Told, command: Submit, context: Context) -> Decision:
    return decided(BidSubmitted(lot_id=command.lot_id, provider_id=command.provider_id))


def _told(state: Told, event: Event) -> Told:
    return state


for _type in (CompetitionDrafted, CompetitionPublished, BiddingClosed, BidsOpened, CompetitionCancelled):
    competition.event(_type, to="told")(_told)
bid.event(BidSubmitted, to="told")(_told)


def orders() -> Service:
    commands = (Publish, Close, OpenBids, Cancel, Submit)
    return Service(
        name="orders",
        metadata=MetaData(schema="orders"),
        aggregates=(competition, bid),
        commands=tuple(On(command) for command in commands),
    )

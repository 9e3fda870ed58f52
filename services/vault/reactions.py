"""Others' events that the vault acts on: who is referred to stays, whose bid is sealed needs no draft."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.ids import is_id
from kernel.projection import Entry, Seen
from kernel.service import Reactions
from services.vault.domain.draft import DestroyDraft
from services.vault.domain.person import ReferPerson

reactions = Reactions()


class NamesHead(Seen):
    head_ref: str | None = None


class OpenedBid(Seen):
    people: tuple[str, ...] = ()


class Opened(Seen):
    bids: tuple[OpenedBid, ...] = ()


class Sealed(Seen):
    lot_id: str
    provider_id: str


class Ended(Seen):
    pass


def _refer(refs: Iterable[str | None], entry: Entry) -> Iterable[Command]:
    by = f"{entry.source}.{entry.name}"
    return [ReferPerson(id=ref, by=by) for ref in dict.fromkeys(refs) if ref and is_id(ref)]


@reactions.on("registry", "ProviderApplied", NamesHead)
@reactions.on("registry", "CardChanged", NamesHead)
@reactions.on("registry", "ImportRowTaken", NamesHead)
def head_is_named(connection: Connection, event: NamesHead, entry: Entry) -> Iterable[Command]:
    return _refer([event.head_ref], entry)


@reactions.on("orders", "BidsOpened", Opened)
def bids_name_people(connection: Connection, event: Opened, entry: Entry) -> Iterable[Command]:
    return _refer([ref for bid in event.bids for ref in bid.people], entry)


@reactions.on("orders", "BidSubmitted", Sealed)
@reactions.on("orders", "BidReplaced", Sealed)
def bid_is_sealed(connection: Connection, event: Sealed, entry: Entry) -> Iterable[Command]:
    """The draft of a sealed bid is destroyed."""
    rows = connection.exec_driver_sql(
        "SELECT draft_id::text FROM draft_secret WHERE organisation = %s AND lot_id = %s",
        (event.provider_id, event.lot_id),
    )
    return [DestroyDraft(id=draft_id) for draft_id in rows.scalars()]


@reactions.on("orders", "BiddingClosed", Ended)
@reactions.on("orders", "CompetitionCancelled", Ended)
def bidding_ended(connection: Connection, event: Ended, entry: Entry) -> Iterable[Command]:
    """Nobody bids any more: what was left unsent is destroyed."""
    rows = connection.exec_driver_sql(
        "SELECT draft_id::text FROM draft_secret WHERE competition_id = %s ORDER BY draft_id", (entry.stream_id,)
    )
    return [DestroyDraft(id=draft_id) for draft_id in rows.scalars()]

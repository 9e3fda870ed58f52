"""Bids as their own bidders see them, providers as the register shows them, and what custodians have done."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from kernel.ids import Id
from kernel.projection import Entry, Projection, Seen
from kernel.rows import Rows
from services.orders.domain.bid import BidConfirmed, BidReplaced, BidSubmitted, BidWithdrawn, LateBidRefused
from services.orders.tables.competition import (
    bids_taken,
    custodian_act,
    custodian_key,
    late_bid,
    opened_key,
    own_bid,
    provider,
    provider_places,
)

CUSTODIANS = ("custodian_1", "custodian_2", "custodian_3")

SHARDS = 32

bids_projection = Projection("bids", (own_bid, bids_taken, late_bid))


def _count(rows: Rows, competition_id: str, bid_id: str, change: int) -> None:
    shard = int(bid_id[-4:], 16) % SHARDS  # an id is derived by a hash: any of its digits are evenly spread
    rows.add(bids_taken, {"competition_id": competition_id, "shard": shard}, standing=change)


@bids_projection.on("orders", "BidSubmitted", BidSubmitted)
def _submitted(rows: Rows, event: BidSubmitted, entry: Entry) -> None:
    _sealed(rows, event, entry)
    _count(rows, event.competition_id, entry.stream_id, 1)


@bids_projection.on("orders", "BidReplaced", BidReplaced)
def _sealed(rows: Rows, event: BidSubmitted | BidReplaced, entry: Entry) -> None:
    rows.put(
        own_bid,
        {"competition_id": event.competition_id, "bid_id": entry.stream_id},
        lot_id=event.lot_id,
        provider_id=event.provider_id,
        bid_version=event.bid_version,
        status="standing",
        sealed_by=event.sealed_by,
        amendment=event.amendment,
        received_at=entry.received_at,
        event_id=entry.event_id,
    )


@bids_projection.on("orders", "BidConfirmed", BidConfirmed)
def _confirmed(rows: Rows, event: BidConfirmed, entry: Entry) -> None:
    key = {"competition_id": event.competition_id, "bid_id": entry.stream_id}
    rows.change(own_bid, key, amendment=event.amendment)


@bids_projection.on("orders", "BidWithdrawn", BidWithdrawn)
def _withdrawn(rows: Rows, event: BidWithdrawn, entry: Entry) -> None:
    rows.change(own_bid, {"competition_id": event.competition_id, "bid_id": entry.stream_id}, status="withdrawn")
    _count(rows, event.competition_id, entry.stream_id, -1)


@bids_projection.on("orders", "LateBidRefused", LateBidRefused)
def _late(rows: Rows, event: LateBidRefused, entry: Entry) -> None:
    rows.insert(
        late_bid,
        competition_id=event.competition_id,
        provider_id=event.provider_id,
        lot_id=event.lot_id,
        received_at=entry.received_at,
    )


# -- the register -----------------------------------------------------------------------------------------------------

providers_projection = Projection("providers", (provider,))


class Included(Seen):
    number: str
    short_name: str
    kind: str
    territory: str
    forms: tuple[str, ...]
    service_kinds: tuple[str, ...]


class Changed(Seen):
    """Fields of the card that changed; the others are absent or null."""

    short_name: str | None = None
    kind: str | None = None
    territory: str | None = None
    forms: tuple[str, ...] | None = None
    service_kinds: tuple[str, ...] | None = None


class Plain(BaseModel):
    """Of these events only their stream matters."""


@providers_projection.on("registry", "ProviderIncluded", Included)
def _included(rows: Rows, event: Included, entry: Entry) -> None:
    rows.put(provider, {"provider_id": entry.stream_id}, status="active", **event.model_dump(mode="json"))


@providers_projection.on("registry", "CardChanged", Changed)
def _card_changed(rows: Rows, event: Changed, entry: Entry) -> None:
    values: dict[str, Any] = event.model_dump(mode="json", exclude_none=True)
    if values:
        rows.change(provider, {"provider_id": entry.stream_id}, **values)


def _now(status: str) -> Any:
    def handle(rows: Rows, event: Plain, entry: Entry) -> None:
        rows.change(provider, {"provider_id": entry.stream_id}, status=status)

    return handle


for _event, _status in (
    ("ProviderSuspended", "suspended"),
    ("ProviderRestored", "active"),
    ("ProviderExcluded", "excluded"),
    ("ProviderWithdrawn", "withdrawn"),
):
    providers_projection.on("registry", _event, Plain)(_now(_status))


# -- places: what a provider can still take ---------------------------------------------------------------------------

places_projection = Projection("places", (provider_places,))


class PlacesSet(Seen):
    form: str
    maximum: int
    reserved: int


class PlacesMoved(Seen):
    provider_id: Id
    form: str
    reserved: int


@places_projection.on("providers", "PlacesSet", PlacesSet)
def _places_set(rows: Rows, event: PlacesSet, entry: Entry) -> None:
    key = {"provider_id": entry.stream_id, "form": event.form}
    rows.put(provider_places, key, maximum=event.maximum, reserved=event.reserved)


@places_projection.on("providers", "PlacesReserved", PlacesMoved)
@places_projection.on("providers", "PlacesGivenBack", PlacesMoved)
def _places_moved(rows: Rows, event: PlacesMoved, entry: Entry) -> None:
    key = {"provider_id": event.provider_id, "form": event.form}
    rows.change(provider_places, key, reserved=event.reserved)


# -- custodians -------------------------------------------------------------------------------------------------------

custodians_projection = Projection("custodians", (custodian_key, custodian_act, opened_key))


class KeyPublished(Seen):
    competition_id: Id
    custodian: str
    public_key: str


class Released(Seen):
    competition_id: Id


class OpenedKey(Seen):
    bid_id: Id
    key: str


class KeysOpened(Seen):
    competition_id: Id
    keys: tuple[OpenedKey, ...]


def _published(rows: Rows, event: KeyPublished, entry: Entry) -> None:
    # The log's name and not the event's word says who published it.
    key = {"competition_id": event.competition_id, "custodian": entry.source}
    rows.put(custodian_key, key, public_key=event.public_key)


def _released(rows: Rows, event: Released, entry: Entry) -> None:
    rows.put(custodian_act, {"competition_id": event.competition_id, "custodian": entry.source})


def _keys_opened(rows: Rows, event: KeysOpened, entry: Entry) -> None:
    rows.put(custodian_act, {"competition_id": event.competition_id, "custodian": entry.source})
    for line in event.keys:
        rows.put(opened_key, {"competition_id": event.competition_id, "bid_id": line.bid_id, "key": line.key})


for _custodian in CUSTODIANS:
    custodians_projection.on(_custodian, "BiddingKeyPublished", KeyPublished)(_published)
    custodians_projection.on(_custodian, "LayersReleased", Released)(_released)
    custodians_projection.on(_custodian, "BidKeysOpened", KeysOpened)(_keys_opened)

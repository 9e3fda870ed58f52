"""What a custodian learns from the log: deadlines and closings, bids, and layers that the others took off."""

from __future__ import annotations

from kernel.ids import Id
from kernel.instants import Instant
from kernel.projection import Entry, Projection, Seen
from kernel.rows import Rows
from services.custodian.tables import Tables


class Deadline(Seen):
    deadline: Instant


class Standing(Seen):
    bid_id: Id
    bid_version: int


class Listed(Seen):
    standing: tuple[Standing, ...] = ()


class Closed(Listed):
    """`count`: lines of the whole list; null where `standing` is all of it."""

    count: int | None = None


class Opened(Seen):
    bid_id: Id


class KeysOpened(Seen):
    competition_id: Id
    keys: tuple[Opened, ...]


class Wraps(Seen):
    wrap_12: str
    wrap_13: str
    wrap_23: str


class Bid(Seen):
    competition_id: Id
    bid_version: int
    sealed: Wraps


class Withdrawn(Seen):
    competition_id: Id


class ReleasedLayer(Seen):
    bid_id: Id
    pair: str
    inner: str


class Released(Seen):
    competition_id: Id
    custodian: str
    layers: tuple[ReleasedLayer, ...]


def competitions(tables: Tables) -> Projection:
    """Deadlines and closings. The last deadline event counts: it is the one that must be proved, as is each part."""
    projection = Projection("competitions", (tables.competition, tables.part))

    def deadline(rows: Rows, event: Deadline, entry: Entry) -> None:
        key = {"competition_id": entry.stream_id}
        rows.put(tables.competition, key, deadline=event.deadline, deadline_event=entry.event_id)

    for name in ("CompetitionPublished", "DeadlineMoved"):
        projection.on("orders", name, Deadline)(deadline)

    @projection.on("orders", "BiddingClosed", Closed)
    def closed(rows: Rows, event: Closed, entry: Entry) -> None:
        count = len(event.standing) if event.count is None else event.count
        key = {"competition_id": entry.stream_id}
        rows.change(tables.competition, key, closed_event=entry.event_id, standing=count)
        listed(rows, event, entry)

    @projection.on("orders", "StandingBidsListed", Listed)
    def listed(rows: Rows, event: Listed, entry: Entry) -> None:
        key = {"competition_id": entry.stream_id, "event_id": entry.event_id}
        rows.put(tables.part, key, lines=len(event.standing))

    return projection


def bids(tables: Tables) -> Projection:
    """Sealed bids as they stand. The closing and a bid's own events come from one log, in its order."""
    projection = Projection("bids", (tables.bid,))

    def sealed(rows: Rows, event: Bid, entry: Entry) -> None:
        rows.put(
            tables.bid,
            {"bid_id": entry.stream_id},
            competition_id=event.competition_id,
            bid_version=event.bid_version,
            wrap_12=event.sealed.wrap_12,
            wrap_13=event.sealed.wrap_13,
            wrap_23=event.sealed.wrap_23,
            withdrawn=False,
        )

    projection.on("orders", "BidSubmitted", Bid)(sealed)
    projection.on("orders", "BidReplaced", Bid)(sealed)

    @projection.on("orders", "BidWithdrawn", Withdrawn)
    def withdrawn(rows: Rows, event: Withdrawn, entry: Entry) -> None:
        rows.change(tables.bid, {"bid_id": entry.stream_id}, withdrawn=True)

    @projection.on("orders", "BiddingClosed", Listed)
    @projection.on("orders", "StandingBidsListed", Listed)
    def listed(rows: Rows, event: Listed, entry: Entry) -> None:
        for standing in event.standing:
            rows.change(tables.bid, {"bid_id": standing.bid_id}, standing_version=standing.bid_version)

    return projection


def opened(tables: Tables, name: str) -> Projection:
    """The bids that this custodian itself has opened: it looks for those that it hasn't."""
    projection = Projection("opened", (tables.opened,))

    @projection.on(name, "BidKeysOpened", KeysOpened)
    def opened(rows: Rows, event: KeysOpened, entry: Entry) -> None:
        for key in event.keys:
            rows.put(tables.opened, {"competition_id": event.competition_id, "bid_id": key.bid_id})

    return projection


def layers(tables: Tables, name: str, number: int, others: tuple[str, ...]) -> Projection:
    """The inner boxes that other custodians uncovered for this one (pairs whose second number is this one's)."""
    projection = Projection("layers", (tables.layer,))

    def released(rows: Rows, event: Released, entry: Entry) -> None:
        for layer in event.layers:
            if layer.pair.endswith(f"-{number}"):
                key = {"bid_id": layer.bid_id, "custodian": event.custodian}
                rows.put(tables.layer, key, competition_id=event.competition_id, inner=layer.inner)

    for other in others:
        projection.on(other, "LayersReleased", Released)(released)
    return projection

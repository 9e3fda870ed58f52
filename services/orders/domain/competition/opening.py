"""The opening: by itself, as soon as two of three custodians have uncovered the keys of all standing bids.

A key is believed only after the commitment that the bidder fixed in the sealed bid; the first one that fits counts, and
whoever brought it. What was opened goes into the log, and the keys are in the custodians' logs: `open_bid` is pure, so
that a replay opens every standing bid again and sees that what was opened is what was sealed, and all of it.

A bid that can't be opened is named with a code and doesn't hold up the others; its bidder may bring the key. With two
custodians down nothing is given up: the competition waits in `closed` for them or for the bidders' own keys.

Nothing is opened before a key for everything is there, which the commitments show. Then many bids are opened in several
transactions, each of which orders the next: none takes so long that the database would think its session dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from kernel import canonical
from kernel.aggregate import Command, Context, Decision, Due, Event, changed, decided
from kernel.ids import Id
from kernel.instants import Instant
from kernel.refusal import NOT_YOURS, Refusal, Refused, require
from kernel.sealing import Sealed, check_key, from_base64, unseal
from services.orders.domain.competition.state import LAW, Bid, Code, Competition, Number, Part, competition
from services.orders.domain.formulas import exact

PATIENCE = timedelta(hours=1)
"""How long a bid that no key opens is waited for while custodians are at work."""

CHUNK = 25
"""Bids per `BidsOpened`: with 20 criteria each they stay far below an entry's limit."""

AT_ONCE = 200
"""Bids opened in one transaction."""

ENOUGH_CUSTODIANS = 2

MALFORMED = Refusal(
    "malformed_bid",
    "Содержание заявки записано не по форме: {problem}.",
    "The content of the bid is not in its form: {problem}.",
    "DOMAIN §2b",
    kind="invalid",
)
NO_KEY = Refusal("no_key", "Ни один ключ не открыл заявку.", "No key has opened the bid.")
OPEN_ALREADY = Refusal(
    "bid_open_already", "Заявка уже открыта, ключ не нужен.", "The bid is open already, no key is needed."
)


# -- one bid, purely --------------------------------------------------------------------------------------------------


class Content(Part):
    """What is sealed: canonical JSON of exactly these fields. `price_kopecks` is per unit of the lot.

    `values`: {criterion key: exact number}; `people`: references into the vault, nothing personal itself.
    """

    price_kopecks: int = Field(gt=0, le=10**12)
    volume: int = Field(gt=0, le=10**9)
    values: dict[Code, Number] = Field(default_factory=dict, max_length=20)
    text: Annotated[str, StringConstraints(max_length=20_000)] = ""
    people: tuple[Annotated[str, StringConstraints(max_length=40)], ...] = Field(default=(), max_length=20)


def associated_data(competition_id: str, lot_id: str, provider_id: str, bid_version: int) -> bytes:
    """What a sealed bid is bound to: shown as another's, for another lot or as another version it doesn't open."""
    return canonical.dumps(
        {
            "bid_version": bid_version,
            "competition_id": competition_id,
            "lot_id": lot_id,
            "provider_id": provider_id,
        }
    )


def open_bid(key: str, sealed: Mapping[str, str], associated: bytes) -> Content:
    """The content of a sealed bid under the key K (base64). Pure: a replay calls it again.

    Raises `Refused`: wrong_commitment or bad_encoding (not this bid's key), tampered, malformed_bid.
    """
    plaintext = unseal(from_base64(key), Sealed.from_dict(sealed), associated)
    try:
        canonical.loads_canonical(plaintext)
        content = Content.model_validate_json(plaintext, strict=True)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Refused(MALFORMED.having(problem=f"{place}: {first['msg']}"[:200])) from wrong
    except ValueError as wrong:
        raise Refused(MALFORMED.having(problem="JSON (RFC 8785)")) from wrong
    for value in content.values.values():
        try:
            exact(value)
        except Refused as wrong:
            raise Refused(MALFORMED.having(problem="values")) from wrong
    return content


def fits(key: str, commitment: str, associated: bytes) -> bool:
    """Whether `key` (base64) is the one that the bid's commitment fixed."""
    try:
        check_key(from_base64(key), associated, commitment)
    except Refused:
        return False
    return True


# -- events and commands ----------------------------------------------------------------------------------------------


class OpenedBid(Part):
    bid_id: Id
    lot_id: Id
    provider_id: Id
    bid_version: int
    price_kopecks: int
    volume: int
    values: dict[Code, Number]
    people: tuple[str, ...] = ()  # references into the vault, which keeps whom an event names


class FailedBid(Part):
    bid_id: Id
    code: str


class BidKeyGiven(Event):
    """The bidder's own key K, after the deadline: it secures nothing any more."""

    competition_id: Id
    bid_id: Id
    key: str


class BidsOpened(Event):
    """Several of one opening where bids are many; together they name every standing bid."""

    competition_id: Id
    opened_at: Instant
    bids: tuple[OpenedBid, ...]
    failed: tuple[FailedBid, ...]


class OpenBids(Command):
    """Look whether the keys that have come open all bids: given when each has one, and every hour by the clock."""

    id: Id


class ProvideBidKey(Command):
    """A bidder's own key K (base64) for a bid that the custodians' keys haven't opened."""

    id: Id
    bid_id: Id
    key: Annotated[str, StringConstraints(max_length=44)]


@dataclass(frozen=True)
class Found:
    """The keys that have come ({bid: keys}), what is sealed, and which custodians have acted.

    `commitments` are those of all bids that aren't open; `sealed` holds the forms of those that are opened now
    (`opened_next`, or the one whose key is given).
    """

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commitments: Mapping[str, str] = field(default_factory=dict)
    sealed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    acting: tuple[str, ...] = ()


# -- decisions --------------------------------------------------------------------------------------------------------


@competition.command(OpenBids, roles={"system"}, states={"closed", "opened"}, emits=(BidsOpened,), ground=LAW)
def open_bids(state: Competition, command: OpenBids, context: Context) -> Decision:
    assert state.closed_at is not None
    events, due = _opening(state, context.facts, context)
    if not events and state.status == "closed" and context.now >= state.closed_at + PATIENCE:
        # Custodians are down: whenever they are back, somebody has to look.
        due = (Due(context.now + PATIENCE, command),)
    return decided(*events, due=due)


@competition.command(
    ProvideBidKey,
    roles={"provider"},
    states={"closed", "opened"},
    emits=(BidKeyGiven, BidsOpened),
    ground=LAW,
)
def provide_key(state: Competition, command: ProvideBidKey, context: Context) -> Decision:
    found: Found = context.facts
    bid = state.bid(command.bid_id)
    require(bid.provider_id == context.actor.organisation, NOT_YOURS)
    require(bid.status in ("sealed", "failed"), OPEN_ALREADY)
    content = open_bid(command.key, found.sealed[bid.bid_id], _associated(bid, context))
    given = BidKeyGiven(competition_id=context.id, bid_id=bid.bid_id, key=command.key)
    if state.opened_at is not None:
        late = BidsOpened(
            competition_id=context.id, opened_at=context.now, bids=(_opened_bid(bid, content),), failed=()
        )
        return decided(given, late)
    after = changed(state, given_keys={**state.given_keys, bid.bid_id: command.key})
    events, due = _opening(after, found, context)
    return decided(given, *events, due=due)


def opened_next(state: Competition) -> tuple[Bid, ...]:
    """The bids that the next `OpenBids` opens, if it opens any."""
    return tuple(bid for bid in state.bids if bid.status == "sealed")[:AT_ONCE]


def _opening(state: Competition, found: Found, context: Context) -> tuple[list[BidsOpened], tuple[Due, ...]]:
    """The next events of the opening and what goes on after them; none while a bid may still find its key."""
    if state.opened_at is None and not _may_begin(state, found, context):
        return [], ()
    following = opened_next(state)
    lines = [_open_one(bid, state, found, context) for bid in following]
    events = [
        BidsOpened(
            competition_id=context.id,
            opened_at=context.now,
            bids=tuple(line for line in chunk if isinstance(line, OpenedBid)),
            failed=tuple(line for line in chunk if isinstance(line, FailedBid)),
        )
        for chunk in _chunks(lines)
    ]
    left = sum(bid.status == "sealed" for bid in state.bids) - len(following)
    return events, (Due(context.now, OpenBids(id=context.id)),) if left else ()


def _may_begin(state: Competition, found: Found, context: Context) -> bool:
    """Whether there is a key for every bid, or those without one have been waited for."""
    assert state.closed_at is not None
    at_work = len(found.acting) >= ENOUGH_CUSTODIANS
    if at_work and context.now >= state.closed_at + PATIENCE:
        return True
    return all(_fitting_key(bid, state, found, context) is not None for bid in state.bids)


def _fitting_key(bid: Bid, state: Competition, found: Found, context: Context) -> str | None:
    """Two keys can be made to open one ciphertext, so the commitment says which one is the bid's."""
    commitment, associated = found.commitments[bid.bid_id], _associated(bid, context)
    return next((key for key in _keys_for(bid, state, found) if fits(key, commitment, associated)), None)


def _open_one(bid: Bid, state: Competition, found: Found, context: Context) -> OpenedBid | FailedBid:
    """The bid opened, or failed for good."""
    key = _fitting_key(bid, state, found, context)
    if key is None:
        return FailedBid(bid_id=bid.bid_id, code=NO_KEY.code)
    try:
        return _opened_bid(bid, open_bid(key, found.sealed[bid.bid_id], _associated(bid, context)))
    except Refused as failure:
        return FailedBid(bid_id=bid.bid_id, code=failure.refusal.code)


def _keys_for(bid: Bid, state: Competition, found: Found) -> tuple[str, ...]:
    given = state.given_keys.get(bid.bid_id)
    return (*found.keys.get(bid.bid_id, ()), *((given,) if given else ()))


def _associated(bid: Bid, context: Context) -> bytes:
    return associated_data(context.id, bid.lot_id, bid.provider_id, bid.bid_version)


def _opened_bid(bid: Bid, content: Content) -> OpenedBid:
    return OpenedBid(
        bid_id=bid.bid_id,
        lot_id=bid.lot_id,
        provider_id=bid.provider_id,
        bid_version=bid.bid_version,
        price_kopecks=content.price_kopecks,
        volume=content.volume,
        values=content.values,
        people=content.people,
    )


def _chunks(lines: list[OpenedBid | FailedBid]) -> Iterable[list[OpenedBid | FailedBid]]:
    return (lines[start : start + CHUNK] for start in range(0, len(lines), CHUNK))


# -- what events change -----------------------------------------------------------------------------------------------


@competition.event(BidKeyGiven)
def _given(state: Competition, event: BidKeyGiven) -> Competition:
    return changed(state, given_keys={**state.given_keys, event.bid_id: event.key})


@competition.event(BidsOpened, to="opened")
def _bids_opened(state: Competition, event: BidsOpened) -> Competition:
    opened = {line.bid_id: line for line in event.bids}
    failed = {line.bid_id: line for line in event.failed}

    def after(bid: Bid) -> Bid:
        if bid.bid_id in opened:
            line = opened[bid.bid_id]
            return changed(
                bid, status="opened", price_kopecks=line.price_kopecks, volume=line.volume, values=dict(line.values)
            )
        return changed(bid, status="failed") if bid.bid_id in failed else bid

    return changed(state, opened_at=state.opened_at or event.opened_at, bids=tuple(after(bid) for bid in state.bids))

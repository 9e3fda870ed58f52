"""A custodian's key for one competition: published before bidding, its layers released after the closing, never itself.

The rules of release (DESIGN §8) are checked in `evidence.py` before this aggregate is asked: it is given the findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided, refused
from kernel.ids import Id
from kernel.refusal import Refusal

CHUNK = 80

TOO_EARLY = Refusal(
    "release_too_early",
    "Слои не раскрываются: {reason}.",
    "Layers are not released: {reason}.",
    rule="sealed until the deadline (DOMAIN §2b); two of three custodians",
)

Base64 = Annotated[str, StringConstraints(max_length=400, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]


class Layer(BaseModel):
    """The inner box of one bid: `pair` names who took the outer layer off and who may open what is left."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bid_id: Id
    pair: str
    inner: Base64


class OpenedKey(BaseModel):
    """The key K of one bid, to be checked against the bid's commitment by whoever uses it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bid_id: Id
    key: Base64


class BiddingKeyPublished(Event):
    competition_id: Id
    custodian: str
    public_key: Base64


class LayersReleased(Event):
    competition_id: Id
    custodian: str
    layers: tuple[Layer, ...]


class BidKeysOpened(Event):
    competition_id: Id
    custodian: str
    keys: tuple[OpenedKey, ...]


class ReleaseRefused(Event):
    """Somebody asked for layers before their time: logged once for each competition."""

    competition_id: Id
    custodian: str
    reason: str


class PublishBiddingKey(Command):
    id: Id
    competition_id: Id


class ReleaseLayers(Command):
    """Given by the custodian to itself when the evidence is complete; also what a hasty custodian may try by hand."""

    id: Id


class OpenKeys(Command):
    id: Id


@dataclass(frozen=True)
class CompetitionKey:
    status: str = NEW
    competition_id: str = ""
    custodian: str = ""
    public_key: str = ""
    released: int = 0
    opened: tuple[str, ...] = ()
    refusals: int = 0


@dataclass(frozen=True)
class Findings:
    """What the evidence gave: `missing` says what is still lacking ("" when all is proved)."""

    custodian: str
    missing: str = ""
    layers: tuple[Layer, ...] = ()
    keys: tuple[OpenedKey, ...] = ()


competition_key = Aggregate("CompetitionKey", CompetitionKey)


@competition_key.command(PublishBiddingKey, roles={"system"}, states={NEW}, emits=(BiddingKeyPublished,))
def publish(state: CompetitionKey, command: PublishBiddingKey, context: Context) -> Decision:
    custodian, public_key = context.facts
    return decided(
        BiddingKeyPublished(competition_id=command.competition_id, custodian=custodian, public_key=public_key)
    )


@competition_key.command(
    ReleaseLayers, roles={"system", "custodian"}, states={"published"}, emits=(LayersReleased, ReleaseRefused)
)
def release(state: CompetitionKey, command: ReleaseLayers, context: Context) -> Decision:
    found: Findings = context.facts
    if found.missing:
        refusal = TOO_EARLY.having(reason=found.missing)
        if state.refusals:
            return refused(refusal)
        return refused(
            refusal,
            ReleaseRefused(competition_id=state.competition_id, custodian=found.custodian, reason=found.missing),
        )
    chunks = [found.layers[i : i + CHUNK] for i in range(0, len(found.layers), CHUNK)] or [()]
    return decided(
        *(
            LayersReleased(competition_id=state.competition_id, custodian=found.custodian, layers=chunk)
            for chunk in chunks
        ),
        released=len(found.layers),
    )


@competition_key.command(OpenKeys, roles={"system"}, states={"published", "released"}, emits=(BidKeysOpened,))
def open_keys(state: CompetitionKey, command: OpenKeys, context: Context) -> Decision:
    found: Findings = context.facts
    if found.missing:
        return refused(TOO_EARLY.having(reason=found.missing))
    opened = set(state.opened)
    fresh = tuple(key for key in found.keys if key.bid_id not in opened)
    chunks = [fresh[i : i + CHUNK] for i in range(0, len(fresh), CHUNK)]
    return decided(
        *(BidKeysOpened(competition_id=state.competition_id, custodian=found.custodian, keys=c) for c in chunks),
        opened=len(fresh),
    )


@competition_key.event(BiddingKeyPublished, to="published")
def _published(state: CompetitionKey, event: BiddingKeyPublished) -> CompetitionKey:
    return changed(state, competition_id=event.competition_id, custodian=event.custodian, public_key=event.public_key)


@competition_key.event(LayersReleased, to="released")
def _released(state: CompetitionKey, event: LayersReleased) -> CompetitionKey:
    return changed(state, released=state.released + len(event.layers))


@competition_key.event(BidKeysOpened)
def _opened(state: CompetitionKey, event: BidKeysOpened) -> CompetitionKey:
    return changed(state, opened=state.opened + tuple(key.bid_id for key in event.keys))


@competition_key.event(ReleaseRefused)
def _refused(state: CompetitionKey, event: ReleaseRefused) -> CompetitionKey:
    return changed(state, refusals=state.refusals + 1)

"""The award: after standstill the lot's volume goes down the ranking until it is exhausted.

Each takes at most what it offered and has free capacity for (places that are neither reserved nor promised, in the
lot's unit), and nothing while the register doesn't show it as active. A winner that declines, or doesn't sign in time,
leaves its volume to the next in rank. The competition is agreed when every award's agreement is active or has come to
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kernel.aggregate import Command, Context, Decision, Due, Event, changed, decided
from kernel.ids import Id, derived_id
from services.orders.domain import scoring
from services.orders.domain.competition.closing import GRACE, CompetitionUnsuccessful, LotsUnsuccessful
from services.orders.domain.competition.state import LAW, Award, Competition, Part, competition

CHUNK = 100
"""Offers per event: 160 of them and their awards fill an entry."""

Outcome = Literal["active", "void", "declined"]


class AwardLine(Part):
    award_id: Id
    lot_id: Id
    provider_id: Id
    bid_id: Id
    volume: int
    unit_price_kopecks: int


class RankedOffer(Part):
    """What went into the allocation: offered and free volume in the lot's unit, from the first place down."""

    bid_id: Id
    offered: int
    free: int


class CompetitionAwarded(Event):
    """The awards of one lot (several events where they are many: `part` 0, 1, …).

    `volume` is what was given out by `ranked`; `unallocated` is what nobody could take. `round` counts from 1; later
    rounds give out what winners have declined.

    `first` is the place of the first of `ranked`, counted from 1: what a part leaves unallocated is the next one's
    volume, until nothing is left or nobody. In events from before there were such parts it is 0: `ranked` is the lot's
    whole ranking in each of them, and `awards` are the part's share of what follows from it.
    """

    competition_id: Id
    lot_id: Id
    round: int
    part: int
    volume: int
    ranked: tuple[RankedOffer, ...]
    awards: tuple[AwardLine, ...]
    unallocated: int
    first: int = 0


class AwardSettled(Event):
    """What became of an award's agreement."""

    competition_id: Id
    award_id: Id
    agreement_id: Id
    outcome: Outcome


class CompetitionAgreed(Event):
    competition_id: Id


class AwardCompetition(Command):
    """Due ten seconds after the end of standstill: a complaint that was received in time has been decided by then."""

    id: Id


class SettleAward(Command):
    id: Id
    award_id: Id
    agreement_id: Id
    outcome: Outcome


@dataclass(frozen=True)
class Takers:
    """What the tables say of the bidders: who isn't active in the register, and how many units who has places for.

    A provider that never said its places isn't in `capacity`: it is held to what it offered.
    """

    inactive: tuple[str, ...] = ()
    capacity: Mapping[str, int] = field(default_factory=dict)

    def less(self, awards: Iterable[AwardLine]) -> Takers:
        """After these awards: their places are promised."""
        left = dict(self.capacity)
        for award in awards:
            if award.provider_id in left:
                left[award.provider_id] = max(0, left[award.provider_id] - award.volume)
        return Takers(self.inactive, left)


# -- the computation, purely ------------------------------------------------------------------------------------------


def awards_of(
    state: Competition, competition_id: str, lot_id: str, volume: int, ranked: Sequence[RankedOffer], round_number: int
) -> tuple[tuple[AwardLine, ...], int]:
    """(awards, unallocated volume): `volume` given down `ranked`. Award ids follow from competition, bid and round."""
    given = scoring.allocate(volume, [(offer.bid_id, offer.offered, offer.free) for offer in ranked])
    bids = state.bids_by_id()
    awards = []
    for bid_id, taken in given.awards:
        bid = bids[bid_id]
        awards.append(
            AwardLine(
                award_id=derived_id("award", competition_id, bid_id, str(round_number)),
                lot_id=lot_id,
                provider_id=bid.provider_id,
                bid_id=bid_id,
                volume=taken,
                unit_price_kopecks=bid.price_kopecks,
            )
        )
    return tuple(awards), given.unallocated


def ranked_offers(state: Competition, lot_id: str, takers: Takers) -> tuple[RankedOffer, ...]:
    """The lot's offers in rank; free is what was offered, not awarded and can be done; nothing for who declined or
    isn't active."""
    awarded: dict[str, list[Award]] = {}
    for award in state.awards:
        awarded.setdefault(award.bid_id, []).append(award)
    bids, gone = state.bids_by_id(), set(takers.inactive)
    offers = []
    for bid_id in state.ranked[lot_id]:
        bid, own = bids[bid_id], awarded.get(bid_id, [])
        out = bid.provider_id in gone or any(award.outcome in ("void", "declined") for award in own)
        taken = sum(award.volume for award in own if award.outcome in ("", "active"))
        free = min(bid.volume - taken, takers.capacity.get(bid.provider_id, bid.volume))
        offers.append(RankedOffer(bid_id=bid_id, offered=bid.volume, free=0 if out else max(0, free)))
    return tuple(offers)


def _round(state: Competition, context: Context, lot_id: str, volume: int, takers: Takers) -> list[CompetitionAwarded]:
    """The events that give out `volume`; none where nobody takes any of it."""
    ranked = ranked_offers(state, lot_id, takers)
    number, left = state.rounds + 1, volume
    events: list[CompetitionAwarded] = []
    for start in range(0, len(ranked), CHUNK):
        part = ranked[start : start + CHUNK]
        awards, unallocated = awards_of(state, context.id, lot_id, left, part, number)
        events.append(
            CompetitionAwarded(
                competition_id=context.id,
                lot_id=lot_id,
                round=number,
                part=start // CHUNK,
                volume=left,
                ranked=part,
                awards=awards,
                unallocated=unallocated,
                first=start + 1,
            )
        )
        left = unallocated
        if not left:
            break
    return events if any(event.awards for event in events) else []


# -- decisions --------------------------------------------------------------------------------------------------------


@competition.command(
    AwardCompetition,
    roles={"system"},
    states={"standstill"},
    emits=(CompetitionAwarded, LotsUnsuccessful, CompetitionUnsuccessful),
    ground=LAW,
)
def award(state: Competition, command: AwardCompetition, context: Context) -> Decision:
    """`context.facts`: what the tables say of the bidders (`Takers`)."""
    assert state.standstill_until is not None
    if state.stopped_days is not None:
        return decided()  # complaints have stopped the clock; when it goes on there is another due command
    if context.now < state.standstill_until + GRACE:
        return decided(due=(Due(state.standstill_until + GRACE, command),))
    takers: Takers = context.facts
    events: list[Event] = []
    lost: list[str] = []
    for lot in state.living_lots:
        given = _round(state, context, lot.lot_id, lot.volume, takers)
        events += given
        takers = takers.less(line for event in given for line in event.awards)
        if not given:
            lost.append(lot.lot_id)
    if not lost:
        return decided(*events)
    able = any(bid.provider_id not in takers.inactive for lot_id in lost for bid in state.bids_of(lot_id, "admitted"))
    fields: dict[str, Any] = {"lot_ids": tuple(lost), "reason": "no_capacity" if able else "none_active"}
    end = LotsUnsuccessful if events else CompetitionUnsuccessful
    return decided(*events, end(competition_id=context.id, **fields))


@competition.command(
    SettleAward,
    roles={"system"},
    states={"awarded"},
    emits=(AwardSettled, CompetitionAwarded, CompetitionAgreed),
    ground=LAW,
)
def settle(state: Competition, command: SettleAward, context: Context) -> Decision:
    """`context.facts` as for AwardCompetition."""
    found = next((award for award in state.awards if award.award_id == command.award_id), None)
    if found is None or found.outcome in (command.outcome, "void", "declined"):
        return decided()
    settled = AwardSettled(
        competition_id=context.id,
        award_id=command.award_id,
        agreement_id=command.agreement_id,
        outcome=command.outcome,
    )
    after = _settled(state, settled)
    # DOMAIN §2: winner refuses → next in rank.
    declined = command.outcome == "declined"
    following = _round(after, context, found.lot_id, found.volume, context.facts) if declined else []
    if not following and all(award.outcome for award in after.awards):
        return decided(settled, CompetitionAgreed(competition_id=context.id))
    return decided(settled, *following)


@competition.computes(CompetitionAwarded)
def _awarded_again(state: Competition, event: CompetitionAwarded) -> Mapping[str, Any]:
    awards, unallocated = awards_of(state, event.competition_id, event.lot_id, event.volume, event.ranked, event.round)
    start, end = (0, None) if event.first else (event.part * CHUNK, event.part * CHUNK + CHUNK)
    return {"awards": awards[start:end], "unallocated": unallocated}


# -- what events change -----------------------------------------------------------------------------------------------


@competition.event(CompetitionAwarded, to="awarded")
def _awarded(state: Competition, event: CompetitionAwarded) -> Competition:
    fresh = tuple(
        Award(line.award_id, line.lot_id, line.provider_id, line.bid_id, line.volume, line.unit_price_kopecks)
        for line in event.awards
    )
    return changed(state, awards=(*state.awards, *fresh), rounds=max(state.rounds, event.round))


@competition.event(AwardSettled)
def _settled(state: Competition, event: AwardSettled) -> Competition:
    awards = tuple(
        changed(award, outcome=event.outcome) if award.award_id == event.award_id else award for award in state.awards
    )
    return changed(state, awards=awards)


@competition.event(CompetitionAgreed, to="agreed")
def _agreed(state: Competition, event: CompetitionAgreed) -> Competition:
    return state

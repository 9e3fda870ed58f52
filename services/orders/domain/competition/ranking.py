"""The ranking: computed by the frozen formulas as exact fractions, protocolled, and followed by standstill.

One `RankingDecided` per lot carries the inputs and the result of scoring.rank; a replay takes the inputs from the state
before the event, computes again, and compares. A lot with one admitted bid is not scored: the agreement is made at that
bid's terms (DOMAIN §2). Two kinds of flags reject nothing, but come before any ranking: an abnormally low price is
decided on by a person (low_price.py), and experts' scores that lie further apart than the region's limit are looked at
twice (second_look.py). Where the order of a lot is longer than an entry may be, it goes on in
`RankingContinued`, written by the same transaction.

Four eyes: the ranking is decided by an officer of the body who did not draft the competition, or by the commission's
chair (the first of its members). Who announced doesn't also decide who has won.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel import canonical
from kernel.aggregate import Command, Context, Decision, Due, Event, changed, decided
from kernel.ids import Id
from kernel.instants import Instant, to_text
from kernel.refusal import Refusal, require
from services.orders.domain import scoring
from services.orders.domain.competition import protocol
from services.orders.domain.competition.award import AwardCompetition
from services.orders.domain.competition.closing import GRACE
from services.orders.domain.competition.evaluation import judges
from services.orders.domain.competition.low_price import check_all_decided
from services.orders.domain.competition.remedy import ComplaintResolved, resolved
from services.orders.domain.competition.second_look import check_looked
from services.orders.domain.competition.state import (
    LAW,
    PRICE,
    Bid,
    Code,
    Competition,
    Part,
    by_own_officer,
    competition,
)
from services.orders.rules import Rules

IN_EVENT_BYTES = 40_000
"""A computation larger than this stays out of the event, which then carries its hash; the document is kept."""

ORDER_PART = 1_000
"""Places in one event: 1,400 of them fill an entry."""

NO_QUORUM = Refusal(
    "no_quorum",
    "По лоту «{lot}» полностью оценили без конфликта интересов {judges}, а кворум {quorum}.",
    "The lot “{lot}” was fully scored without a conflict of interest by {judges}, the quorum is {quorum}.",
    "region.toml quorum_evaluators",
)
FOUR_EYES = Refusal(
    "four_eyes",
    "Кто составил извещение, не подводит итог: нужен другой сотрудник или председатель комиссии.",
    "Who drafted the announcement doesn't decide: another officer or the commission's chair does.",
    "four eyes",
    kind="forbidden",
)


class Alarm(Part):
    """Experts' scores of one criterion further apart than the limit: worth a second look."""

    bid_id: Id
    criterion: Code
    lowest: int
    highest: int


class RankingDecided(Event):
    """The result for one lot. `order` holds the bids from the first place down, as many as an entry has room for.

    `inputs` and `ranking` are those of scoring.rank (`ranking.abnormally_low` flags prices), empty for a sole bid. If
    they are too large for an entry (`by_hash`), they and the alarms are in the JSON document `computed_hash` alone.
    `computed_hash` is the SHA-256 of the canonical bytes of {alarms, inputs, ranking}, `protocol_hash` that of the
    protocol (text/html).
    """

    competition_id: Id
    lot_id: Id
    decided_at: Instant
    sole: bool
    by_hash: bool
    judges: tuple[str, ...]
    inputs: dict[str, Any]
    ranking: dict[str, Any]
    computed_hash: str
    order: tuple[Id, ...]
    alarms: tuple[Alarm, ...]
    protocol_hash: str


class RankingContinued(Event):
    """A lot's order goes on: `first` is the place of the first bid here, counted from 1."""

    competition_id: Id
    lot_id: Id
    first: int
    order: tuple[Id, ...]


class StandstillBegan(Event):
    """`explanation` is how `until` was counted (kernel.calendar.Deadline)."""

    competition_id: Id
    until: Instant
    explanation: dict[str, Any]
    explained: dict[str, str]
    calendar_version: str


class DecideRanking(Command):
    id: Id


# -- the computation, purely ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LotResult:
    """Everything computed for one lot; `documents` are the bytes that its hashes name, with their media types."""

    lot_id: str
    judges: tuple[str, ...]
    inputs: Mapping[str, Any]
    ranking: Mapping[str, Any]
    order: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    computed: bytes
    protocol: bytes

    @property
    def by_hash(self) -> bool:
        return len(self.computed) > IN_EVENT_BYTES

    @property
    def documents(self) -> tuple[tuple[str, bytes], ...]:
        kept = [("text/html", self.protocol)]
        if self.by_hash:
            kept.append(("application/json", self.computed))
        return tuple(kept)

    def fields(self) -> dict[str, Any]:
        """The fields of RankingDecided that are computed."""
        return {
            "sole": len(self.order) == 1,
            "by_hash": self.by_hash,
            "judges": self.judges,
            "inputs": {} if self.by_hash else dict(self.inputs),
            "ranking": {} if self.by_hash else dict(self.ranking),
            "computed_hash": hashlib.sha256(self.computed).hexdigest(),
            "order": self.order[:ORDER_PART],
            "alarms": () if self.by_hash else self.alarms,
            "protocol_hash": hashlib.sha256(self.protocol).hexdigest(),
        }


def rank_lot(state: Competition, lot_id: str, decided_at: datetime) -> LotResult:
    """The result of a lot that has admitted bids, from the state alone. Raises `Refused` no_quorum."""
    admitted = state.bids_of(lot_id, "admitted")
    if len(admitted) == 1:
        # DOMAIN §2: one admitted bid → agreement at its terms.
        members: tuple[str, ...] = ()
        inputs: Mapping[str, Any] = {}
        ranking: Mapping[str, Any] = {}
        order: tuple[str, ...] = (admitted[0].bid_id,)
    else:
        members = _quorum(state, lot_id)
        inputs = _inputs(state, admitted, members)
        ranking = scoring.rank(inputs)
        order = tuple(row["offer"] for row in ranking["ranking"])
    alarms = _alarms(state, admitted, members)
    flagged = [alarm.model_dump() for alarm in alarms]
    computed = canonical.dumps({"alarms": flagged, "inputs": inputs, "ranking": ranking})
    paper = protocol.write(state, lot_id, decided_at, members, ranking, order, len(alarms))
    return LotResult(lot_id, members, inputs, ranking, order, alarms, computed, paper)


def _quorum(state: Competition, lot_id: str) -> tuple[str, ...]:
    members = judges(state, lot_id)
    quorum = state.frozen.quorum_evaluators
    lot = state.lot(lot_id)
    require(len(members) >= quorum, NO_QUORUM, lot=lot.title, judges=len(members), quorum=quorum)
    return members


def rank_all(state: Competition, decided_at: datetime) -> tuple[LotResult, ...]:
    """The results of all living lots, in the order of the announcement."""
    return tuple(rank_lot(state, lot.lot_id, decided_at) for lot in state.living_lots)


def _inputs(state: Competition, admitted: tuple[Bid, ...], members: tuple[str, ...]) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "criteria": [criterion.for_scoring() for criterion in state.criteria],
        "offers": [
            {"offer": bid.bid_id, "sequence": bid.arrival, "values": _values(state, bid, members)} for bid in admitted
        ],
    }
    if any(criterion.source == "price" for criterion in state.criteria):
        inputs["abnormally_low"] = {
            "criterion": PRICE,
            "below_mean_percent": state.frozen.abnormally_low_below_mean_percent,
            "below_next_percent": state.frozen.abnormally_low_below_next_percent,
        }
    return inputs


def _values(state: Competition, bid: Bid, members: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for criterion in state.criteria:
        if criterion.source == "price":
            values[criterion.key] = bid.price_kopecks
        elif criterion.source == "experts":
            values[criterion.key] = _expert_scores(state, bid, criterion.key, members)
        else:
            values[criterion.key] = bid.values[criterion.key]
    return values


def _expert_scores(state: Competition, bid: Bid, key: str, members: tuple[str, ...]) -> list[int]:
    return [state.sheets[member].scores[bid.bid_id][key] for member in members]


def _alarms(state: Competition, admitted: tuple[Bid, ...], members: tuple[str, ...]) -> tuple[Alarm, ...]:
    limit = state.frozen.spread_alarm_points
    found = []
    for bid in admitted:
        for criterion in state.criteria_of("experts"):
            scores = _expert_scores(state, bid, criterion.key, members)
            if scoring.needs_second_look(scores, limit):
                found.append(Alarm(bid_id=bid.bid_id, criterion=criterion.key, lowest=min(scores), highest=max(scores)))
    return tuple(found)


# -- the decision -----------------------------------------------------------------------------------------------------


@competition.command(
    DecideRanking,
    roles={"officer", "evaluator"},
    states={"evaluation"},
    emits=(RankingDecided, RankingContinued, ComplaintResolved, StandstillBegan),
    ground=LAW,
)
def decide(state: Competition, command: DecideRanking, context: Context) -> Decision:
    """The facts function has kept the documents that the hashes name, computed by the same functions."""
    _check_four_eyes(state, context)
    check_all_decided(state)
    check_looked(state)
    rules: Rules = context.rules
    results = rank_all(state, context.now)
    ranked = [event for result in results for event in _ranked_in_parts(result, context)]
    until = rules.calendar.add_working_days(context.now, rules.days["standstill_working_days"], rules.zone)
    standstill = StandstillBegan(
        competition_id=context.id,
        until=until.at,
        explanation=until.to_json(),
        explained={"ru": until.explain("ru"), "en": until.explain("en")},
        calendar_version=until.calendar_version,
    )
    due = (Due(until.at + GRACE, AwardCompetition(id=context.id)),)
    protocols = {event.lot_id: event.protocol_hash for event in ranked if isinstance(event, RankingDecided)}
    return decided(
        *ranked, *resolved(state, context.id), standstill, due=due, protocols=protocols, until=to_text(until.at)
    )


def _ranked_in_parts(result: LotResult, context: Context) -> list[RankingDecided | RankingContinued]:
    decided_now = RankingDecided(
        competition_id=context.id, lot_id=result.lot_id, decided_at=context.now, **result.fields()
    )
    following = [
        RankingContinued(
            competition_id=context.id,
            lot_id=result.lot_id,
            first=start + 1,
            order=result.order[start : start + ORDER_PART],
        )
        for start in range(ORDER_PART, len(result.order), ORDER_PART)
    ]
    return [decided_now, *following]


def _check_four_eyes(state: Competition, context: Context) -> None:
    if context.actor.has("evaluator") and state.evaluators[:1] == (context.actor.id,):
        return
    by_own_officer(state, context)
    require(context.actor.has("officer") and context.actor.id != state.drafted_by, FOUR_EYES)


@competition.computes(RankingDecided)
def _ranked_again(state: Competition, event: RankingDecided) -> Mapping[str, Any]:
    return rank_lot(state, event.lot_id, event.decided_at).fields()


@competition.computes(RankingContinued)
def _continued_again(state: Competition, event: RankingContinued) -> Mapping[str, Any]:
    inputs = _inputs(state, state.bids_of(event.lot_id, "admitted"), _quorum(state, event.lot_id))
    order = tuple(row["offer"] for row in scoring.rank(inputs)["ranking"])
    return {"order": order[event.first - 1 : event.first - 1 + ORDER_PART]}


@competition.event(RankingDecided, to="decided")
def _ranked(state: Competition, event: RankingDecided) -> Competition:
    return changed(state, ranked={**state.ranked, event.lot_id: event.order})


@competition.event(RankingContinued)
def _continued(state: Competition, event: RankingContinued) -> Competition:
    order = (*state.ranked[event.lot_id], *event.order)
    return changed(state, ranked={**state.ranked, event.lot_id: order})


@competition.event(StandstillBegan, to="standstill")
def _standstill(state: Competition, event: StandstillBegan) -> Competition:
    return changed(state, standstill_until=event.until)

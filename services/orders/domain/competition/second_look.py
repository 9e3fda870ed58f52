"""The second look: where the experts' scores of one criterion lie too far apart, each of them looks again, alone.

DOMAIN §2(b): a spread above the region's limit asks for a second look. The officer or the commission's chair asks for it
when all have scored; the members learn which bid and which criterion, and nobody's points. Each gives its score again,
the same or another, with a reason. Nobody is made to agree: a spread that stays is an alarm in the protocol.
"""

from __future__ import annotations

from kernel.aggregate import Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import Refusal, require
from services.orders.domain import scoring
from services.orders.domain.competition.evaluation import judges
from services.orders.domain.competition.state import (
    LAW,
    Code,
    Competition,
    Part,
    by_own_officer,
    competition,
)

CHUNK = 500
"""Scores named in one event: 600 of them fill an entry."""

NO_ALARM = Refusal(
    "no_spread_alarm",
    "Оценок с разбросом больше {limit} баллов, на которые ещё не смотрели дважды, нет.",
    "No scores lie further apart than {limit} points without a second look.",
    "region.toml spread_alarm_points",
)
LOOK_FIRST = Refusal(
    "second_look_needed",
    "Оценок с разбросом больше {limit} баллов: {left}. Сначала попросите комиссию посмотреть ещё раз.",
    "Scores further apart than {limit} points: {left}. Ask the commission for a second look first.",
    "region.toml spread_alarm_points",
)
LOOK_AWAITED = Refusal(
    "second_look_awaited",
    "Не все члены комиссии посмотрели ещё раз; осталось оценок: {left}.",
    "Not all members have looked again; scores left: {left}.",
    "region.toml spread_alarm_points",
)


class Far(Part):
    """A bid and a criterion whose scores lie too far apart: never the scores themselves."""

    bid_id: Id
    criterion: Code


class SecondLookAsked(Event):
    competition_id: Id
    scores: tuple[Far, ...]


class AskSecondLook(Command):
    id: Id


def far_apart(state: Competition) -> tuple[Far, ...]:
    """What lies further apart than the frozen limit among those who count, in the order of lots and arrival."""
    limit = state.frozen.spread_alarm_points
    return tuple(
        Far(bid_id=bid.bid_id, criterion=criterion.key)
        for lot in state.living_lots
        if len(state.bids_of(lot.lot_id, "admitted")) > 1 and (members := judges(state, lot.lot_id))
        for bid in state.bids_of(lot.lot_id, "admitted")
        for criterion in state.criteria_of("experts")
        if scoring.needs_second_look(
            [state.sheets[member].scores[bid.bid_id][criterion.key] for member in members], limit
        )
    )


def check_looked(state: Competition) -> None:
    """Refuse while a spread wasn't looked at twice by everybody whose score counts."""
    limit, far = state.frozen.spread_alarm_points, far_apart(state)
    unasked = [one for one in far if one.criterion not in state.second_looks.get(one.bid_id, {})]
    require(not unasked, LOOK_FIRST, limit=limit, left=len(unasked))
    left = 0
    for one in far:
        looked = state.second_looks[one.bid_id][one.criterion]
        left += sum(member not in looked for member in judges(state, state.bid(one.bid_id).lot_id))
    require(not left, LOOK_AWAITED, left=left)


@competition.command(
    AskSecondLook, roles={"officer", "evaluator"}, states={"evaluation"}, emits=(SecondLookAsked,), ground=LAW
)
def ask(state: Competition, command: AskSecondLook, context: Context) -> Decision:
    if not (context.actor.has("evaluator") and state.evaluators[:1] == (context.actor.id,)):
        by_own_officer(state, context)
    far = tuple(one for one in far_apart(state) if one.criterion not in state.second_looks.get(one.bid_id, {}))
    require(bool(far), NO_ALARM, limit=state.frozen.spread_alarm_points)
    asked = [
        SecondLookAsked(competition_id=context.id, scores=far[start : start + CHUNK])
        for start in range(0, len(far), CHUNK)
    ]
    return decided(*asked, scores=len(far))


@competition.event(SecondLookAsked)
def _asked(state: Competition, event: SecondLookAsked) -> Competition:
    looks = {bid_id: dict(row) for bid_id, row in state.second_looks.items()}
    for one in event.scores:
        looks.setdefault(one.bid_id, {})[one.criterion] = ()
    return changed(state, second_looks=looks)

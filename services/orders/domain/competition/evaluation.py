"""The commission: conflicts of interest first, then each member alone, unseen by the others.

A member declares with whom it has a conflict before it scores anything; in a lot where such a bidder was admitted it
scores nobody, neither that bidder nor its rivals. Scores are points 0..100 with a reason each. They may be given in
parts and changed until the ranking; until then nobody but their author sees them (`readers`).
"""

from __future__ import annotations

from pydantic import Field

from kernel.aggregate import Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import Refusal, require
from services.orders.domain.competition.state import (
    LAW,
    Code,
    Competition,
    Long,
    Part,
    Sheet,
    Text,
    competition,
)

MAX_SCORES = 60
"""Scores in one command: 60 with a comment each fit into an entry."""

MAX_CONFLICTS = 1_000
"""Bidders in one declaration: 1,400 of them fill an entry, and whoever knows more should not be in the commission."""

NOT_IN_COMMISSION = Refusal(
    "not_in_commission",
    "Вы не член комиссии этого конкурса.",
    "You are not in the commission of this competition.",
    kind="forbidden",
)
DECLARE_FIRST = Refusal(
    "declare_conflicts_first",
    "Сначала заявите, есть ли у вас конфликт интересов.",
    "Declare first whether you have a conflict of interest.",
    "DOMAIN §2: declarations first",
)
DECLARED_ALREADY = Refusal(
    "scored_already",
    "Вы уже выставили оценки; заявление о конфликте теперь не меняется.",
    "You have scored already; the declaration can't be changed now.",
)
CONFLICTED = Refusal(
    "conflict_of_interest",
    "В этом лоте участвует тот, с кем у вас конфликт интересов: вы его не оцениваете.",
    "Somebody with whom you have a conflict of interest bids for this lot: you don't score it.",
    "273-FZ art. 10",
    kind="forbidden",
)
NOT_ADMITTED = Refusal(
    "bid_not_admitted",
    "Заявка {bid_id} не допущена, её не оценивают.",
    "The bid {bid_id} was not admitted and isn't scored.",
)
NOT_FOR_EXPERTS = Refusal(
    "criterion_not_scored",
    "Критерий «{criterion}» не оценивается экспертами.",
    "The criterion “{criterion}” is not scored by experts.",
    kind="invalid",
)


class Score(Part):
    """Points 0..100 of one bid by one expert criterion, with the reason for them."""

    bid_id: Id
    criterion: Code
    score: int = Field(ge=0, le=100)
    comment: Text


class ConflictDeclared(Event):
    """`conflicted` is empty where there is no conflict: that is declared too."""

    competition_id: Id
    evaluator_id: str
    conflicted: tuple[Id, ...]
    text: str


class ScoresSubmitted(Event, readers="after:RankingDecided:competition_id"):
    competition_id: Id
    evaluator_id: str
    scores: tuple[Score, ...]


class ScoresRenewed(Event, readers="auditor"):
    """Scores given again after a result was void: the first ranking has opened the others, and must not open these."""

    competition_id: Id
    evaluator_id: str
    scores: tuple[Score, ...]


class DeclareConflicts(Command):
    id: Id
    conflicted: tuple[Id, ...] = Field(default=(), max_length=MAX_CONFLICTS)
    text: Long


class SubmitScores(Command):
    id: Id
    scores: tuple[Score, ...] = Field(min_length=1, max_length=MAX_SCORES)


@competition.command(
    DeclareConflicts,
    roles={"evaluator"},
    states={"opened", "evaluation"},
    emits=(ConflictDeclared,),
    ground="273-FZ art. 10, 11",
)
def declare(state: Competition, command: DeclareConflicts, context: Context) -> Decision:
    member = context.actor.id
    require(member in state.evaluators, NOT_IN_COMMISSION)
    sheet = state.sheets.get(member)
    # After the first score a declaration could be shaped by it.
    require(sheet is None or not sheet.scores, DECLARED_ALREADY)
    return decided(
        ConflictDeclared(
            competition_id=context.id,
            evaluator_id=member,
            conflicted=tuple(dict.fromkeys(command.conflicted)),
            text=command.text,
        )
    )


@competition.command(
    SubmitScores, roles={"evaluator"}, states={"evaluation"}, emits=(ScoresSubmitted, ScoresRenewed), ground=LAW
)
def submit(state: Competition, command: SubmitScores, context: Context) -> Decision:
    member = context.actor.id
    require(member in state.evaluators, NOT_IN_COMMISSION)
    require(member in state.sheets, DECLARE_FIRST)
    expert = {criterion.key for criterion in state.criteria_of("experts")}
    for score in command.scores:
        bid = state.bid(score.bid_id)
        require(bid.status == "admitted", NOT_ADMITTED, bid_id=bid.bid_id)
        require(score.criterion in expert, NOT_FOR_EXPERTS, criterion=score.criterion)
        require(not is_conflicted(state, member, bid.lot_id), CONFLICTED)
    given = ScoresRenewed if state.renewed else ScoresSubmitted
    return decided(given(competition_id=context.id, evaluator_id=member, scores=command.scores))


def is_conflicted(state: Competition, member: str, lot_id: str) -> bool:
    """Whether a bidder admitted to the lot is among those that the member declared."""
    conflicted = state.sheets[member].conflicted
    return any(bid.provider_id in conflicted for bid in state.bids_of(lot_id, "admitted"))


def judges(state: Competition, lot_id: str) -> tuple[str, ...]:
    """The members whose sheets count for the lot: declared, without a conflict there, every score given."""
    admitted = state.bids_of(lot_id, "admitted")
    expert = [criterion.key for criterion in state.criteria_of("experts")]
    return tuple(
        member
        for member in state.evaluators
        if member in state.sheets
        and not is_conflicted(state, member, lot_id)
        and all(key in state.sheets[member].scores.get(bid.bid_id, {}) for bid in admitted for key in expert)
    )


@competition.event(ConflictDeclared)
def _declared(state: Competition, event: ConflictDeclared) -> Competition:
    return changed(state, sheets={**state.sheets, event.evaluator_id: Sheet(conflicted=event.conflicted)})


@competition.event(ScoresSubmitted)
def _scored(state: Competition, event: ScoresSubmitted) -> Competition:
    return _given(state, event)


@competition.event(ScoresRenewed)
def _renewed(state: Competition, event: ScoresRenewed) -> Competition:
    return _given(state, event)


def _given(state: Competition, event: ScoresSubmitted | ScoresRenewed) -> Competition:
    sheet = state.sheets[event.evaluator_id]
    scores = {bid_id: dict(row) for bid_id, row in sheet.scores.items()}
    for score in event.scores:
        scores.setdefault(score.bid_id, {})[score.criterion] = score.score
    after = changed(state, sheets={**state.sheets, event.evaluator_id: changed(sheet, scores=scores)})
    return _looked_again(after, event) if state.second_looks else after


def _looked_again(state: Competition, event: ScoresSubmitted | ScoresRenewed) -> Competition:
    """A score that a second look was asked for is given again by this member, the same or another."""
    looks = {bid_id: dict(row) for bid_id, row in state.second_looks.items()}
    for score in event.scores:
        row = looks.get(score.bid_id, {})
        if event.evaluator_id not in row.get(score.criterion, (event.evaluator_id,)):
            row[score.criterion] = (*row[score.criterion], event.evaluator_id)
    return changed(state, second_looks=looks)

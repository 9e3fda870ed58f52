"""Amendments after publication: lots, requirements, criteria, title; visible, explained, and with time to think again.

DOMAIN §2(b): an amendment extends the deadline by the region's rule and marks earlier bids `to_confirm`. A bid names the
amendment that it was made after (0: none yet), so nothing has to touch the sealed bids of others. Until `confirm_until` its
bidder may confirm it, and it keeps its place in the log; after that, until the deadline, it may be replaced as ever. A bid
that is neither isn't in the closing's list: it doesn't stand, and nobody opens it.

A lot that is taken out is free for other competitions; bids for it don't stand unless it comes in again and they are
confirmed. The deadline moves by the same fact as for other reasons (`DeadlineMoved`), which custodians believe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from kernel import canonical
from kernel.aggregate import Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.instants import Instant, to_text
from kernel.refusal import Refusal, require
from services.orders.domain import scoring
from services.orders.domain.competition.announcement import (
    ANNOUNCEMENT_TOO_LARGE,
    LOT_IN_COMPETITION,
    LOT_NOT_OF_ORDER,
    ORDER_NOT_APPROVED,
    SIZE_LIMIT,
    check_apart,
    check_criteria,
)
from services.orders.domain.competition.closing import DeadlineMoved, closing_dues
from services.orders.domain.competition.state import (
    LAW,
    MAX_LOTS,
    MAX_REQUIREMENTS,
    Competition,
    CriterionLine,
    Long,
    LotLine,
    Requirement,
    Short,
    by_own_officer,
    competition,
)
from services.orders.rules import Rules

NOTHING_AMENDED = Refusal(
    "nothing_amended",
    "В извещении ничего не изменено.",
    "Nothing of the announcement is changed.",
    kind="invalid",
)
AMENDED_LATE = Refusal(
    "amended_late",
    "Срок подачи заявок {deadline} прошёл: извещение уже не меняют.",
    "The deadline {deadline} has passed: the announcement is not amended any more.",
    "DOMAIN §2: an amendment extends the deadline",
    kind="late",
)


Part = Literal["title", "lots", "requirements", "criteria"]
PARTS: tuple[Part, ...] = ("title", "lots", "requirements", "criteria")


class CompetitionAmended(Event):
    """The announcement as it is from now on; `amendment` counts from 1, `taken_out` are lots that it had before.

    `parts`: what took another form, of title, lots, requirements, criteria.
    Bids made before it are to be confirmed by `confirm_until`; both instants carry how they were counted.
    """

    competition_id: Id
    amendment: int
    reason: str
    parts: tuple[Part, ...]
    title: str
    lots: tuple[LotLine, ...]
    taken_out: tuple[Id, ...]
    requirements: tuple[Requirement, ...]
    criteria: tuple[CriterionLine, ...]
    formulas_hash: str
    confirm_until: Instant
    confirm_explanation: dict[str, Any]
    confirm_explained: dict[str, str]
    questions_until: Instant
    questions_explanation: dict[str, Any]
    calendar_version: str
    region_version: str


class AmendCompetition(Command):
    """What is left out stays as it is; what is given takes the place of the whole. `reason` is told to all."""

    id: Id
    reason: Long
    title: Short | None = None
    lot_ids: tuple[Id, ...] | None = Field(None, min_length=1, max_length=MAX_LOTS)
    requirements: tuple[Requirement, ...] | None = Field(None, max_length=MAX_REQUIREMENTS)
    criteria: tuple[CriterionLine, ...] | None = Field(None, min_length=1, max_length=20)


@dataclass(frozen=True)
class AmendBasis:
    """The rows of the wanted lots, locked: as the order has them now, and which of them live elsewhere."""

    order_status: str
    lots: tuple[LotLine, ...]
    taken: tuple[str, ...] = ()


@competition.command(
    AmendCompetition,
    roles={"officer"},
    states={"published", "open"},
    emits=(CompetitionAmended, DeadlineMoved),
    ground=LAW,
)
def amend(state: Competition, command: AmendCompetition, context: Context) -> Decision:
    """Holds the exclusive form of the bids' lock: every bid was made before the amendment or knows of it."""
    by_own_officer(state, context)
    assert state.deadline is not None
    require(context.now < state.deadline, AMENDED_LATE, deadline=to_text(state.deadline))
    after = _announcement_after(state, command, context)
    require(bool(_parts(state, after)), NOTHING_AMENDED)
    moved = _moved(state, context)
    amended = _amended(state, after, command.reason, context, moved.deadline if moved else state.deadline)
    size = len(canonical.dumps(amended.model_dump(mode="json")))
    require(size <= SIZE_LIMIT, ANNOUNCEMENT_TOO_LARGE, bytes=size, limit=SIZE_LIMIT)
    reply: dict[str, Any] = {"amendment": amended.amendment, "confirm_until": to_text(amended.confirm_until)}
    if moved is None:
        return decided(amended, **reply, deadline=to_text(state.deadline))
    due = closing_dues(context.id, moved.deadline)
    return decided(amended, moved, due=due, **reply, deadline=to_text(moved.deadline))


def _announcement_after(state: Competition, command: AmendCompetition, context: Context) -> Competition:
    """The competition as the command wants it announced; refused where it could not have been announced so."""
    requirements = state.requirements if command.requirements is None else command.requirements
    lots = state.lots
    if command.lot_ids is not None:
        lots = _wanted_lots(command.lot_ids, context.facts)
    check_apart(tuple(lot.lot_id for lot in lots), requirements, state.evaluators)
    if command.criteria is not None:
        check_criteria(command.criteria, context.rules)
    return changed(
        state,
        title=command.title or state.title,
        lots=lots,
        requirements=requirements,
        criteria=command.criteria or state.criteria,
    )


def _wanted_lots(lot_ids: tuple[str, ...], basis: AmendBasis) -> tuple[LotLine, ...]:
    require(basis.order_status == "approved", ORDER_NOT_APPROVED, state=basis.order_status)
    rows = {lot.lot_id: lot for lot in basis.lots}
    for lot_id in lot_ids:
        require(lot_id in rows, LOT_NOT_OF_ORDER, lot_id=lot_id)
        require(lot_id not in basis.taken, LOT_IN_COMPETITION)
    return tuple(rows[lot_id] for lot_id in lot_ids)


def _moved(state: Competition, context: Context) -> DeadlineMoved | None:
    """DOMAIN §2: an amendment leaves at least the region's time; a deadline that leaves it already stays."""
    rules: Rules = context.rules
    assert state.deadline is not None
    counted = rules.calendar.add_working_days(context.now, rules.days["amendment_extension_working_days"], rules.zone)
    if counted.at <= state.deadline:
        return None
    return DeadlineMoved(
        competition_id=context.id,
        deadline=counted.at,
        previous=state.deadline,
        reason="amended",
        unanswered=(),
        explanation=counted.to_json(),
        explained={"ru": counted.explain("ru"), "en": counted.explain("en")},
        calendar_version=counted.calendar_version,
    )


def _amended(
    state: Competition, after: Competition, reason: str, context: Context, deadline: Instant
) -> CompetitionAmended:
    rules: Rules = context.rules
    confirm = rules.calendar.add_working_days(context.now, rules.days["bid_confirmation_working_days"], rules.zone)
    # Whoever reads an amendment may ask about it: questions end before the deadline as it is now.
    questions = rules.calendar.working_days_before(deadline, rules.days["question_limit_working_days"], rules.zone)
    kept = {lot.lot_id for lot in after.lots}
    return CompetitionAmended(
        competition_id=context.id,
        amendment=state.amendments + 1,
        reason=reason,
        parts=_parts(state, after),
        title=after.title,
        lots=after.lots,
        taken_out=tuple(lot.lot_id for lot in state.lots if lot.lot_id not in kept),
        requirements=after.requirements,
        criteria=after.criteria,
        formulas_hash=scoring.formulas_hash([criterion.for_scoring() for criterion in after.criteria]),
        confirm_until=confirm.at,
        confirm_explanation=confirm.to_json(),
        confirm_explained={"ru": confirm.explain("ru"), "en": confirm.explain("en")},
        questions_until=questions.at,
        questions_explanation=questions.to_json(),
        calendar_version=confirm.calendar_version,
        region_version=rules.version,
    )


def _parts(before: Competition, after: Competition | CompetitionAmended) -> tuple[Part, ...]:
    return tuple(part for part in PARTS if getattr(before, part) != getattr(after, part))


@competition.computes(CompetitionAmended)
def _amended_again(state: Competition, event: CompetitionAmended) -> Mapping[str, Any]:
    kept = {lot.lot_id for lot in event.lots}
    return {
        "amendment": state.amendments + 1,
        "parts": _parts(state, event),
        "taken_out": tuple(lot.lot_id for lot in state.lots if lot.lot_id not in kept),
        "formulas_hash": scoring.formulas_hash([criterion.for_scoring() for criterion in event.criteria]),
    }


@competition.event(CompetitionAmended)
def _apply(state: Competition, event: CompetitionAmended) -> Competition:
    return changed(
        state,
        amendments=event.amendment,
        title=event.title,
        lots=event.lots,
        requirements=event.requirements,
        criteria=event.criteria,
        questions_until=event.questions_until,
    )

"""The publication: dates and formulas are fixed, and bidding opens when three custodians have published their keys.

The formulas are frozen by hash, the region's limits are copied, the deadline is held against the region's minimum
acceptance period by the working calendar; the explanation of that date goes into the event with the calendar's version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel.aggregate import Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.instants import Instant, to_text
from kernel.refusal import Refusal, require
from kernel.sealing import KEY_BYTES, SealError, from_base64
from services.orders.domain import scoring
from services.orders.domain.competition.announcement import check_criteria
from services.orders.domain.competition.closing import closing_dues
from services.orders.domain.competition.state import LAW, Competition, Limits, by_own_officer, competition
from services.orders.rules import Rules

TOO_FEW_EVALUATORS = Refusal(
    "too_few_evaluators",
    "В комиссии {named} человек, кворум региона {quorum}.",
    "The commission has {named} members, the region's quorum is {quorum}.",
    "region.toml quorum_evaluators",
    kind="invalid",
)
DEADLINE_PAST = Refusal(
    "deadline_in_past",
    "Срок подачи заявок {deadline} уже прошёл.",
    "The deadline {deadline} has passed already.",
    kind="invalid",
)
DEADLINE_EARLY = Refusal(
    "deadline_too_early",
    "Срок подачи {deadline} раньше наименьшего {earliest}. {explanation_ru}",
    "The deadline {deadline} is before the earliest, {earliest}. {explanation_en}",
    "region.toml minimum_acceptance_working_days",
    kind="invalid",
)


class CompetitionPublished(Event):
    """`deadline_explanation` is how the earliest possible deadline was counted (kernel.calendar.Deadline)."""

    competition_id: Id
    deadline: Instant
    deadline_explanation: dict[str, Any]
    explained: dict[str, str]
    calendar_version: str
    questions_until: Instant
    questions_explanation: dict[str, Any]
    formulas_hash: str
    limits: Limits
    custodians: tuple[str, ...]
    region_version: str


class BiddingOpened(Event):
    """`keys`: {custodian: its public key for this competition, base64}, what bids are sealed for."""

    competition_id: Id
    keys: dict[str, str]


class PublishCompetition(Command):
    """`deadline`: the end of acceptance; left out, it is the earliest that the region allows."""

    id: Id
    deadline: Instant | None = None


class RecordBiddingKey(Command):
    """A custodian's key has come; bidding opens with the last of the three."""

    id: Id


@competition.command(PublishCompetition, roles={"officer"}, states={"draft"}, emits=(CompetitionPublished,), ground=LAW)
def publish(state: Competition, command: PublishCompetition, context: Context) -> Decision:
    rules: Rules = context.rules
    by_own_officer(state, context)
    quorum = rules.limits["quorum_evaluators"]
    require(len(state.evaluators) >= quorum, TOO_FEW_EVALUATORS, named=len(state.evaluators), quorum=quorum)
    check_criteria(state.criteria, rules)
    calendar = rules.calendar
    earliest = calendar.add_working_days(context.now, rules.days["minimum_acceptance_working_days"], rules.zone)
    explained = {"ru": earliest.explain("ru"), "en": earliest.explain("en")}
    deadline = command.deadline or earliest.at
    require(deadline > context.now, DEADLINE_PAST, deadline=to_text(deadline))
    require(
        deadline >= earliest.at,
        DEADLINE_EARLY,
        deadline=to_text(deadline),
        earliest=to_text(earliest.at),
        explanation_ru=explained["ru"],
        explanation_en=explained["en"],
    )
    questions = calendar.working_days_before(deadline, rules.days["question_limit_working_days"], rules.zone)
    event = CompetitionPublished(
        competition_id=context.id,
        deadline=deadline,
        deadline_explanation=earliest.to_json(),
        explained=explained,
        calendar_version=earliest.calendar_version,
        questions_until=questions.at,
        questions_explanation=questions.to_json(),
        formulas_hash=scoring.formulas_hash([criterion.for_scoring() for criterion in state.criteria]),
        limits=Limits(zone=rules.zone, **{name: rules.limits[name] for name in _FROZEN}),
        custodians=rules.custodians,
        region_version=rules.version,
    )
    return decided(event, due=closing_dues(context.id, deadline), deadline=to_text(deadline), **explained)


_FROZEN = (
    "quorum_evaluators",
    "spread_alarm_points",
    "abnormally_low_below_mean_percent",
    "abnormally_low_below_next_percent",
)


@competition.computes(CompetitionPublished)
def _published_again(state: Competition, event: CompetitionPublished) -> Mapping[str, Any]:
    return {"formulas_hash": scoring.formulas_hash([criterion.for_scoring() for criterion in state.criteria])}


@competition.command(RecordBiddingKey, roles={"system"}, states={"published"}, emits=(BiddingOpened,))
def record_key(state: Competition, command: RecordBiddingKey, context: Context) -> Decision:
    """`context.facts`: {custodian: public key} of all keys that have come for this competition."""
    keys: Mapping[str, str] = context.facts
    whole = {name: keys[name] for name in state.custodians if _is_key(keys.get(name, ""))}
    # Two equal keys would let one custodian open alone (kernel.sealing refuses to seal for them).
    if len(whole) < len(state.custodians) or len(set(whole.values())) < len(whole):
        return decided()
    return decided(BiddingOpened(competition_id=context.id, keys=whole))


def _is_key(text: str) -> bool:
    try:
        return len(from_base64(text)) == KEY_BYTES
    except SealError:
        return False


# -- what events change -----------------------------------------------------------------------------------------------


@competition.event(CompetitionPublished, to="published")
def _published(state: Competition, event: CompetitionPublished) -> Competition:
    return changed(
        state,
        deadline=event.deadline,
        questions_until=event.questions_until,
        limits=event.limits,
        custodians=event.custodians,
    )


@competition.event(BiddingOpened, to="open")
def _bidding_opened(state: Competition, event: BiddingOpened) -> Competition:
    return state

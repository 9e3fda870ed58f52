"""The announcement: a draft from an approved order's lots, its publication, and the keys that open bidding.

189-FZ ch. 3: the body, lots, volume, unit, limit price, requirements, criteria with weights, and dates are told to all.
At publication the formulas are frozen by hash, the deadline is held against the region's minimum acceptance period by
the working calendar, and the explanation of that date goes into the event with the calendar's version. Bidding opens
when all three custodians have published their keys for this competition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from kernel import canonical
from kernel.aggregate import NEW, Command, Context, Decision, Event, decided
from kernel.ids import Id
from kernel.instants import Instant, to_text
from kernel.refusal import NOT_YOURS, Refusal, require
from kernel.sealing import KEY_BYTES, SealError, from_base64
from services.orders.domain import scoring
from services.orders.domain.competition.closing import closing_dues
from services.orders.domain.competition.state import (
    LAW,
    MAX_EVALUATORS,
    MAX_LOTS,
    MAX_REQUIREMENTS,
    PRICE,
    Account,
    Competition,
    CriterionLine,
    Limits,
    Long,
    LotLine,
    Requirement,
    Short,
    by_own_officer,
    competition,
)
from services.orders.rules import Rules

SIZE_LIMIT = 50_000

ORDER_NOT_APPROVED = Refusal(
    "order_not_approved",
    "Социальный заказ не утверждён: сейчас «{state}».",
    "The social order is not approved: it is “{state}”.",
    "189-FZ art. 6",
)
LOT_NOT_OF_ORDER = Refusal(
    "lot_not_of_order",
    "Лот {lot_id} не входит в этот социальный заказ.",
    "The lot {lot_id} is not of this social order.",
    kind="invalid",
)
LOT_IN_COMPETITION = Refusal(
    "lot_in_competition",
    "Объём лота уже в другом конкурсе: один объём не распределяется дважды.",
    "The lot's volume is in another competition already: no volume is given out twice.",
    "189-FZ art. 19",
)
NAMED_TWICE = Refusal("named_twice", "«{what}» названо дважды.", "“{what}” is named twice.", kind="invalid")
FORMULA_NOT_ALLOWED = Refusal(
    "formula_not_allowed",
    "Регион не допускает формулу «{formula}»; допускает: {allowed}.",
    "The region doesn't allow the formula “{formula}”; it allows: {allowed}.",
    "region.toml [formulas]",
    kind="invalid",
)
PRICE_FORMULA = Refusal(
    "price_formula",
    "Критерий «price» считается по lowest_price или price_gap: меньшая цена лучше.",
    "The criterion “price” is scored by lowest_price or price_gap: a lower price is better.",
    kind="invalid",
)
ANNOUNCEMENT_TOO_LARGE = Refusal(
    "announcement_too_large",
    "Извещение занимает {bytes} байт, предел {limit}.",
    "The announcement takes {bytes} bytes, the limit is {limit}.",
    kind="invalid",
)
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


# -- events -----------------------------------------------------------------------------------------------------------


class CompetitionDrafted(Event):
    competition_id: Id
    number: str
    order_id: Id
    body_id: Id
    body_name: str
    title: str
    year: int
    territory: str
    service_code: str
    service_name: str
    form: str
    service_kind: str
    unit: str
    lots: tuple[LotLine, ...]
    requirements: tuple[Requirement, ...]
    criteria: tuple[CriterionLine, ...]
    evaluators: tuple[str, ...]
    drafted_by: str


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


class EvaluatorsAppointed(Event):
    """Added to the commission after the draft; members are never taken away."""

    competition_id: Id
    evaluators: tuple[str, ...]


class BiddingOpened(Event):
    """`keys`: {custodian: its public key for this competition, base64}, what bids are sealed for."""

    competition_id: Id
    keys: dict[str, str]


class CompetitionCancelled(Event):
    competition_id: Id
    reason: str


# -- commands ---------------------------------------------------------------------------------------------------------


class DraftCompetition(Command):
    id: Id
    order_id: Id
    lot_ids: tuple[Id, ...] = Field(min_length=1, max_length=MAX_LOTS)
    title: Short
    requirements: tuple[Requirement, ...] = Field(default=(), max_length=MAX_REQUIREMENTS)
    criteria: tuple[CriterionLine, ...] = Field(min_length=1, max_length=20)
    evaluators: tuple[Account, ...] = Field(default=(), max_length=MAX_EVALUATORS)


class PublishCompetition(Command):
    """`deadline`: the end of acceptance; left out, it is the earliest that the region allows."""

    id: Id
    deadline: Instant | None = None


class AppointEvaluators(Command):
    id: Id
    evaluators: tuple[Account, ...] = Field(min_length=1, max_length=MAX_EVALUATORS)


class RecordBiddingKey(Command):
    """A custodian's key has come; bidding opens with the last of the three."""

    id: Id


class CancelCompetition(Command):
    id: Id
    reason: Long


# -- decisions --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DraftBasis:
    """What the order's rows say, held under their locks: the order, its lots, and which of them live elsewhere."""

    number: str
    order_status: str
    body_id: str
    body_name: str
    year: int
    territory: str
    service_code: str
    service_name: str
    form: str
    service_kind: str
    unit: str
    lots: tuple[LotLine, ...]
    taken: tuple[str, ...] = ()


@competition.command(DraftCompetition, roles={"officer"}, states={NEW}, emits=(CompetitionDrafted,), ground=LAW)
def draft(state: Competition, command: DraftCompetition, context: Context) -> Decision:
    basis: DraftBasis = context.facts
    rules: Rules = context.rules
    require(context.actor.organisation == basis.body_id, NOT_YOURS)
    require(basis.order_status == "approved", ORDER_NOT_APPROVED, state=basis.order_status)
    lots = {lot.lot_id: lot for lot in basis.lots}
    for lot_id in command.lot_ids:
        require(lot_id in lots, LOT_NOT_OF_ORDER, lot_id=lot_id)
        require(lot_id not in basis.taken, LOT_IN_COMPETITION)
    _check_apart(command)
    _check_criteria(command.criteria, rules)
    event = CompetitionDrafted(
        competition_id=context.id,
        number=basis.number,
        order_id=command.order_id,
        body_id=basis.body_id,
        body_name=basis.body_name,
        title=command.title,
        year=basis.year,
        territory=basis.territory,
        service_code=basis.service_code,
        service_name=basis.service_name,
        form=basis.form,
        service_kind=basis.service_kind,
        unit=basis.unit,
        lots=tuple(lots[lot_id] for lot_id in command.lot_ids),
        requirements=command.requirements,
        criteria=command.criteria,
        evaluators=command.evaluators,
        drafted_by=context.actor.id,
    )
    size = len(canonical.dumps(event.model_dump(mode="json")))
    require(size <= SIZE_LIMIT, ANNOUNCEMENT_TOO_LARGE, bytes=size, limit=SIZE_LIMIT)
    return decided(event, number=basis.number)


def _check_apart(command: DraftCompetition) -> None:
    codes = [requirement.code for requirement in command.requirements]
    for code in codes:
        # The machine's own checks (admission.py) are called so.
        require(not code.startswith("auto_"), NAMED_TWICE, what=code)
    for names in (command.lot_ids, codes, command.evaluators):
        for name in names:
            require(list(names).count(name) == 1, NAMED_TWICE, what=name)


def _check_criteria(criteria: tuple[CriterionLine, ...], rules: Rules) -> None:
    """Refuse criteria that no ranking could be computed from; DOMAIN §2: Σ weights = 100 per cent."""
    scoring.parse_criteria([criterion.for_scoring() for criterion in criteria])
    for criterion in criteria:
        require(
            criterion.formula in rules.formulas,
            FORMULA_NOT_ALLOWED,
            formula=criterion.formula,
            allowed=", ".join(rules.formulas),
        )
        require(criterion.key != PRICE or criterion.formula in ("lowest_price", "price_gap"), PRICE_FORMULA)


@competition.command(PublishCompetition, roles={"officer"}, states={"draft"}, emits=(CompetitionPublished,), ground=LAW)
def publish(state: Competition, command: PublishCompetition, context: Context) -> Decision:
    rules: Rules = context.rules
    by_own_officer(state, context)
    quorum = rules.limits["quorum_evaluators"]
    require(len(state.evaluators) >= quorum, TOO_FEW_EVALUATORS, named=len(state.evaluators), quorum=quorum)
    _check_criteria(state.criteria, rules)
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


@competition.command(
    AppointEvaluators,
    roles={"officer"},
    states={"draft", "published", "open", "closed", "opened", "evaluation"},
    emits=(EvaluatorsAppointed,),
    ground=LAW,
)
def appoint(state: Competition, command: AppointEvaluators, context: Context) -> Decision:
    """More members, where conflicts of interest have left a lot without a quorum."""
    by_own_officer(state, context)
    commission = (*state.evaluators, *command.evaluators)
    for name in commission:
        require(commission.count(name) == 1, NAMED_TWICE, what=name)
    require(len(commission) <= MAX_EVALUATORS, NAMED_TWICE, what=f"> {MAX_EVALUATORS}")
    return decided(EvaluatorsAppointed(competition_id=context.id, evaluators=command.evaluators))


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


@competition.command(
    CancelCompetition,
    roles={"officer"},
    states={"draft", "published", "open", "closed", "opened", "evaluation", "standstill"},
    emits=(CompetitionCancelled,),
    ground=LAW,
)
def cancel(state: Competition, command: CancelCompetition, context: Context) -> Decision:
    by_own_officer(state, context)
    return decided(CompetitionCancelled(competition_id=context.id, reason=command.reason))


# -- what events change -----------------------------------------------------------------------------------------------


@competition.event(CompetitionDrafted, to="draft")
def _drafted(state: Competition, event: CompetitionDrafted) -> Competition:
    return replace(
        state,
        number=event.number,
        order_id=event.order_id,
        body_id=event.body_id,
        title=event.title,
        drafted_by=event.drafted_by,
        form=event.form,
        service_kind=event.service_kind,
        lots=event.lots,
        requirements=event.requirements,
        criteria=event.criteria,
        evaluators=event.evaluators,
    )


@competition.event(CompetitionPublished, to="published")
def _published(state: Competition, event: CompetitionPublished) -> Competition:
    return replace(
        state,
        deadline=event.deadline,
        questions_until=event.questions_until,
        limits=event.limits,
        custodians=event.custodians,
    )


@competition.event(EvaluatorsAppointed)
def _appointed(state: Competition, event: EvaluatorsAppointed) -> Competition:
    return replace(state, evaluators=(*state.evaluators, *event.evaluators))


@competition.event(BiddingOpened, to="open")
def _bidding_opened(state: Competition, event: BiddingOpened) -> Competition:
    return state


@competition.event(CompetitionCancelled, to="cancelled")
def _cancelled(state: Competition, event: CompetitionCancelled) -> Competition:
    return state

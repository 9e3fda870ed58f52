"""The announcement as a draft: lots of an approved order, requirements, criteria, a commission.

189-FZ ch. 3: the body, lots, volume, unit, limit price, requirements, criteria with weights, and dates are told to all.
Criteria are held against the formulas and the region before anybody sees them, so that no ranking fails on them later.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from kernel import canonical
from kernel.aggregate import NEW, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain import scoring
from services.orders.domain.competition.state import (
    LAW,
    MAX_EVALUATORS,
    MAX_LOTS,
    MAX_REQUIREMENTS,
    PRICE,
    Account,
    Competition,
    CriterionLine,
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


class EvaluatorsAppointed(Event):
    """Added to the commission after the draft; members are never taken away."""

    competition_id: Id
    evaluators: tuple[str, ...]


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


class AppointEvaluators(Command):
    id: Id
    evaluators: tuple[Account, ...] = Field(min_length=1, max_length=MAX_EVALUATORS)


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
    check_apart(command.lot_ids, command.requirements, command.evaluators)
    check_criteria(command.criteria, rules)
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


def check_apart(lot_ids: tuple[str, ...], requirements: tuple[Requirement, ...], evaluators: tuple[str, ...]) -> None:
    """Refuse lots, requirements or members of the commission that are named twice, and codes that the machine uses."""
    codes = [requirement.code for requirement in requirements]
    for code in codes:
        # The machine's own checks (admission.py) are called so.
        require(not code.startswith("auto_"), NAMED_TWICE, what=code)
    for names in (lot_ids, codes, evaluators):
        for name in names:
            require(list(names).count(name) == 1, NAMED_TWICE, what=name)


def check_criteria(criteria: tuple[CriterionLine, ...], rules: Rules) -> None:
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


# -- what events change -----------------------------------------------------------------------------------------------


@competition.event(CompetitionDrafted, to="draft")
def _drafted(state: Competition, event: CompetitionDrafted) -> Competition:
    return changed(
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


@competition.event(EvaluatorsAppointed)
def _appointed(state: Competition, event: EvaluatorsAppointed) -> Competition:
    return changed(state, evaluators=(*state.evaluators, *event.evaluators))


@competition.event(CompetitionCancelled, to="cancelled")
def _cancelled(state: Competition, event: CompetitionCancelled) -> Competition:
    return changed(state, stopped_days=None)

"""A budget line: what a body may spend in a year, and what of it is reserved and obliged for agreements.

Guarantees: the limit is lowered only down to what is taken; every asking for a reservation (an agreement's `attempt`)
gets exactly one answer, `BudgetReserved` or `ReservationRefused`, however often it comes; an asking that was given up
holds nothing, also when its giving-up comes first (`ReservationBarred` remembers it, and the asking is then refused).

The stream is `derived_id("budget", body, year)`. The balances that decide are the account rows, locked (see facts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id, derived_id
from kernel.money import Kopecks, format_kopecks
from kernel.refusal import Refusal, require
from services.billing.domain.ledger import Budget, Postings, transfer

LAW = "Budget Code art. 219"

LIMIT_BELOW_TAKEN = Refusal(
    "limit_below_taken",
    "Из лимита уже занято {taken_kopecks} коп.: ниже опустить нельзя.",
    "{taken_kopecks} kopecks of the limit are taken already: it can't be lower.",
    "Budget Code art. 217",
)
LIMIT_SAME = Refusal("limit_same", "Лимит уже такой.", "The limit is so already.", kind="invalid")


def budget_id(body_id: str, year: int) -> str:
    """The stream of the budget line of a body in a year."""
    return derived_id("budget", body_id, str(year))


# -- events -----------------------------------------------------------------------------------------------------------


class Money(Event):
    """What every event of this service carries: whose budget it is, and the entry of the ledger that it makes."""

    body_id: Id
    year: int
    postings: Postings = ()


class LimitSet(Money):
    amount_kopecks: Kopecks
    reason: str
    set_by: str


class BudgetReserved(Money):
    agreement_id: Id
    attempt: int
    provider_id: Id
    amount_kopecks: Kopecks


class ReservationRefused(Money):
    """`missing_kopecks` is how much the limit would have to be raised; 0 where the asking had been given up."""

    agreement_id: Id
    attempt: int
    provider_id: Id
    amount_kopecks: Kopecks
    free_kopecks: Kopecks
    missing_kopecks: Kopecks
    code: str
    reason: str


class ReservationReleased(Money):
    agreement_id: Id
    attempt: int
    amount_kopecks: Kopecks
    cause: str


class ReservationBarred(Money):
    """The asking was given up before it came: when it comes, nothing is reserved for it."""

    agreement_id: Id
    attempt: int
    cause: str


class ObligationTaken(Money):
    agreement_id: Id
    attempt: int
    provider_id: Id
    amount_kopecks: Kopecks


class ObligationRefused(Money):
    """An agreement became active without its reservation: nothing is obliged, and somebody has to look."""

    agreement_id: Id
    attempt: int
    amount_kopecks: Kopecks
    reason: str


class ObligationReleased(Money):
    """The agreement has ended: what no act has used is free again."""

    agreement_id: Id
    attempt: int
    amount_kopecks: Kopecks
    cause: str


# -- commands ---------------------------------------------------------------------------------------------------------


class SetLimit(Command):
    """`amount_kopecks` is the new limit of the whole year, not the change."""

    body_id: Id
    year: int = Field(ge=2000, le=2200)
    amount_kopecks: Kopecks
    reason: Annotated[str, StringConstraints(min_length=5, max_length=1000, strip_whitespace=True)]


class OfAgreement(Command):
    """A command that another service's event gives; never a person."""

    body_id: Id
    year: int
    agreement_id: Id
    attempt: int


class ReserveBudget(OfAgreement):
    provider_id: Id
    amount_kopecks: Kopecks


class ReleaseReservation(OfAgreement):
    cause: str


class TakeObligation(OfAgreement):
    provider_id: Id
    amount_kopecks: Kopecks


class ReleaseObligation(OfAgreement):
    cause: str


# -- state ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """What is known of one asking: its answer or end (`status`), and its amount."""

    status: str
    amount_kopecks: int


@dataclass(frozen=True)
class BudgetFacts:
    """Balances under lock (`free`: the limit account, `obliged`: the agreement's), and the asking, if it was met."""

    free_kopecks: int
    obliged_kopecks: int = 0
    held: Held | None = None


@dataclass(frozen=True)
class BudgetLine:
    status: str = NEW
    body_id: str = ""
    year: int = 0
    limit_kopecks: int = 0


budget_line = Aggregate("BudgetLine", BudgetLine)
STATES = frozenset({NEW, "open"})


def _stream(command: SetLimit | OfAgreement) -> str:
    return budget_id(command.body_id, command.year)


# -- decisions --------------------------------------------------------------------------------------------------------


@budget_line.command(SetLimit, roles={"treasurer"}, states=STATES, emits=(LimitSet,), stream=_stream, ground=LAW)
def set_limit(state: BudgetLine, command: SetLimit, context: Context) -> Decision:
    facts: BudgetFacts = context.facts
    change = command.amount_kopecks - state.limit_kopecks
    require(change != 0, LIMIT_SAME)
    require(facts.free_kopecks + change >= 0, LIMIT_BELOW_TAKEN, taken_kopecks=state.limit_kopecks - facts.free_kopecks)
    event = LimitSet(
        body_id=command.body_id,
        year=command.year,
        amount_kopecks=command.amount_kopecks,
        reason=command.reason,
        set_by=context.actor.id,
        postings=limit_postings(Budget(command.body_id, command.year), change),
    )
    return decided(event, free_kopecks=facts.free_kopecks + change)


def limit_postings(budget: Budget, change: int) -> Postings:
    """The entry of a limit that becomes `change` kopecks larger (or smaller, where it is negative)."""
    if change >= 0:
        return transfer(budget.grant, budget.limit, change)
    return transfer(budget.limit, budget.grant, -change)


@budget_line.command(
    ReserveBudget,
    roles={"system"},
    states=STATES,
    emits=(BudgetReserved, ReservationRefused),
    stream=_stream,
    ground=LAW,
)
def reserve(state: BudgetLine, command: ReserveBudget, context: Context) -> Decision:
    facts: BudgetFacts = context.facts
    if facts.held is not None and facts.held.status != "barred":
        return decided()  # answered already
    if facts.held is not None:
        return decided(_refusal(command, facts, 0, "given_up", "Запрос отозван до ответа"))
    missing = command.amount_kopecks - facts.free_kopecks
    if missing > 0:
        reason = f"Не хватает {format_kopecks(missing)}: свободно {format_kopecks(facts.free_kopecks)}"
        return decided(_refusal(command, facts, missing, "limit_short", reason))
    budget = Budget(command.body_id, command.year)
    return decided(
        BudgetReserved(
            **command.model_dump(),
            postings=transfer(budget.limit, budget.reserved(command.agreement_id), command.amount_kopecks),
        )
    )


def _refusal(command: ReserveBudget, facts: BudgetFacts, missing: int, code: str, reason: str) -> ReservationRefused:
    return ReservationRefused(
        **command.model_dump(),
        free_kopecks=facts.free_kopecks,
        missing_kopecks=missing,
        code=code,
        reason=reason,
    )


@budget_line.command(
    ReleaseReservation,
    roles={"system"},
    states=STATES,
    emits=(ReservationReleased, ReservationBarred),
    stream=_stream,
    ground=LAW,
)
def release(state: BudgetLine, command: ReleaseReservation, context: Context) -> Decision:
    held: Held | None = context.facts.held
    if held is None:
        return decided(ReservationBarred(**command.model_dump()))
    if held.status != "reserved":
        return decided()  # nothing is held: it was refused, released or barred before
    budget = Budget(command.body_id, command.year)
    return decided(
        ReservationReleased(
            **command.model_dump(),
            amount_kopecks=held.amount_kopecks,
            postings=transfer(budget.reserved(command.agreement_id), budget.limit, held.amount_kopecks),
        )
    )


@budget_line.command(
    TakeObligation,
    roles={"system"},
    states=STATES,
    emits=(ObligationTaken, ObligationRefused),
    stream=_stream,
    ground=LAW,
)
def oblige(state: BudgetLine, command: TakeObligation, context: Context) -> Decision:
    held: Held | None = context.facts.held
    if held is not None and held.status in {"obliged", "closed"}:
        return decided()
    if held is None or held.status != "reserved" or held.amount_kopecks != command.amount_kopecks:
        found = "none" if held is None else f"{held.status} {held.amount_kopecks}"
        data = command.model_dump(exclude={"provider_id"})
        return decided(ObligationRefused(**data, reason=f"reservation: {found}"))
    budget = Budget(command.body_id, command.year)
    return decided(
        ObligationTaken(
            **command.model_dump(),
            postings=transfer(
                budget.reserved(command.agreement_id), budget.obliged(command.agreement_id), command.amount_kopecks
            ),
        )
    )


@budget_line.command(
    ReleaseObligation, roles={"system"}, states=STATES, emits=(ObligationReleased,), stream=_stream, ground=LAW
)
def release_obligation(state: BudgetLine, command: ReleaseObligation, context: Context) -> Decision:
    facts: BudgetFacts = context.facts
    if facts.held is None or facts.held.status != "obliged":
        return decided()
    budget = Budget(command.body_id, command.year)
    return decided(
        ObligationReleased(
            **command.model_dump(),
            amount_kopecks=facts.obliged_kopecks,
            postings=transfer(budget.obliged(command.agreement_id), budget.limit, facts.obliged_kopecks),
        )
    )


# -- what a replay computes again -------------------------------------------------------------------------------------


@budget_line.computes(LimitSet)
def _limit_again(state: BudgetLine, event: LimitSet) -> Mapping[str, Any]:
    return _entry(limit_postings(_budget(event), event.amount_kopecks - state.limit_kopecks))


@budget_line.computes(BudgetReserved)
def _reserved_again(state: BudgetLine, event: BudgetReserved) -> Mapping[str, Any]:
    budget = _budget(event)
    return _entry(transfer(budget.limit, budget.reserved(event.agreement_id), event.amount_kopecks))


@budget_line.computes(ReservationReleased)
def _released_again(state: BudgetLine, event: ReservationReleased) -> Mapping[str, Any]:
    budget = _budget(event)
    return _entry(transfer(budget.reserved(event.agreement_id), budget.limit, event.amount_kopecks))


@budget_line.computes(ObligationTaken)
def _obliged_again(state: BudgetLine, event: ObligationTaken) -> Mapping[str, Any]:
    budget, agreement_id = _budget(event), event.agreement_id
    return _entry(transfer(budget.reserved(agreement_id), budget.obliged(agreement_id), event.amount_kopecks))


@budget_line.computes(ObligationReleased)
def _obligation_released_again(state: BudgetLine, event: ObligationReleased) -> Mapping[str, Any]:
    budget = _budget(event)
    return _entry(transfer(budget.obliged(event.agreement_id), budget.limit, event.amount_kopecks))


def _budget(event: Money) -> Budget:
    return Budget(event.body_id, event.year)


def _entry(postings: Postings) -> Mapping[str, Any]:
    return {"postings": postings}


# -- what events change -----------------------------------------------------------------------------------------------


@budget_line.event(LimitSet, to="open")
def _limit_set(state: BudgetLine, event: LimitSet) -> BudgetLine:
    return changed(_of(state, event), limit_kopecks=event.amount_kopecks)


def _of(state: BudgetLine, event: Money) -> BudgetLine:
    return changed(state, body_id=event.body_id, year=event.year)


for _event in (
    BudgetReserved,
    ReservationRefused,
    ReservationReleased,
    ReservationBarred,
    ObligationTaken,
    ObligationRefused,
    ObligationReleased,
):
    # The line itself keeps its limit only: what is taken of it is in the accounts.
    budget_line.event(_event, to="open")(_of)

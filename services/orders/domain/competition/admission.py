"""The formal check: every opened bid against every requirement, each with its reason; no scores yet.

What a machine can tell is checked by it (in the register, form and kind of service, price within the limit, volume
within the lot, a number for each criterion); what the announcement asks of participants is checked by an officer of
the body. One requirement that isn't met rejects the bid, unless it may be corrected (correction.py). When all opened
bids are checked, evaluation begins; lots without an admitted bid have come to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from kernel.aggregate import Command, Context, Decision, Event, decided
from kernel.ids import Id
from kernel.instants import to_text
from kernel.money import format_kopecks
from kernel.refusal import Refusal, Refused, require
from services.orders.domain.competition.closing import CompetitionUnsuccessful, LotsUnsuccessful
from services.orders.domain.competition.correction import (
    CorrectionAsked,
    ask_correction,
    may_be_corrected,
    unmet_reasons,
)
from services.orders.domain.competition.low_price import JustificationAsked
from services.orders.domain.competition.low_price import ask as ask_justification
from services.orders.domain.competition.state import (
    LAW,
    MAX_REQUIREMENTS,
    Bid,
    Check,
    Competition,
    CriterionLine,
    by_own_officer,
    competition,
)
from services.orders.domain.formulas import FORMULAS
from services.orders.rules import Rules

NOT_OPENED = Refusal(
    "bid_not_opened",
    "Заявка не открыта ({state}): проверять нечего.",
    "The bid is not open ({state}): there is nothing to check.",
)
CHECKS_UNLIKE = Refusal(
    "checks_unlike_requirements",
    "Проверяется каждое требование извещения ровно один раз: {wanted}.",
    "Every requirement of the announcement is checked exactly once: {wanted}.",
    "DOMAIN §2: a reason per requirement",
    kind="invalid",
)
UNCHECKED = Refusal(
    "bids_unchecked",
    "Сначала проверьте все открытые заявки; осталось: {left}.",
    "Check every opened bid first; left: {left}.",
)
CORRECTIONS_AWAITED = Refusal(
    "corrections_awaited",
    "Заявок, исправления которых ждут до {until}: {left}.",
    "Bids whose corrections are awaited until {until}: {left}.",
    "region.toml formal_correction_hours",
)
KEYS_AWAITED = Refusal(
    "bid_keys_awaited",
    "Не все заявки открыты; участники могут дать ключ до {until}.",
    "Some bids are not open; their bidders may bring the key until {until}.",
    "region.toml formal_correction_hours",
)


class BidAdmitted(Event):
    """`bidder`: how papers name it, by its number in the register."""

    competition_id: Id
    bid_id: Id
    bidder: str
    checks: tuple[Check, ...]


class BidRejected(Event):
    competition_id: Id
    bid_id: Id
    bidder: str
    checks: tuple[Check, ...]


class EvaluationBegan(Event):
    competition_id: Id


class CheckBid(Command):
    """The officer's part: each of the announced requirements. A bid may be checked again until evaluation begins."""

    id: Id
    bid_id: Id
    checks: tuple[Check, ...] = Field(max_length=MAX_REQUIREMENTS)


class BeginEvaluation(Command):
    id: Id


@dataclass(frozen=True)
class Bidder:
    """What the register said of the bidder when it was looked at; `status` "" where it isn't known at all."""

    status: str
    label: str
    forms: tuple[str, ...]
    service_kinds: tuple[str, ...]


@competition.command(
    CheckBid,
    roles={"officer"},
    states={"opened"},
    emits=(BidAdmitted, BidRejected, CorrectionAsked),
    ground=LAW,
)
def check(state: Competition, command: CheckBid, context: Context) -> Decision:
    by_own_officer(state, context)
    bid = state.bid(command.bid_id)
    require(bid.status in ("opened", "admitted", "rejected", "corrected"), NOT_OPENED, state=bid.status)
    wanted = sorted(requirement.code for requirement in state.requirements)
    given = sorted(check.requirement for check in command.checks)
    require(given == wanted, CHECKS_UNLIKE, wanted=", ".join(wanted))
    bidder: Bidder = context.facts
    checks = (*automatic_checks(state, bid, bidder), *command.checks)
    if may_be_corrected(state, bid, checks):
        return ask_correction(bid, bidder.label, checks, context)
    kind = BidAdmitted if all(check.met for check in checks) else BidRejected
    event = kind(competition_id=context.id, bid_id=bid.bid_id, bidder=bidder.label, checks=checks)
    return decided(event, admitted=kind is BidAdmitted)


def automatic_checks(state: Competition, bid: Bid, bidder: Bidder) -> tuple[Check, ...]:
    """What a machine can tell of a bid. No announced requirement's code may begin with `auto_`."""
    lot = state.lot(bid.lot_id)
    price, limit = format_kopecks(bid.price_kopecks), format_kopecks(lot.limit_price_kopecks)
    within = f"цена {price} за единицу, предельная {limit}"
    offered = f"предложено {bid.volume}, в лоте {lot.volume}"
    return (
        Check(
            requirement="auto_register",
            met=bidder.status == "active",
            reason=f"состояние в реестре: {bidder.status or 'нет записи'}",
        ),
        Check(
            requirement="auto_form",
            met=state.form in bidder.forms,
            reason=f"форма «{state.form}», в карточке: {', '.join(bidder.forms) or 'нет'}"[:300],
        ),
        Check(
            requirement="auto_service_kind",
            met=state.service_kind in bidder.service_kinds,
            reason=f"вид услуг «{state.service_kind}», в карточке: {', '.join(bidder.service_kinds) or 'нет'}"[:300],
        ),
        Check(requirement="auto_price", met=bid.price_kopecks <= lot.limit_price_kopecks, reason=within),
        Check(requirement="auto_volume", met=0 < bid.volume <= lot.volume, reason=offered),
        _values_check(state.criteria_of("bid"), bid),
    )


def _values_check(criteria: Iterable[CriterionLine], bid: Bid) -> Check:
    wanted = {criterion.key: FORMULAS[criterion.formula] for criterion in criteria}
    missing = sorted(wanted.keys() - bid.values.keys())
    wrong = sorted(key for key, formula in wanted.items() if key in bid.values and not _reads(formula.read, bid, key))
    foreign = sorted(bid.values.keys() - wanted.keys())
    parts = [
        f"{label}: {', '.join(keys)}"
        for label, keys in (("нет показателей", missing), ("неверны", wrong), ("лишние", foreign))
        if keys
    ]
    return Check(requirement="auto_values", met=not parts, reason=("; ".join(parts) or "показатели указаны")[:300])


def _reads(read: object, bid: Bid, key: str) -> bool:
    assert callable(read)
    try:
        read(bid.values[key])
    except Refused:
        return False
    return True


@competition.command(
    BeginEvaluation,
    roles={"officer"},
    states={"opened"},
    emits=(EvaluationBegan, JustificationAsked, LotsUnsuccessful, CompetitionUnsuccessful),
    ground=LAW,
)
def begin(state: Competition, command: BeginEvaluation, context: Context) -> Decision:
    by_own_officer(state, context)
    left = [bid.bid_id for bid in state.bids if bid.status in ("opened", "corrected")]
    require(not left, UNCHECKED, left=len(left))
    awaited = [bid.correct_until for bid in state.bids if bid.status == "correcting" and bid.correct_until]
    require(not awaited, CORRECTIONS_AWAITED, left=len(awaited), until=to_text(max(awaited, default=context.now)))
    if any(bid.status in ("failed", "sealed") for bid in state.bids):
        _check_waited(state, context)
    lost = tuple(lot.lot_id for lot in state.living_lots if not state.bids_of(lot.lot_id, "admitted"))
    if len(lost) == len(state.living_lots):
        return decided(CompetitionUnsuccessful(competition_id=context.id, lot_ids=lost, reason="none_admitted"))
    began = EvaluationBegan(competition_id=context.id)
    asked = ask_justification(state, (lot.lot_id for lot in state.living_lots if lot.lot_id not in lost), context)
    if lost:
        failed = LotsUnsuccessful(competition_id=context.id, lot_ids=lost, reason="none_admitted")
        return decided(failed, began, *asked)
    return decided(began, *asked)


def _check_waited(state: Competition, context: Context) -> None:
    rules: Rules = context.rules
    assert state.opened_at is not None
    until = state.opened_at + timedelta(hours=rules.days["formal_correction_hours"])
    require(context.now >= until, KEYS_AWAITED, until=to_text(until))


@competition.event(BidAdmitted)
def _admitted(state: Competition, event: BidAdmitted) -> Competition:
    return _checked(state, event, "admitted")


@competition.event(BidRejected)
def _rejected(state: Competition, event: BidRejected) -> Competition:
    return _checked(state, event, "rejected")


def _checked(state: Competition, event: BidAdmitted | BidRejected, status: str) -> Competition:
    return state.with_bid(event.bid_id, status=status, bidder=event.bidder, reasons=unmet_reasons(event.checks))


@competition.event(EvaluationBegan, to="evaluation")
def _began(state: Competition, event: EvaluationBegan) -> Competition:
    return state

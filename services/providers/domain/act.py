"""The monthly act of delivery: what was delivered under an agreement, submitted by one side and accepted by the other.

    draft → submitted → confirmed | returned (→ draft again)      draft, returned → dropped
    confirmed → reversal_asked → reversed | confirmed again

Promised: over all acts of an agreement that are submitted or confirmed the quantity never exceeds its volume; the price
is the agreement's; a month has one living act; what was confirmed is never edited, only reversed, and that takes both
sides (four eyes). In this issue's scope the officer's confirmation stands for that of the beneficiary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel.aggregate import NEW, Aggregate, Context, Decision, changed, decided
from kernel.identity import Actor
from kernel.money import check_bounded
from kernel.refusal import NOT_YOURS, Refused, require
from services.providers.domain.act_terms import (
    AGREEMENT_LAW,
    AGREEMENT_OVER,
    AGREEMENT_UNKNOWN,
    FOUR_EYES,
    IN_FUTURE,
    OTHER_ACT,
    OUT_OF_TERM,
    VOLUME_EXCEEDED,
    WRONG_PRICE,
    WRONG_SERVICE,
    ActConfirmed,
    ActDrafted,
    ActDropped,
    ActLine,
    ActReturned,
    ActReversed,
    ActSubmitted,
    AskReversal,
    ConfirmAct,
    ConfirmReversal,
    DeclineReversal,
    DraftAct,
    DropAct,
    NewLine,
    ReturnAct,
    ReversalAsked,
    ReversalDeclined,
    Side,
    SubmitAct,
)
from services.providers.domain.rules import month_of


@dataclass(frozen=True)
class Agreement:
    """The facts of a command of an act: its agreement as this service knows it, under the row's lock at submitting.

    `starts`, `ends`: dates ("2027-03-31"); `claimed`: the quantity of all submitted and confirmed acts;
    `over`: how the agreement ended, if it did; `stopped_at`: since when it hasn't been running.
    """

    id: str
    provider_id: str
    provider_kind: str
    body_id: str
    year: int
    service_code: str
    form: str
    unit: str
    volume: int
    unit_price_kopecks: int
    starts: str
    ends: str
    claimed: int = 0
    over: str = ""
    stopped_at: datetime | None = None


@dataclass(frozen=True)
class Act:
    status: str = NEW
    agreement_id: str = ""
    provider_id: str = ""
    provider_kind: str = ""
    body_id: str = ""
    year: int = 0
    month: str = ""
    service_code: str = ""
    form: str = ""
    unit: str = ""
    quantity: int = 0
    amount_kopecks: int = 0
    submitted_by: str = ""
    reversal_side: str = ""
    reversal_by: str = ""
    reversal_reason: str = ""


act = Aggregate("Act", Act)


@act.command(DraftAct, roles={"provider"}, states={NEW, "draft", "returned"}, emits=(ActDrafted,), ground=AGREEMENT_LAW)
def draft_act(state: Act, command: DraftAct, context: Context) -> Decision:
    agreement = _agreement(context, command.agreement_id)
    require(context.actor.organisation == agreement.provider_id, NOT_YOURS)
    if state.status != NEW:
        same = (state.agreement_id, state.month) == (command.agreement_id, command.month)
        require(same, OTHER_ACT, agreement_id=state.agreement_id, month=state.month)
    _require_month(agreement, command.month, context)
    lines = tuple(_line(line, agreement) for line in command.lines)
    amount = check_bounded(sum(line.amount_kopecks for line in lines))
    return decided(
        ActDrafted(
            agreement_id=agreement.id,
            provider_id=agreement.provider_id,
            provider_kind=agreement.provider_kind,
            body_id=agreement.body_id,
            year=agreement.year,
            month=command.month,
            service_code=agreement.service_code,
            form=agreement.form,
            unit=agreement.unit,
            lines=lines,
            quantity=sum(line.quantity for line in lines),
            amount_kopecks=amount,
        ),
        amount_kopecks=amount,
    )


def _line(line: NewLine, agreement: Agreement) -> ActLine:
    """`line` at the agreement's price. An act can't bring in a service or a price that nobody agreed on."""
    require(
        (line.service_code, line.unit) == (agreement.service_code, agreement.unit),
        WRONG_SERVICE,
        service_code=agreement.service_code,
        unit=agreement.unit,
        given=f"{line.service_code} ({line.unit})",
    )
    price = agreement.unit_price_kopecks
    require(
        line.unit_price_kopecks in (None, price),
        WRONG_PRICE,
        agreed_kopecks=price,
        given_kopecks=line.unit_price_kopecks,
    )
    return ActLine(
        service_code=line.service_code,
        unit=line.unit,
        quantity=line.quantity,
        unit_price_kopecks=price,
        amount_kopecks=check_bounded(line.quantity * price),
    )


def _agreement(context: Context, agreement_id: str) -> Agreement:
    agreement: Agreement | None = context.facts
    if agreement is None:
        raise Refused(AGREEMENT_UNKNOWN.having(id=agreement_id))
    return agreement


def _require_month(agreement: Agreement, month: str, context: Context) -> None:
    """`month` lies in the term, has begun, and the agreement was running in it."""
    zone = context.rules.zone
    term = {"starts": agreement.starts, "ends": agreement.ends}
    require(agreement.starts[:7] <= month <= agreement.ends[:7], OUT_OF_TERM, month=month, **term)
    require(month <= month_of(context.now, zone), IN_FUTURE, month=month)
    require(agreement.over != "voided", AGREEMENT_OVER, since=agreement.starts, month=month)
    if agreement.stopped_at is not None:
        # What was delivered before a suspension or termination is still to be accepted and paid.
        stopped = month_of(agreement.stopped_at, zone)
        require(month <= stopped, AGREEMENT_OVER, since=stopped, month=month)


@act.command(SubmitAct, roles={"provider"}, states={"draft"}, emits=(ActSubmitted,), ground=AGREEMENT_LAW)
def submit_act(state: Act, command: SubmitAct, context: Context) -> Decision:
    """From here on the act's quantity counts against the agreement's volume."""
    _require_side(state, context.actor, "provider")
    agreement = _agreement(context, state.agreement_id)
    _require_month(agreement, state.month, context)
    over = agreement.claimed + state.quantity - agreement.volume
    require(over <= 0, VOLUME_EXCEEDED, by=f" ({agreement.claimed} + {state.quantity} > {agreement.volume})")
    return decided(
        ActSubmitted(agreement_id=state.agreement_id, quantity=state.quantity, by=context.actor.id), left=-over
    )


@act.command(ConfirmAct, roles={"officer"}, states={"submitted"}, emits=(ActConfirmed,), ground=AGREEMENT_LAW)
def confirm_act(state: Act, command: ConfirmAct, context: Context) -> Decision:
    _require_side(state, context.actor, "body")
    require(context.actor.id != state.submitted_by, FOUR_EYES)
    return decided(
        ActConfirmed(
            act_id=context.id,
            agreement_id=state.agreement_id,
            provider_id=state.provider_id,
            provider_kind=state.provider_kind,
            body_id=state.body_id,
            year=state.year,
            month=state.month,
            service_code=state.service_code,
            form=state.form,
            unit=state.unit,
            quantity=state.quantity,
            amount_kopecks=state.amount_kopecks,
            by=context.actor.id,
        ),
        amount_kopecks=state.amount_kopecks,
    )


@act.command(ReturnAct, roles={"officer"}, states={"submitted"}, emits=(ActReturned,), ground=AGREEMENT_LAW)
def return_act(state: Act, command: ReturnAct, context: Context) -> Decision:
    _require_side(state, context.actor, "body")
    return decided(ActReturned(agreement_id=state.agreement_id, quantity=state.quantity, reason=command.reason))


@act.command(DropAct, roles={"provider"}, states={"draft", "returned"}, emits=(ActDropped,))
def drop_act(state: Act, command: DropAct, context: Context) -> Decision:
    _require_side(state, context.actor, "provider")
    return decided(ActDropped(agreement_id=state.agreement_id))


@act.command(AskReversal, roles={"provider", "officer"}, states={"confirmed"}, emits=(ReversalAsked,))
def ask_reversal(state: Act, command: AskReversal, context: Context) -> Decision:
    return decided(ReversalAsked(side=_side(state, context.actor), by=context.actor.id, reason=command.reason))


@act.command(
    ConfirmReversal,
    roles={"provider", "officer"},
    states={"reversal_asked"},
    emits=(ActReversed,),
    ground=AGREEMENT_LAW,
)
def confirm_reversal(state: Act, command: ConfirmReversal, context: Context) -> Decision:
    _require_other_side(state, context.actor)
    return decided(
        ActReversed(
            act_id=context.id,
            agreement_id=state.agreement_id,
            provider_id=state.provider_id,
            provider_kind=state.provider_kind,
            body_id=state.body_id,
            year=state.year,
            month=state.month,
            service_code=state.service_code,
            quantity=state.quantity,
            amount_kopecks=state.amount_kopecks,
            reason=state.reversal_reason,
        )
    )


@act.command(DeclineReversal, roles={"provider", "officer"}, states={"reversal_asked"}, emits=(ReversalDeclined,))
def decline_reversal(state: Act, command: DeclineReversal, context: Context) -> Decision:
    _require_other_side(state, context.actor)
    return decided(ReversalDeclined(reason=command.reason))


def _side(state: Act, actor: Actor) -> Side:
    """Whose side of the agreement `actor` is on; refused as `not_yours` for anybody else."""
    for side in ("provider", "body"):
        if _is_on(state, actor, side):
            return side
    raise Refused(NOT_YOURS)


def _is_on(state: Act, actor: Actor, side: str) -> bool:
    role, organisation = ("provider", state.provider_id) if side == "provider" else ("officer", state.body_id)
    return actor.has(role) and actor.organisation == organisation


def _require_side(state: Act, actor: Actor, side: Side) -> None:
    require(_is_on(state, actor, side), NOT_YOURS)


def _require_other_side(state: Act, actor: Actor) -> None:
    other = "body" if state.reversal_side == "provider" else "provider"
    require(_is_on(state, actor, "provider") or _is_on(state, actor, "body"), NOT_YOURS)
    require(_is_on(state, actor, other) and actor.id != state.reversal_by, FOUR_EYES)


@act.event(ActDrafted, to="draft")
def _drafted(state: Act, event: ActDrafted) -> Act:
    return Act(
        agreement_id=event.agreement_id,
        provider_id=event.provider_id,
        provider_kind=event.provider_kind,
        body_id=event.body_id,
        year=event.year,
        month=event.month,
        service_code=event.service_code,
        form=event.form,
        unit=event.unit,
        quantity=event.quantity,
        amount_kopecks=event.amount_kopecks,
    )


@act.event(ActSubmitted, to="submitted")
def _submitted(state: Act, event: ActSubmitted) -> Act:
    return changed(state, submitted_by=event.by)


@act.event(ActReturned, to="returned")
def _returned(state: Act, event: ActReturned) -> Act:
    return state


@act.event(ActDropped, to="dropped")
def _dropped(state: Act, event: ActDropped) -> Act:
    return state


@act.event(ActConfirmed, to="confirmed")
def _confirmed(state: Act, event: ActConfirmed) -> Act:
    return state


@act.event(ReversalAsked, to="reversal_asked")
def _reversal_asked(state: Act, event: ReversalAsked) -> Act:
    return changed(state, reversal_side=event.side, reversal_by=event.by, reversal_reason=event.reason)


@act.event(ReversalDeclined, to="confirmed")
def _reversal_declined(state: Act, event: ReversalDeclined) -> Act:
    return changed(state, reversal_side="", reversal_by="", reversal_reason="")


@act.event(ActReversed, to="reversed")
def _reversed(state: Act, event: ActReversed) -> Act:
    return state


@act.computes(ActDrafted)
def _sums_of_lines(before: Act, event: ActDrafted) -> Mapping[str, Any]:
    return {
        "quantity": sum(line.quantity for line in event.lines),
        "amount_kopecks": sum(line.quantity * line.unit_price_kopecks for line in event.lines),
    }


@act.computes(ActConfirmed)
def _sums_confirmed(before: Act, event: ActConfirmed) -> Mapping[str, Any]:
    return {"quantity": before.quantity, "amount_kopecks": before.amount_kopecks}


@act.computes(ActReversed)
def _sums_reversed(before: Act, event: ActReversed) -> Mapping[str, Any]:
    return {"quantity": before.quantity, "amount_kopecks": before.amount_kopecks}

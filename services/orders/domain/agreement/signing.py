"""Signing by both, and what may happen to an agreement afterwards: each change by the body names its reason."""

from __future__ import annotations

from typing import Any

from kernel.aggregate import Context, Decision, decided
from kernel.instants import to_text
from kernel.refusal import Refusal, require
from services.orders.domain.agreement.events import (
    AgreementActivated,
    AgreementCompleted,
    AgreementResumed,
    AgreementSignedByProvider,
    AgreementSuspended,
    AgreementTerminated,
    AgreementVoided,
)
from services.orders.domain.agreement.state import (
    BEFORE_ACTIVE,
    LAW,
    Agreement,
    CompleteAgreement,
    CountersignAgreement,
    DeclineAgreement,
    LapseSigning,
    ResumeAgreement,
    SignAgreement,
    SuspendAgreement,
    TerminateAgreement,
    VoidAgreement,
    agreement,
    of_body,
    of_provider,
)

FOUR_EYES = Refusal(
    "four_eyes",
    "Соглашение подписывает не тот, кто его составил.",
    "Who drafted the agreement doesn't sign it for the body.",
    "four eyes",
    kind="forbidden",
)


SIGNED_LATE = Refusal(
    "signed_late",
    "Подписать соглашение можно было до {until}.",
    "The agreement could be signed until {until}.",
    "region.toml agreement_signing_working_days",
    kind="late",
)

LAPSED = "not_signed_in_time"
"""The reason of an agreement that its provider didn't sign; a code, since no person has said it."""


@agreement.command(SignAgreement, roles={"provider"}, states={"sent"}, emits=(AgreementSignedByProvider,), ground=LAW)
def sign(state: Agreement, command: SignAgreement, context: Context) -> Decision:
    of_provider(state, context)
    if state.sign_by is not None:
        require(context.received_at <= state.sign_by, SIGNED_LATE, until=to_text(state.sign_by))
    return decided(
        AgreementSignedByProvider(agreement_id=context.id, provider_id=state.provider_id, signed_by=context.actor.id)
    )


@agreement.command(
    CountersignAgreement,
    roles={"officer"},
    states={"signed_by_provider"},
    emits=(AgreementActivated,),
    ground=LAW,
)
def countersign(state: Agreement, command: CountersignAgreement, context: Context) -> Decision:
    of_body(state, context)
    require(context.actor.id != state.drafted_by, FOUR_EYES)
    return decided(
        AgreementActivated(
            agreement_id=context.id,
            body_id=state.body_id,
            year=state.year,
            provider_id=state.provider_id,
            provider_kind=state.provider_kind,
            service_code=state.service_code,
            service_kind=state.service_kind,
            form=state.form,
            unit=state.unit,
            volume=state.volume,
            unit_price_kopecks=state.unit_price_kopecks,
            amount_kopecks=state.amount_kopecks,
            starts=state.starts,
            ends=state.ends,
            places=state.places,
            competition_id=state.competition_id,
            award_id=state.award_id,
            lot_id=state.lot_id,
            attempt=state.attempt,
            signed_by=context.actor.id,
        )
    )


@agreement.command(VoidAgreement, roles={"officer"}, states=BEFORE_ACTIVE, emits=(AgreementVoided,), ground=LAW)
def void(state: Agreement, command: VoidAgreement, context: Context) -> Decision:
    of_body(state, context)
    return decided(_voided(state, context, command.reason, declined=False))


@agreement.command(
    DeclineAgreement,
    roles={"provider"},
    states={"draft", "reserving", "sent"},
    emits=(AgreementVoided,),
    ground=LAW,
)
def decline(state: Agreement, command: DeclineAgreement, context: Context) -> Decision:
    of_provider(state, context)
    return decided(_voided(state, context, command.reason, declined=True))


@agreement.command(LapseSigning, roles={"system"}, states={"*"}, emits=(AgreementVoided,), ground=LAW)
def lapse(state: Agreement, command: LapseSigning, context: Context) -> Decision:
    """DOMAIN §2: who doesn't sign in time has refused, and the next in rank is asked."""
    if state.status != "sent" or state.attempt != command.attempt:
        return decided()
    return decided(_voided(state, context, LAPSED, declined=True))


@agreement.command(SuspendAgreement, roles={"officer"}, states={"active"}, emits=(AgreementSuspended,), ground=LAW)
def suspend(state: Agreement, command: SuspendAgreement, context: Context) -> Decision:
    of_body(state, context)
    return decided(AgreementSuspended(agreement_id=context.id, reason=command.reason))


@agreement.command(ResumeAgreement, roles={"officer"}, states={"suspended"}, emits=(AgreementResumed,), ground=LAW)
def resume(state: Agreement, command: ResumeAgreement, context: Context) -> Decision:
    of_body(state, context)
    return decided(AgreementResumed(agreement_id=context.id))


@agreement.command(CompleteAgreement, roles={"officer"}, states={"active"}, emits=(AgreementCompleted,), ground=LAW)
def complete(state: Agreement, command: CompleteAgreement, context: Context) -> Decision:
    of_body(state, context)
    return decided(AgreementCompleted(**_ended(state, context)))


@agreement.command(
    TerminateAgreement,
    roles={"officer"},
    states={"active", "suspended"},
    emits=(AgreementTerminated,),
    ground=LAW,
)
def terminate(state: Agreement, command: TerminateAgreement, context: Context) -> Decision:
    of_body(state, context)
    return decided(AgreementTerminated(reason=command.reason, **_ended(state, context)))


def _ended(state: Agreement, context: Context) -> dict[str, Any]:
    return {
        "agreement_id": context.id,
        "body_id": state.body_id,
        "year": state.year,
        "provider_id": state.provider_id,
        "competition_id": state.competition_id,
        "award_id": state.award_id,
        "lot_id": state.lot_id,
        "volume": state.volume,
        "attempt": state.attempt,
    }


def _voided(state: Agreement, context: Context, reason: str, declined: bool) -> AgreementVoided:
    return AgreementVoided(reason=reason, declined=declined, **_ended(state, context))

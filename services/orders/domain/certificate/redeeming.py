"""Redemption: a record signed by the holder's key takes a part of the certificate, once, however often it comes.

The provider's device makes the record with the holder (`record_text`, Ed25519), with or without a network, and sends it
when it can. So one rule serves both: whether the certificate was good is asked of the moment when the record was made,
whether anything is left, of the moment when it is decided.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kernel.aggregate import Context, Decision, decided, refused
from kernel.instants import to_text
from kernel.note import Verifier
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain.certificate.events import (
    CertificateRedeemed,
    CertificateRedemptionRefused,
    CertificateUnusedReturned,
    CertificateUsed,
)
from services.orders.domain.certificate.state import (
    LAW,
    MAX_REDEMPTIONS,
    MAX_REFUSED,
    REDEEMABLE,
    Answer,
    Certificate,
    Choice,
    RedeemCertificate,
    answer_key,
    certificate,
    of_certificate,
)

SKEW = timedelta(minutes=5)  # by how much a provider's clock may be ahead
RECORD = "market redemption v1"

REUSED = Refusal(
    "redemption_id_reused",
    "Под этим номером погашения уже пришла другая запись.",
    "Another record came under this redemption id before.",
    LAW,
    kind="invalid",
)
BAD_PROOF = Refusal(
    "redemption_not_signed",
    "Подпись записи не сделана ключом этого сертификата.",
    "The record's signature isn't by this certificate's key.",
    LAW,
    kind="forbidden",
)
MADE_IN_FUTURE = Refusal(
    "redemption_in_future",
    "Запись помечена временем {made_at}, которое ещё не наступило: проверьте часы.",
    "The record says {made_at}, which hasn't come yet: check the clock.",
    LAW,
    kind="invalid",
)
NOT_CHOSEN = Refusal(
    "provider_not_chosen",
    "Этого исполнителя для сертификата не выбирали.",
    "This provider was never chosen for the certificate.",
    LAW,
)
BEFORE_CHOICE = Refusal(
    "redemption_before_choice",
    "Запись сделана {made_at}, до выбора исполнителя {since}.",
    "The record was made at {made_at}, before the provider was chosen at {since}.",
    LAW,
)
AFTER_CHANGE = Refusal(
    "redemption_after_change",
    "Запись сделана {made_at}, когда выбран был уже другой исполнитель (с {until}).",
    "The record was made at {made_at}, when another provider had been chosen (at {until}).",
    LAW,
)
AFTER_EXPIRY = Refusal(
    "redemption_after_expiry",
    "Запись сделана {made_at}, после срока сертификата {valid_until}.",
    "The record was made at {made_at}, after the certificate's term, {valid_until}.",
    LAW,
)
AFTER_ANNULMENT = Refusal(
    "redemption_after_annulment",
    "Запись сделана {made_at}, после аннулирования {ended_at}.",
    "The record was made at {made_at}, after the annulment at {ended_at}.",
    LAW,
)
CAME_LATE = Refusal(
    "redemption_came_late",
    "Запись пришла {came_at}: записи, сделанные до конца сертификата, принимались до {closes_at}.",
    "The record came at {came_at}: those from before the certificate's end were taken until {closes_at}.",
    "region.toml: days.offline_redemption_working_days",
    kind="late",
)
EXCEEDS = Refusal(
    "redemption_exceeds",
    "На сертификате осталось {left}, а погашается {volume}.",
    "The certificate has {left} left, and {volume} is to be redeemed.",
    LAW,
)
TOO_MANY = Refusal(
    "too_many_redemptions",
    "По сертификату уже {limit} погашений: больше нельзя.",
    "The certificate has {limit} redemptions: no more.",
    LAW,
)
REFUSALS = {
    each.code: each
    for each in (
        NOT_CHOSEN, BEFORE_CHOICE, AFTER_CHANGE, AFTER_EXPIRY, AFTER_ANNULMENT, CAME_LATE, EXCEEDS, TOO_MANY,
    )
}  # fmt: skip


def record_text(certificate_id: str, provider_id: str, redemption_id: str, volume: int, made_at: datetime) -> str:
    """What the holder's key signs: six lines, each with its newline; the instant in the market's fixed form."""
    lines = (RECORD, certificate_id, provider_id, redemption_id, str(volume), to_text(made_at))
    return "".join(line + "\n" for line in lines)


@certificate.command(
    RedeemCertificate,
    roles={"provider"},
    states={"*"},
    emits=(CertificateRedeemed, CertificateUsed, CertificateUnusedReturned, CertificateRedemptionRefused),
    ground=LAW,
)
def redeem(state: Certificate, command: RedeemCertificate, context: Context) -> Decision:
    """In any state, since a record that was taken is still answered so when the certificate is over."""
    provider_id = context.actor.organisation
    require(provider_id is not None, NOT_YOURS)
    assert provider_id is not None
    known = state.answers.get(answer_key(provider_id, command.redemption_id))
    if known is not None:
        return _again(known, command)
    require(_is_signed(state.public_key, context.id, provider_id, command), BAD_PROOF)
    require(command.made_at <= context.received_at + SKEW, MADE_IN_FUTURE, made_at=to_text(command.made_at))
    refusal = _why_not(state, provider_id, command, context.received_at)
    if refusal is not None:
        return _refuse(state, refusal, provider_id, command, context)
    choice = _choice_at(state, provider_id, command.made_at)
    assert choice is not None
    event = CertificateRedeemed(
        act_id=context.new_id(),
        provider_kind=choice.provider_kind,
        service_code=state.service_code,
        unit=state.unit,
        month=command.made_at.astimezone(ZoneInfo(context.rules.zone)).strftime("%Y-%m"),
        unit_price_kopecks=choice.unit_price_kopecks,
        **_worth(state, choice, command.volume),
        **_record(state, provider_id, command, context),
    )
    reply = _reply(event.volume, event.amount_kopecks, event.own_kopecks, event.left_volume)
    return decided(event, *_if_used(state, event, context), act_id=event.act_id, taken_before=False, **reply)


def _again(known: Answer, command: RedeemCertificate) -> Decision:
    """The first answer, whatever has happened since."""
    require((known.volume, known.made_at) == (command.volume, command.made_at), REUSED)
    if known.code:
        return refused(REFUSALS[known.code], **known.details)
    reply = _reply(known.volume, known.amount_kopecks, known.own_kopecks, known.left_volume)
    return decided(taken_before=True, **reply)


def _reply(volume: int, amount_kopecks: int, own_kopecks: int, left_volume: int) -> dict[str, Any]:
    return {
        "volume": volume, "amount_kopecks": amount_kopecks, "own_kopecks": own_kopecks, "left_volume": left_volume,
    }  # fmt: skip


def _is_signed(public_key: str, certificate_id: str, provider_id: str, record: Any) -> bool:
    """`record`: a command or event with redemption_id, volume, made_at and signature."""
    text = record_text(certificate_id, provider_id, record.redemption_id, record.volume, record.made_at)
    return Verifier("holder", b64decode(public_key)).accepts(text, b64decode(record.signature))


def _why_not(state: Certificate, provider_id: str, command: RedeemCertificate, received_at: datetime) -> Refusal | None:
    """Why the record isn't taken: first of when it was made, then of when it came, then of what is left."""
    made_at, left = command.made_at, state.left_volume
    found = _bad_moment(state, provider_id, made_at)
    if found is not None:
        return found
    if state.closes_at is not None and (state.closed or received_at > state.closes_at):
        return CAME_LATE.having(came_at=to_text(received_at), closes_at=to_text(state.closes_at))
    if command.volume > left:
        return EXCEEDS.having(left=left, volume=command.volume)
    if sum(not answer.code for answer in state.answers.values()) >= MAX_REDEMPTIONS:
        return TOO_MANY.having(limit=MAX_REDEMPTIONS)
    return None


def _bad_moment(state: Certificate, provider_id: str, made_at: datetime) -> Refusal | None:
    own = [choice for choice in state.choices if choice.provider_id == provider_id]
    if not own:
        return NOT_CHOSEN
    at = to_text(made_at)
    if state.status == "annulled" and state.ended_at is not None and made_at >= state.ended_at:
        return AFTER_ANNULMENT.having(made_at=at, ended_at=to_text(state.ended_at))
    if state.valid_until is not None and made_at >= state.valid_until:
        return AFTER_EXPIRY.having(made_at=at, valid_until=to_text(state.valid_until))
    if _choice_at(state, provider_id, made_at) is not None:
        return None
    if made_at < own[0].since:
        return BEFORE_CHOICE.having(made_at=at, since=to_text(own[0].since))
    until = max(choice.until for choice in own if choice.until is not None and choice.until <= made_at)
    return AFTER_CHANGE.having(made_at=at, until=to_text(until))


def _choice_at(state: Certificate, provider_id: str, made_at: datetime) -> Choice | None:
    """The choice of the provider that held at `made_at`."""
    for choice in state.choices:
        begun = choice.provider_id == provider_id and choice.since <= made_at
        if begun and (choice.until is None or made_at < choice.until):
            return choice
    return None


def _worth(state: Certificate, choice: Choice, volume: int) -> dict[str, Any]:
    own = choice.unit_price_kopecks - choice.budget_price_kopecks
    return {
        "amount_kopecks": volume * choice.budget_price_kopecks,
        "own_kopecks": volume * own,
        "left_volume": state.left_volume - volume,
    }


def _record(state: Certificate, provider_id: str, command: RedeemCertificate, context: Context) -> dict[str, Any]:
    return {
        **of_certificate(state, context),
        "beneficiary_id": state.beneficiary_id,
        "provider_id": provider_id,
        "redemption_id": command.redemption_id,
        "volume": command.volume,
        "made_at": command.made_at,
        "came_at": context.received_at,
        "signature": command.signature,
    }


def _refuse(
    state: Certificate, refusal: Refusal, provider_id: str, command: RedeemCertificate, context: Context
) -> Decision:
    """A refused record is a fact, so that its repetition gets the same answer; of a stranger's there is no trace."""
    kept = sum(bool(answer.code) for answer in state.answers.values())
    if refusal.code == NOT_CHOSEN.code or kept >= MAX_REFUSED:
        return refused(refusal)
    event = CertificateRedemptionRefused(
        code=refusal.code, details=dict(refusal.details), **_record(state, provider_id, command, context)
    )
    return refused(refusal, event)


def _if_used(
    state: Certificate, event: CertificateRedeemed, context: Context
) -> tuple[CertificateUsed | CertificateUnusedReturned, ...]:
    """With the last unit it is used, and money that its prices left over goes back."""
    if event.left_volume > 0 or state.status not in REDEEMABLE:
        return ()
    same = of_certificate(state, context)
    used = CertificateUsed(beneficiary_id=state.beneficiary_id, **same)
    rest = state.left_kopecks - event.amount_kopecks
    if rest == 0:
        return (used,)
    back = CertificateUnusedReturned(
        attempt=state.attempt, order_id=state.order_id, cause="used", volume=0, amount_kopecks=rest, **same
    )
    return used, back


@certificate.computes(CertificateRedeemed)
def _redeemed_again(state: Certificate, event: CertificateRedeemed) -> Mapping[str, Any]:
    """A replay verifies the holder's signature too: what doesn't hold is shown as an empty one."""
    choice = _choice_at(state, event.provider_id, event.made_at)
    worth = _worth(state, choice, event.volume) if choice else {"amount_kopecks": 0}
    signed = _is_signed(state.public_key, event.certificate_id, event.provider_id, event)
    return {**worth, "signature": event.signature if signed else ""}

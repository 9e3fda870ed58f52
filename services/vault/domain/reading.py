"""A reading of personal data: who read about whom, and why. Every one is a fact, and so is the first that was denied.

Who may: a registrar, of heads; an officer, of people in opened bids to its own body; the staff of the organisation that
recorded them; an auditor, with a stated reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, decided, refused
from kernel.identity import Actor
from kernel.ids import Id
from kernel.refusal import MISSING, Refusal

AUDITOR_REASON = 10

NOT_READABLE = Refusal(
    "personal_data_denied",
    "У вас нет права читать персональные данные этих людей.",
    "You have no right to read the personal data of these people.",
    "152-FZ art. 6, 7",
    kind="forbidden",
)
REASON_TOO_SHORT = Refusal(
    "reason_needed",
    "Напишите, зачем вам эти данные: не меньше {least} знаков. Ответ останется в журнале.",
    "Say why you need this data, in {least} characters at least. Your answer stays in the log.",
    "152-FZ art. 5 p. 2",
    kind="invalid",
)


class PersonalDataRead(Event, readers="auditor"):
    person_refs: tuple[str, ...]
    reason: str


class PersonalDataDenied(Event, readers="auditor"):
    """Once in 24 hours per account; more of them are refused without a new entry."""

    person_refs: tuple[str, ...]
    reason: str


class ReadPersons(Command):
    """`id`: of this reading. The answer holds the data and is never stored."""

    id: Id
    person_refs: Annotated[tuple[Id, ...], Field(min_length=1, max_length=50)]
    reason: Annotated[str, StringConstraints(min_length=3, max_length=300, strip_whitespace=True)]


@dataclass(frozen=True)
class Record:
    """A person's record as it was opened, and what decides who may read it."""

    purpose: str
    organisation: str | None
    body_id: str | None
    opened: bool
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """`denied_lately`: a denial of this account is in the log since 24 hours."""

    records: Mapping[str, Record]
    denied_lately: bool


@dataclass(frozen=True)
class Reading:
    status: str = NEW


reading = Aggregate("Reading", Reading)


@reading.command(
    ReadPersons,
    roles={"registrar", "officer", "auditor", "provider"},
    states={NEW},
    emits=(PersonalDataRead, PersonalDataDenied),
    ground="152-FZ art. 6",
)
def read(state: Reading, command: ReadPersons, context: Context) -> Decision:
    found: Found = context.facts
    only_auditor = context.actor.has("auditor") and not context.actor.has("registrar", "officer", "provider")
    if only_auditor and len(command.reason) < AUDITOR_REASON:
        return refused(REASON_TOO_SHORT, least=AUDITOR_REASON)
    refs = command.person_refs
    # A stranger isn't told whether a reference exists.
    if not all(ref in found.records and may_read(context.actor, found.records[ref], command.reason) for ref in refs):
        missing = [ref for ref in refs if ref not in found.records]
        if missing and context.actor.has("registrar", "auditor"):
            return refused(MISSING, what="person", id=missing[0])
        denied = () if found.denied_lately else (PersonalDataDenied(person_refs=refs, reason=command.reason),)
        return refused(NOT_READABLE, *denied)
    persons = {ref: dict(found.records[ref].data) for ref in refs}
    return decided(PersonalDataRead(person_refs=refs, reason=command.reason), persons=persons)


def may_read(actor: Actor, record: Record, reason: str) -> bool:
    """Whether one of the actor's roles lets it read the record."""
    own = actor.organisation
    return (
        (actor.has("registrar") and record.purpose == "head")
        or (actor.has("officer") and record.opened and own is not None and own == record.body_id)
        or (actor.has("provider") and own is not None and own == record.organisation)
        or (actor.has("auditor") and len(reason) >= AUDITOR_REASON)
    )


@reading.event(PersonalDataRead, to="read")
@reading.event(PersonalDataDenied, to="denied")
def _noted(state: Reading, event: Event) -> Reading:
    return state

"""A person whose data the vault keeps: recorded, referred to by an event, erased.

    new ─▶ kept ─▶ erased

The log holds a random reference and a commitment; the data is in the vault's own tables. What no event refers to within
24 hours is erased (152-FZ art. 5 p. 7: no longer than the purpose needs). People of a bid are referred to by a sealed
text until the opening, so they are held while their competition takes or keeps bids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from kernel.aggregate import NEW, SYSTEM, Aggregate, Command, Context, Decision, Due, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require

ORPHAN_AFTER = timedelta(hours=24)
LOOK_AGAIN = timedelta(hours=1)
ORPHAN_GROUND = "152-FZ art. 5 p. 7"

Purpose = Literal["head", "bid"]
Standing = Literal["orphan", "held", "behind"]
"""What tables say of a person that nothing refers to: erase it; its competition is under way; events are on the way."""

NO_COMPETITION = Refusal(
    "competition_needed",
    "Для людей заявки укажите competition_id; для руководителя он не нужен.",
    "Give competition_id for people of a bid; the head of an organisation has none.",
    kind="invalid",
)
NO_ORGANISATION = Refusal(
    "organisation_needed",
    "Людей заявки записывает сотрудник организации, от имени которой она подаётся.",
    "People of a bid are recorded by the staff of the organisation that makes it.",
    kind="forbidden",
)

Short = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class PersonData(BaseModel):
    """What is kept of a person: the minimum that a card's head and a bid's people need."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    full_name: Annotated[str, StringConstraints(min_length=2, max_length=200, strip_whitespace=True)]
    position: Short = ""
    phone: Short = ""
    email: Short = ""


class PersonRecorded(Event, readers="auditor"):
    person_ref: str
    commitment: str
    purpose: Purpose


class PersonReferred(Event, readers="auditor"):
    """`by`: the event that refers to the person, as `<service>.<Event>`."""

    person_ref: str
    by: str


class PersonErased(Event, readers="auditor"):
    person_ref: str
    ground: str


class PutPerson(Command):
    """Record a person under the random reference `id`. `organisation`: whose staff it is, where a registrar records."""

    id: Id
    purpose: Purpose
    person: PersonData
    competition_id: Id | None = None
    organisation: Id | None = None


class ReferPerson(Command):
    id: Id
    by: str


class ErasePerson(Command):
    id: Id
    ground: Annotated[str, StringConstraints(min_length=5, max_length=300, strip_whitespace=True)]


class EraseOrphan(Command):
    """The vault's own look after 24 hours."""

    id: Id


@dataclass(frozen=True)
class Person:
    status: str = NEW
    purpose: str = ""
    commitment: str = ""
    referred: bool = False


person = Aggregate("Person", Person)


@person.command(PutPerson, roles={"provider", "registrar"}, states={NEW}, emits=(PersonRecorded,))
def put(state: Person, command: PutPerson, context: Context) -> Decision:
    require((command.purpose == "bid") == (command.competition_id is not None), NO_COMPETITION)
    if command.purpose == "bid":
        require(context.actor.has("provider") and context.actor.organisation is not None, NO_ORGANISATION)
    if not context.actor.has("registrar"):
        require(command.organisation in (None, context.actor.organisation), NOT_YOURS)
    recorded = PersonRecorded(person_ref=context.id, commitment=context.facts, purpose=command.purpose)
    look = Due(context.now + ORPHAN_AFTER, EraseOrphan(id=context.id))
    return decided(recorded, due=(look,), person_ref=context.id)


@person.command(ReferPerson, roles={SYSTEM}, states={"kept"}, emits=(PersonReferred,))
def refer(state: Person, command: ReferPerson, context: Context) -> Decision:
    if state.referred:
        return decided()
    return decided(PersonReferred(person_ref=context.id, by=command.by))


@person.command(
    ErasePerson, roles={"provider", "registrar"}, states={"kept"}, emits=(PersonErased,), ground="152-FZ art. 21"
)
def erase(state: Person, command: ErasePerson, context: Context) -> Decision:
    require(bool(context.facts), NOT_YOURS)
    return decided(PersonErased(person_ref=context.id, ground=command.ground))


@person.command(EraseOrphan, roles={SYSTEM}, states={"kept"}, emits=(PersonErased,), ground=ORPHAN_GROUND)
def erase_orphan(state: Person, command: EraseOrphan, context: Context) -> Decision:
    standing: Standing | None = context.facts
    if state.referred or standing is None:
        return decided()
    if standing == "orphan":
        return decided(PersonErased(person_ref=context.id, ground=ORPHAN_GROUND))
    pause = LOOK_AGAIN if standing == "behind" else ORPHAN_AFTER
    return decided(due=(Due(context.now + pause, command),))


@person.event(PersonRecorded, to="kept")
def _recorded(state: Person, event: PersonRecorded) -> Person:
    return Person(purpose=event.purpose, commitment=event.commitment)


@person.event(PersonReferred)
def _referred(state: Person, event: PersonReferred) -> Person:
    return changed(state, referred=True)


@person.event(PersonErased, to="erased")
def _erased(state: Person, event: PersonErased) -> Person:
    # The commitment goes too: a state tells nothing of an erased person.
    return changed(state, commitment="")

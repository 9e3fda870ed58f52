"""What a card says besides its fields: staff and volunteers, five years of work, inspections, flags, documents.

Documents stand in the log by the hash of their bytes alone; the bytes are kept apart, at most `MOST_BYTES` of a few kinds,
and are what their media type says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from kernel.aggregate import Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require
from services.registry.domain.card import LAW, Line
from services.registry.domain.catalogue.values import Part
from services.registry.domain.register_entry.state import LIVING, RegisterEntry, is_own, register_entry
from services.registry.domain.terms import local_day

YEARS_OF_EXPERIENCE = 5
MAX_DOCUMENTS = 50
MOST_BYTES = 700_000
"""With base64 and the rest of the request still under the mebibyte that the edge takes."""

MARKS = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
"""How the bytes of each kind begin."""

DAY_AHEAD = Refusal("day_ahead", "День {given} ещё не наступил.", "The day {given} is still to come.", kind="invalid")
FINDINGS_MISSING = Refusal(
    "findings_missing", "Напишите, какие нарушения найдены.", "Say which violations were found.", kind="invalid"
)
YEARS_WRONG = Refusal(
    "experience_years_wrong",
    "Опыт указывают за годы с {first} по {last}, каждый один раз.",
    "Experience is stated for the years from {first} to {last}, each once.",
    LAW,
    kind="invalid",
)
FLAG_TWICE = Refusal("flag_twice", "Признак указан дважды.", "A flag is named twice.", kind="invalid")
NOT_BASE64 = Refusal(
    "document_not_readable",
    "Содержимое документа не прочесть: ожидается base64.",
    "The document's content can't be read: base64 is expected.",
    kind="invalid",
)
DOCUMENT_SIZE = Refusal(
    "document_size",
    "Документ пуст или больше {limit} байт: {given}.",
    "The document is empty or larger than {limit} bytes: {given}.",
    kind="invalid",
)
NOT_OF_ITS_TYPE = Refusal(
    "document_not_of_its_type",
    "Содержимое документа не похоже на {given}.",
    "The document's content is no {given}.",
    kind="invalid",
)
DOCUMENT_TWICE = Refusal(
    "document_attached_already", "Этот документ уже приложен.", "This document is attached already."
)
TOO_MANY_DOCUMENTS = Refusal(
    "too_many_documents", "В карточке не больше {limit} документов.", "A card has at most {limit} documents."
)

Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Said = Annotated[str, StringConstraints(min_length=2, max_length=300, strip_whitespace=True)]
Outcome = Literal["no_violations", "violations"]
Flag = Literal["socially_oriented", "useful_services"]
DocumentKind = Literal["charter", "licence", "inspection", "report", "other"]
MediaType = Literal["application/pdf", "image/png", "image/jpeg"]


class YearOfWork(Part):
    """A year of experience: what was done, and for how many recipients."""

    year: int = Field(strict=True)
    recipients: Count
    services: Said


class StaffStated(Event):
    as_of: date
    staff: int
    volunteers: int


class ExperienceStated(Event):
    """The whole of it, the latest year first."""

    years: tuple[YearOfWork, ...]


class InspectionRecorded(Event):
    inspection_id: Id
    held_on: date
    body: str
    outcome: Outcome
    findings: str


class FlagsSet(Event):
    """All flags that the organisation has now, and on which paper."""

    flags: tuple[Flag, ...]
    basis: str


class DocumentAttached(Event):
    """`hash`: SHA-256 of the bytes, `size` in bytes. One that isn't public is shown to its provider and to officials."""

    hash: str
    kind: DocumentKind
    title: str
    media_type: MediaType
    size: int
    public: bool


class StateStaff(Command):
    id: Id
    as_of: date
    staff: Count
    volunteers: Count


class StateExperience(Command):
    """State the last five years of work, all at once."""

    id: Id
    years: Annotated[tuple[YearOfWork, ...], Field(min_length=1, max_length=YEARS_OF_EXPERIENCE)]


class RecordInspection(Command):
    id: Id
    held_on: date
    body: Said
    outcome: Outcome
    findings: Line = ""


class SetFlags(Command):
    id: Id
    flags: Annotated[tuple[Flag, ...], Field(max_length=2)]
    basis: Said


class AttachDocument(Command):
    """Attach a document; `content` is base64."""

    id: Id
    kind: DocumentKind
    title: Said
    media_type: MediaType
    content: Annotated[str, Field(max_length=MOST_BYTES * 4 // 3 + 8)]
    public: bool = False


@dataclass(frozen=True)
class Kept:
    """A document's bytes as they were read and kept: null size where they are no base64."""

    hash: str = ""
    size: int | None = None
    is_of_type: bool = False


OWN = {"provider", "registrar"}
STATES = set(LIVING)


def _today(context: Context) -> date:
    return date.fromisoformat(local_day(context.now, context.rules.zone))


@register_entry.command(StateStaff, roles=OWN, states=STATES, emits=(StaffStated,), ground=LAW)
def state_staff(state: RegisterEntry, command: StateStaff, context: Context) -> Decision:
    require(is_own(context), NOT_YOURS)
    require(command.as_of <= _today(context), DAY_AHEAD, given=str(command.as_of))
    return decided(StaffStated(as_of=command.as_of, staff=command.staff, volunteers=command.volunteers))


@register_entry.command(StateExperience, roles=OWN, states=STATES, emits=(ExperienceStated,), ground=LAW)
def state_experience(state: RegisterEntry, command: StateExperience, context: Context) -> Decision:
    """The five years before this one."""
    require(is_own(context), NOT_YOURS)
    this = _today(context).year
    allowed = range(this - YEARS_OF_EXPERIENCE, this)
    years = [each.year for each in command.years]
    fits = len(set(years)) == len(years) and all(year in allowed for year in years)
    require(fits, YEARS_WRONG, first=allowed[0], last=allowed[-1])
    return decided(ExperienceStated(years=tuple(sorted(command.years, key=lambda each: -each.year))))


@register_entry.command(
    RecordInspection, roles={"registrar"}, states=STATES, emits=(InspectionRecorded,), ground="442-FZ art. 33"
)
def record_inspection(state: RegisterEntry, command: RecordInspection, context: Context) -> Decision:
    require(command.held_on <= _today(context), DAY_AHEAD, given=str(command.held_on))
    require(command.outcome == "no_violations" or command.findings != "", FINDINGS_MISSING)
    said = {name: getattr(command, name) for name in ("held_on", "body", "outcome", "findings")}
    return decided(InspectionRecorded(inspection_id=context.new_id(), **said))


@register_entry.command(SetFlags, roles={"registrar"}, states=STATES, emits=(FlagsSet,), ground="7-FZ art. 31.1, 31.4")
def set_flags(state: RegisterEntry, command: SetFlags, context: Context) -> Decision:
    require(len(set(command.flags)) == len(command.flags), FLAG_TWICE)
    return decided(FlagsSet(flags=command.flags, basis=command.basis))


@register_entry.command(AttachDocument, roles=OWN, states=STATES, emits=(DocumentAttached,), ground=LAW)
def attach_document(state: RegisterEntry, command: AttachDocument, context: Context) -> Decision:
    """`context.facts`: the bytes as they were kept; a refusal undoes that."""
    kept: Kept = context.facts
    require(is_own(context), NOT_YOURS)
    require(kept.size is not None, NOT_BASE64)
    assert kept.size is not None
    require(0 < kept.size <= MOST_BYTES, DOCUMENT_SIZE, limit=MOST_BYTES, given=kept.size)
    require(kept.is_of_type, NOT_OF_ITS_TYPE, given=command.media_type)
    require(kept.hash not in state.documents, DOCUMENT_TWICE)
    require(len(state.documents) < MAX_DOCUMENTS, TOO_MANY_DOCUMENTS, limit=MAX_DOCUMENTS)
    said = {name: getattr(command, name) for name in ("kind", "title", "media_type", "public")}
    return decided(DocumentAttached(hash=kept.hash, size=kept.size, **said), hash=kept.hash)


# -- what the events do -----------------------------------------------------------------------------------------------


@register_entry.event(StaffStated)
@register_entry.event(ExperienceStated)
@register_entry.event(InspectionRecorded)
@register_entry.event(FlagsSet)
def _said(state: RegisterEntry, event: Event) -> RegisterEntry:
    return state


@register_entry.event(DocumentAttached)
def _attached(state: RegisterEntry, event: DocumentAttached) -> RegisterEntry:
    return changed(state, documents=(*state.documents, event.hash))

"""An import of an outside list: a batch for the file, a draft for each row, completed or dropped by a person.

A file is one batch and a row one draft, whoever sends them how often: their ids follow from the file's hash and the
row's number. The event of a row holds the row as it came, what was read from it, and what a person must add.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id, derived_id
from kernel.refusal import MISSING, Refusal, require
from services.registry.domain import names
from services.registry.domain.card import HeadRef
from services.registry.domain.examination import Cell, Examination, ReaderProblem, Taken, examine, field_of
from services.registry.domain.register_entry.state import Reason

ROW_LIMIT = 10_000
CELL_LIMIT = 2_000
ROW_TEXT_LIMIT = 12_000

ROW_TOO_LONG = Refusal(
    "import_row_too_long",
    "В строке {given} знаков, принимается до {limit}.",
    "The row has {given} characters; up to {limit} are taken.",
    kind="invalid",
)

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Header = Annotated[str, StringConstraints(max_length=200)]


class Likeness(BaseModel):
    """An entry or another row that may be the same organisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    what: Literal["row", "provider"]
    id: str
    name: str


class ImportStarted(Event, readers="auditor"):
    sha256: str
    file_name: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    rows: int


class ImportRowTaken(Event, readers="auditor"):
    batch_id: str
    number: int
    line: int
    raw: tuple[Cell, ...]
    withheld: tuple[str, ...]
    taken: Taken
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    duplicates: tuple[Likeness, ...]
    head_ref: str


class ImportRowCompleted(Event, readers="auditor"):
    provider_id: str


class ImportRowDropped(Event, readers="auditor"):
    reason: str


class StartImport(Command):
    """Begin to take a file. The batch's id follows from `sha256`: a file is imported once."""

    sha256: Sha256
    file_name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    encoding: Annotated[str, StringConstraints(max_length=40)]
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)]
    columns: Annotated[tuple[Header, ...], Field(min_length=1, max_length=100)]
    rows: int = Field(ge=0, le=ROW_LIMIT)


class GivenCell(Cell):
    column: Header
    text: Annotated[str, StringConstraints(max_length=CELL_LIMIT)]


class TakeImportRow(Command):
    """One row as the reader found it: `number` from 1, `line` of the file where it begins."""

    batch_id: Id
    number: int = Field(ge=1, le=ROW_LIMIT)
    line: int = Field(ge=1, le=10_000_000)
    cells: Annotated[tuple[GivenCell, ...], Field(min_length=1, max_length=100)]
    problems: Annotated[tuple[ReaderProblem, ...], Field(max_length=4)] = ()
    head_ref: HeadRef = ""


class DropImportRow(Command):
    id: Id
    reason: Reason


class MarkImportRowCompleted(Command):
    """The row has become an application (this service's own reaction gives it)."""

    id: Id
    provider_id: Id


@dataclass(frozen=True)
class ImportBatch:
    status: str = NEW
    file_name: str = ""
    rows: int = 0


@dataclass(frozen=True)
class ImportRow:
    status: str = NEW
    batch_id: str = ""
    number: int = 0
    provider_id: str = ""


@dataclass(frozen=True)
class Known:
    """What is known beside a row: whether its batch exists, and who has a word or the INN in common with it."""

    batch: bool
    others: tuple[Other, ...] = ()


@dataclass(frozen=True)
class Other:
    what: Literal["row", "provider"]
    id: str
    name: str
    city: str
    inn: str


import_batch = Aggregate("ImportBatch", ImportBatch)
import_row = Aggregate("ImportRow", ImportRow)


def batch_of(sha256: str) -> str:
    return derived_id("import-batch", sha256)


def row_of(batch_id: str, number: int) -> str:
    return derived_id("import-row", batch_id, str(number))


@import_batch.command(
    StartImport,
    roles={"registrar"},
    states={NEW},
    emits=(ImportStarted,),
    stream=lambda command: batch_of(command.sha256),
)
def start(state: ImportBatch, command: StartImport, context: Context) -> Decision:
    unknown = tuple(column for column in command.columns if field_of(column) is None)
    return decided(
        ImportStarted(
            sha256=command.sha256,
            file_name=command.file_name,
            encoding=command.encoding,
            delimiter=command.delimiter,
            columns=command.columns,
            unknown_columns=unknown,
            rows=command.rows,
        ),
        unknown_columns=list(unknown),
    )


@import_batch.event(ImportStarted, to="started")
def _started(state: ImportBatch, event: ImportStarted) -> ImportBatch:
    return changed(state, file_name=event.file_name, rows=event.rows)


@import_row.command(
    TakeImportRow,
    roles={"registrar"},
    states={NEW},
    emits=(ImportRowTaken,),
    stream=lambda command: row_of(command.batch_id, command.number),
)
def take(state: ImportRow, command: TakeImportRow, context: Context) -> Decision:
    known: Known = context.facts
    require(known.batch, MISSING, what="ImportBatch", id=command.batch_id)
    given = sum(len(cell.column) + len(cell.text) for cell in command.cells)
    require(given <= ROW_TEXT_LIMIT, ROW_TOO_LONG, given=given, limit=ROW_TEXT_LIMIT)
    found = examine(command.cells, context.rules.by_name, command.head_ref)
    duplicates = alike(found, known.others)
    problems = (*command.problems, *found.problems, *(("possible_duplicate",) if duplicates else ()))
    taken = ImportRowTaken(
        batch_id=command.batch_id,
        number=command.number,
        line=command.line,
        raw=tuple(_kept(cell, found.withheld) for cell in command.cells),
        withheld=found.withheld,
        taken=found.taken,
        missing=found.missing,
        problems=problems,
        duplicates=duplicates,
        head_ref=command.head_ref,
    )
    return decided(taken, missing=list(found.missing), problems=list(problems), **_reply(found, duplicates))


def _kept(cell: Cell, withheld: tuple[str, ...]) -> Cell:
    return Cell(column=cell.column, text="" if cell.column in withheld else cell.text)


def _reply(found: Examination, duplicates: tuple[Likeness, ...]) -> dict[str, Any]:
    return {
        "taken": found.taken.model_dump(mode="json"),
        "duplicates": [one.model_dump(mode="json") for one in duplicates],
        "withheld": list(found.withheld),
    }


def alike(found: Examination, others: Iterable[Other]) -> tuple[Likeness, ...]:
    """Which of `others` may be the same organisation: the same INN, or like names in the same place."""
    taken = found.taken
    same = []
    for other in others:
        here = not taken.city or not other.city or names.normalised(taken.city) == names.normalised(other.city)
        named_alike = bool(taken.full_name) and here and names.may_be_the_same(taken.full_name, other.name)
        if named_alike or (taken.inn and taken.inn == other.inn):
            same.append(Likeness(what=other.what, id=other.id, name=other.name))
    return tuple(same[:20])


@import_row.event(ImportRowTaken, to="draft")
def _taken(state: ImportRow, event: ImportRowTaken) -> ImportRow:
    return changed(state, batch_id=event.batch_id, number=event.number)


@import_row.command(DropImportRow, roles={"registrar"}, states={"draft"}, emits=(ImportRowDropped,))
def drop(state: ImportRow, command: DropImportRow, context: Context) -> Decision:
    return decided(ImportRowDropped(reason=command.reason))


@import_row.event(ImportRowDropped, to="dropped")
def _dropped(state: ImportRow, event: ImportRowDropped) -> ImportRow:
    return state


@import_row.command(MarkImportRowCompleted, roles={"system"}, states={"draft"}, emits=(ImportRowCompleted,))
def mark(state: ImportRow, command: MarkImportRowCompleted, context: Context) -> Decision:
    return decided(ImportRowCompleted(provider_id=command.provider_id))


@import_row.event(ImportRowCompleted, to="completed")
def _completed(state: ImportRow, event: ImportRowCompleted) -> ImportRow:
    return changed(state, provider_id=event.provider_id)

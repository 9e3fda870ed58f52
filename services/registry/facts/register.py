"""What the register's commands need from tables, read in their transactions."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from kernel.counters import next_number
from kernel.database import lock_key
from kernel.service import Surroundings
from services.registry.domain import names
from services.registry.domain.examination import examine
from services.registry.domain.imports import DropImportRow, Known, Other, TakeImportRow
from services.registry.domain.register_entry.application import CompleteImportRow

CANDIDATES = 50


def entry_number(connection: Connection, command: Any, state: Any, at: Surroundings) -> str:
    """The next number of the register, `РП-<year>-000001`, by the year of the region's own day."""
    year = at.now.astimezone(ZoneInfo(at.rules.zone)).year
    return f"РП-{year}-{next_number(connection, f'register-{year}'):06d}"


def one_row(command: CompleteImportRow | DropImportRow) -> list[tuple[str, int]]:
    """A row is completed or dropped, not both: two streams, so a lock of their own."""
    row_id = command.row_id if isinstance(command, CompleteImportRow) else command.id
    return [("exclusive", lock_key("import-row", row_id))]


def row_status(connection: Connection, command: CompleteImportRow, state: Any, at: Surroundings) -> str | None:
    status = connection.exec_driver_sql("SELECT status FROM draft WHERE id = %s", (command.row_id,)).scalar()
    return None if status is None else str(status)


def known(connection: Connection, command: TakeImportRow, state: Any, at: Surroundings) -> Known:
    """Whether the row's batch exists, and which rows and entries share a telling word or the INN with it."""
    batch = connection.exec_driver_sql("SELECT 1 FROM batch WHERE id = %s", (command.batch_id,)).scalar()
    taken = examine(command.cells, at.rules.by_name, command.head_ref).taken
    words, inn = sorted(names.telling_words(taken.full_name)), taken.inn or "-"
    found = connection.exec_driver_sql(_ALIKE, (words, inn, CANDIDATES, words, inn, CANDIDATES)).all()
    return Known(batch is not None, tuple(Other(*row) for row in found))


# An entry's city is known by its address only, so entries are compared without one.
_ALIKE = """
(SELECT 'row', id::text, name, city, inn FROM draft
 WHERE status = 'draft' AND (words && %s::text[] OR inn = %s) ORDER BY id LIMIT %s)
UNION ALL
(SELECT 'provider', id::text, full_name, '', inn FROM provider
 WHERE words && %s::text[] OR inn = %s ORDER BY id LIMIT %s)
"""

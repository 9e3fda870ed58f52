"""Reading a register from CSV as people have it: any of the usual encodings and delimiters, quotes in any disorder.

Pure functions: bytes in, rows out. Each row carries what was wrong with its line; no line is left out, and no broken
line spoils those after it. What a row says of an organisation is read by `domain/examination.py`.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.registry.domain.examination import Cell, field_of, personal_name
from services.registry.domain.imports import ROW_LIMIT, batch_of, row_of

FILE_LIMIT = 10 * 1024 * 1024
LINES_OF_A_ROW = 10
DELIMITERS = ",;\t"

__all__ = ["RawRow", "Sheet", "Unreadable", "batch_of", "personal_name", "read_sheet", "row_of"]


class Unreadable(ValueError):
    """The file as a whole can't be taken; the text says why and what to do."""


@dataclass(frozen=True)
class RawRow:
    """A row as it came: `number` from 1, the file's `line` where it begins, cells under their headers."""

    number: int
    line: int
    cells: tuple[Cell, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A file as it was read."""

    sha256: str
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    rows: tuple[RawRow, ...]


def read_sheet(content: bytes) -> Sheet:
    """Read a CSV file. Raises Unreadable for what is no list with a header that names the organisation."""
    if len(content) > FILE_LIMIT:
        raise Unreadable(f"the file has {len(content)} bytes; up to {FILE_LIMIT} are taken: split it")
    text, encoding = _decoded(content)
    lines = re.split(r"\r\n|\n|\r", text)
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise Unreadable("the file is empty")
    delimiter, columns = _header(lines[first])
    rows = tuple(_rows(lines, first + 1, delimiter, columns))
    if len(rows) > ROW_LIMIT:
        raise Unreadable(f"the file has {len(rows)} rows; up to {ROW_LIMIT} are taken: split it")
    return Sheet(hashlib.sha256(content).hexdigest(), encoding, delimiter, columns, rows)


def _decoded(content: bytes) -> tuple[str, str]:
    if b"\0" in content:
        raise Unreadable("the file holds zero bytes: save it as CSV in UTF-8 or Windows-1251")
    try:
        text = content.decode("utf-8-sig")
        return text, "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("windows-1251"), "windows-1251"
    except UnicodeDecodeError as wrong:
        raise Unreadable(f"neither UTF-8 nor Windows-1251: byte {wrong.start}") from wrong


def _header(line: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter under which the header has most columns that we know, and the columns."""
    best = max(DELIMITERS, key=lambda sign: sum(field_of(name) is not None for name in _parsed([line], sign) or ()))
    columns = tuple(name.strip() for name in _parsed([line], best) or ())
    if "full_name" not in {field_of(name) for name in columns}:
        raise Unreadable(f"no column names the organisation; the header is: {line[:200]}")
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise Unreadable(f"two columns have one header: {', '.join(doubled)}")
    return best, columns


def _rows(lines: Sequence[str], at: int, delimiter: str, columns: tuple[str, ...]) -> Iterator[RawRow]:
    number = 0
    while at < len(lines):
        if not lines[at].strip(delimiter + " "):
            at += 1
            continue
        number += 1
        taken, cells, problems = _row(lines, at, delimiter, len(columns))
        yield RawRow(number, at + 1, _under_headers(cells, columns), tuple(problems))
        at += taken


def _row(lines: Sequence[str], at: int, delimiter: str, width: int) -> tuple[int, list[str], list[str]]:
    """(lines taken, cells, problems) of the row that begins at `at`: by the book, over several lines, or by force."""
    cells = _parsed([lines[at]], delimiter)
    if cells is not None and len(cells) == width:
        return 1, cells, []
    if cells is None:
        for more in range(2, LINES_OF_A_ROW + 1):
            several = _parsed(lines[at : at + more], delimiter) if at + more <= len(lines) else None
            if several is not None and len(several) == width:
                return more, several, []
    if cells is not None and '"' not in lines[at]:
        return (1, *_fitted(cells, width, delimiter, []))
    parts = [_unquoted(part) for part in lines[at].split(delimiter)]
    return (1, *_fitted(parts, width, delimiter, ["broken_line"]))


def _fitted(cells: list[str], width: int, delimiter: str, problems: list[str]) -> tuple[list[str], list[str]]:
    """Cells brought to the header's width. Too many: the first holds the surplus, mostly a name with commas."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    surplus = len(cells) - width
    if surplus > 0:
        joined = delimiter.join(cells[: surplus + 1])
        return [joined, *cells[surplus + 1 :]], [*problems, "columns_guessed" if width > 1 else "long_row"]
    return cells, [*problems, "short_row"] if surplus < 0 else problems


def _unquoted(part: str) -> str:
    """A cell of a line whose quotes don't add up: one outer pair is the file's, doubled ones are one."""
    text = part.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return text.replace('""', '"')


def _parsed(lines: Sequence[str], delimiter: str) -> list[str] | None:
    """The cells of one row by RFC 4180; None where its quotes don't add up."""
    try:
        found = list(csv.reader([line + "\n" for line in lines], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return [cell.rstrip("\n") for cell in found[0]] if len(found) == 1 else None


def _under_headers(cells: Sequence[str], columns: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(column=column, text=text) for column, text in zip(columns, cells, strict=False))

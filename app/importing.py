"""`./market import FILE`: a register from a CSV file, row by row, with a report of what a person must add.

Works over the bus like any other caller. It may be stopped and started again: the file and its rows are known by their
hash and number, so nothing is taken twice. A person's name goes to the vault before its row goes to the register.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from app.failure import Failure
from app.postgres import database_url
from kernel.bus.call import Caller
from kernel.bus.local import LocalBus
from kernel.host import Host
from kernel.identity import Actor, SigningKey, TokenIssuer
from kernel.ids import derived_id
from kernel.settings import Settings
from kernel.store import body_hash
from services.registry.importing import RawRow, Sheet, Unreadable, batch_of, personal_name, read_sheet, row_of
from services.registry.service import service as registry
from services.vault.service import service as vault

Give = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Gives a command ("registry.take_import_row", data) as a registrar; the answer as the bus brings it."""

OPERATOR = "operator:import"
"""The actor that the events name: who has the installation's keys, and no account. It decides on no application."""

WORDS = {
    "full_name": "наименование", "legal_form": "правовая форма", "kind": "вид поставщика", "inn": "ИНН",
    "ogrn": "ОГРН", "territory": "территория", "address": "адрес", "forms": "формы обслуживания",
    "service_kinds": "виды услуг", "head": "руководитель",
    "broken_line": "кавычки строки не сходятся", "columns_guessed": "лишние столбцы, границы угаданы",
    "short_row": "не хватает столбцов", "long_row": "лишние столбцы",
    "quotes_unbalanced": "кавычки в наименовании исправлены", "all_capitals": "наименование заглавными буквами",
    "part_of_another": "похоже на часть другой организации", "city_outside_region": "города нет в регионе",
    "coordinates_of_city": "координаты города, а не адреса", "coordinates_wrong": "координаты непригодны",
    "inn_wrong": "ИНН неверен", "ogrn_wrong": "ОГРН неверен", "phone_wrong": "телефон неверен",
    "email_wrong": "электронная почта неверна", "forms_unknown": "неизвестная форма обслуживания",
    "service_kinds_unknown": "неизвестный вид услуг", "name_is_personal": "имя человека передано в хранилище",
    "possible_duplicate": "возможно, уже есть",
}  # fmt: skip


@dataclass
class Report:
    """What became of a file's rows."""

    batch_id: str
    rows: int
    taken: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)


def main(file: Path, as_json: bool) -> int:
    """The command's body; exit status 1 when a row was not taken."""
    with as_registrar(Settings()) as give:
        report = import_file(file, give, say=(lambda line: None) if as_json else print)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2) + b"\n")
    return 1 if report.refused else 0


@contextmanager
def as_registrar(settings: Settings) -> Iterator[Give]:
    """A way to give the register and the vault commands from the installation's own machine, whose keys it needs."""
    url = database_url(settings)
    bus = LocalBus()
    hosts = [Host(service, url, settings) for service in (registry(), vault())]
    for host in hosts:
        bus.attach(host.service.name, host)
    caller = Caller(SigningKey.at(settings.keys / "gateway.key"), settings.call_deadline_s)
    issuer = TokenIssuer(SigningKey.at(settings.keys / "access.key"))
    token = issuer.issue(Actor(OPERATOR, frozenset({"registrar"})), lifetime_s=3600)

    def give(name: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        service, _, command = name.partition(".")
        return bus.command(service, command, data, caller.call(name, body_hash(data), token=token))

    try:
        yield give
    finally:
        for host in hosts:
            host.close()


def import_file(path: Path, give: Give, say: Callable[[str], None] = print) -> Report:
    """Import the file at `path`. Raises Failure where the file can't be read or the import can't begin."""
    try:
        sheet = read_sheet(path.read_bytes())
    except (OSError, Unreadable) as wrong:
        raise Failure(f"{path}: {wrong}", "give a CSV file whose first line names its columns") from wrong
    report = Report(_begin(sheet, path.name, give), len(sheet.rows))
    say(f"{path.name}: строк {report.rows}, {sheet.encoding}, разделитель «{sheet.delimiter}»")
    for row in sheet.rows:
        _take(row, report, give, say)
    say(f"взято {report.taken}, уже было {report.known}, не взято {len(report.refused)}; импорт {report.batch_id}")
    return report


def _begin(sheet: Sheet, name: str, give: Give) -> str:
    answer = give(
        "registry.start_import",
        {
            "sha256": sheet.sha256,
            "file_name": name[:255],
            "encoding": sheet.encoding,
            "delimiter": sheet.delimiter,
            "columns": list(sheet.columns),
            "rows": len(sheet.rows),
        },
    )
    if _code(answer) not in (None, "wrong_state"):  # wrong_state: begun before, to be gone on with
        raise Failure(f"the import can't begin: {answer['refused']['ru']}", "correct that and import again")
    return batch_of(sheet.sha256)


def _take(row: RawRow, report: Report, give: Give, say: Callable[[str], None]) -> None:
    row_id = row_of(report.batch_id, row.number)
    data: dict[str, Any] = {
        "batch_id": report.batch_id,
        "number": row.number,
        "line": row.line,
        "cells": [cell.model_dump() for cell in row.cells],
        "problems": list(row.problems),
        "head_ref": _into_vault(row, row_id, give),
    }
    answer = give("registry.take_import_row", data)
    if _code(answer) == "wrong_state":
        report.known += 1
        return
    if "refused" in answer:
        report.refused.append((row.number, str(_code(answer))))
        say(f"{row.number:>5}  строка {row.line}: НЕ ВЗЯТА: {answer['refused']['ru']}")
        return
    report.taken += 1
    reply = answer["reply"]
    report.missing.update(reply.get("missing", ()))
    report.problems.update(reply.get("problems", ()))
    if reply:
        say(_line(row, reply))


def _into_vault(row: RawRow, row_id: str, give: Give) -> str:
    """The reference to the person whom the row names, or nothing."""
    name, _ = personal_name(row.cells)
    if not name:
        return ""
    person_ref = derived_id("head-of-import-row", row_id)
    answer = give("vault.put_person", {"id": person_ref, "purpose": "head", "person": {"full_name": name[:200]}})
    if _code(answer) not in (None, "wrong_state"):
        why = answer["refused"]["ru"]
        raise Failure(f"the vault doesn't take the name in row {row.number}: {why}", "import again: it goes on there")
    return person_ref


def _line(row: RawRow, reply: Mapping[str, Any]) -> str:
    name = reply["taken"]["full_name"] or "(без наименования)"
    parts = [f"{row.number:>5}  {name}"]
    if reply["missing"]:
        parts.append("дополнить: " + ", ".join(WORDS.get(code, code) for code in reply["missing"]))
    if reply["problems"]:
        parts.append("проверить: " + ", ".join(WORDS.get(code, code) for code in reply["problems"]))
    for one in reply["duplicates"]:
        parts.append(f"похоже на: {one['name']}")
    return "\n       ".join(parts)


def _code(answer: Mapping[str, Any]) -> str | None:
    return answer["refused"]["code"] if "refused" in answer else None

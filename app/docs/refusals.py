"""The catalogue of refusals: every code that the market may answer with, its sentences, and the rule behind it."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.docs.tables import MADE, document, table
from kernel.refusal import Refusal
from kernel.settings import PROJECT
from services.gateway.problems import status_of

LAYERS = ("kernel", "services")


def refusals_page() -> str:
    """The catalogue, part by part of the program."""
    found = all_refusals()
    parts: list[Iterable[str]] = [
        [MADE],
        ["# Refusals"],
        [
            "A “no” is a value: a stable code for programs, a sentence in two languages for people, the rule that it",
            "follows from. The API answers it as RFC 9457 problem details with the status of the last column; in `{…}`",
            "stand the facts of the case. A refused command changes nothing, unless the refusal itself is a fact (a",
            "late bid).",
        ],
    ]
    for owner in sorted(found):
        parts.append([f"## {owner}"])
        rows = [
            (f"`{each.code}`", each.en, each.ru, each.rule or "–", str(status_of(each.to_dict())))
            for each in sorted(found[owner], key=lambda refusal: (refusal.code, refusal.en))
        ]
        parts.append(table(("code", "English", "по-русски", "rule", "HTTP"), rows))
    return document(*parts)


def all_refusals() -> dict[str, list[Refusal]]:
    """Part of the program → the refusals that its modules define; a constant imported elsewhere counts once."""
    found: dict[str, list[Refusal]] = {}
    for module in modules_with_refusals():
        owner = ".".join(module.split(".")[: 1 if module.startswith("kernel") else 2])
        for name in constants_in(_path_of(module)):
            refusal = getattr(importlib.import_module(module), name)
            if isinstance(refusal, Refusal):
                known = found.setdefault(owner.removeprefix("services."), [])
                known += [refusal] if refusal not in known else []
    return found


def modules_with_refusals() -> Iterator[str]:
    """Modules of the kernel and the services that make a Refusal, in the order of their names."""
    for layer in LAYERS:
        for path in sorted((PROJECT / layer).rglob("*.py")):
            if constants_in(path):
                yield ".".join(path.relative_to(PROJECT).with_suffix("").parts)


def constants_in(path: Path) -> list[str]:
    """The names at the top of a module that are bound to `Refusal(…)`, in order."""
    text = path.read_text(encoding="utf-8")
    if "Refusal(" not in text:
        return []
    return [
        target.id
        for statement in ast.parse(text).body
        if isinstance(statement, ast.Assign) and _makes_refusal(statement.value)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


def _makes_refusal(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Refusal"


def _path_of(module: str) -> Path:
    return PROJECT.joinpath(*module.split(".")).with_suffix(".py")

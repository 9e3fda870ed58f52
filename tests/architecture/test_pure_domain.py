"""A domain has no clock and no chance: time, ids and actors come in by its context, so that a replay gives the same.

Imports of libraries are the business of import-linter; this looks at what the standard library would offer.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPURE_MODULES = {"random", "secrets", "time", "os", "io", "socket", "subprocess", "threading", "tempfile", "logging"}
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "uuid7", "open", "print", "input"}


def impurities(source: str) -> list[str]:
    """What in `source` asks the world for something, as `line N: what`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] in IMPURE_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""] if (node.module or "").split(".")[0] in IMPURE_MODULES else []
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            names = [f"{called}()"] if called in IMPURE_CALLS else []
        found += [f"line {getattr(node, 'lineno', 0)}: {name}" for name in names]
    return found


@pytest.mark.parametrize(
    "line",
    [
        "import random",
        "import os.path",
        "from time import monotonic",
        "moment = datetime.now(UTC)",
        "day = date.today()",
        "key = uuid.uuid4()",
        "key = uuid_utils.uuid7()",
        "text = open('file').read()",
    ],
)
def test_a_planted_impurity_is_found(line: str) -> None:
    assert impurities(f"x = 1\n{line}\n")


def test_what_a_domain_may_do_is_let_pass() -> None:
    assert impurities("from datetime import datetime\nlate = context.now > state.deadline\nx = max(1, 2)\n") == []


def test_no_domain_asks_the_world() -> None:
    found = [
        f"{file.relative_to(ROOT)} {impurity}"
        for file in sorted(ROOT.glob("services/*/domain/**/*.py"))
        for impurity in impurities(file.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)

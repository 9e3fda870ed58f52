"""Every row that was asked for has a test, and the table says what came of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.faults.matrix import FAULTS, Line, Matrix


def marked() -> Iterator[int]:
    """The rows of every `pytest.mark.matrix(row, …)` in this folder."""
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.matrix":
                assert isinstance(node.args[0], ast.Constant), path.name
                yield int(str(node.args[0].value))


def test_every_row_has_a_test() -> None:
    assert set(marked()) == FAULTS.keys()


class Screen:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        self.lines.append(title)

    write_line = section


def table(outcomes: dict[str, tuple[int, dict[str, str]]]) -> list[str]:
    """What is printed for {test: (row, {phase: outcome})}."""
    matrix, screen = Matrix(), Screen()
    for test, (row, phases) in outcomes.items():
        matrix.lines[test] = [Line(row, "done to it")]
        for phase, outcome in phases.items():
            report: Any = SimpleNamespace(nodeid=test, when=phase, outcome=outcome, duration=1.0)
            matrix.pytest_runtest_logreport(report)
    summary: Any = Matrix.pytest_terminal_summary(matrix, screen)  # type: ignore[arg-type]
    next(summary)
    next(summary, None)
    return screen.lines


def test_the_table_says_what_held_what_failed_and_what_was_not_run() -> None:
    title, head, *lines = table({
        "late": (12, {"setup": "passed", "call": "passed", "teardown": "failed"}),
        "well": (1, {"setup": "passed", "call": "passed", "teardown": "passed"}),
        "bad": (2, {"setup": "passed", "call": "failed", "teardown": "passed"}),
        "gone": (3, {"setup": "skipped"}),
        "both": (6, {"setup": "passed", "call": "passed"}), "and": (6, {"setup": "passed", "call": "failed"}),
    })  # fmt: skip
    assert title == "fault matrix" and head.split() == ["row", "fault", "injected", "result", "s"]
    told = [(line.split()[0], line.split("done to it")[1].split("  ")[-2].strip()) for line in lines[:6]]
    assert [row for row, _ in told] == ["1", "2", "3", "6", "6", "12"]
    assert "holds" in lines[0] and "FAILED" in lines[1] and "not run" in lines[2] and "FAILED" in lines[5]
    assert lines[6].startswith(f"1 of {len(FAULTS)} rows hold; not shown by this run: 2, 3, 4,")

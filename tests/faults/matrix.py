"""The fault matrix: what its rows are called, and the table of them that a run prints at its end.

A test says which rows it is by `@pytest.mark.matrix(6, "kill -9 of the broker under load")`: a row's number and what
is injected. After each row the checks of `tests/faults/checks.py` hold: A accepted, B effects, C sums, D positions and
tree, E versions, F tables, R backlog.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

FAULTS = {
    1: "SIGKILL at random",
    2: "death after commit, before ack",
    3: "death after confirm, before cursor",
    4: "death at each message of a batch",
    5: "two sealers, two publishers",
    6: "broker SIGKILL",
    7: "broker application stopped",
    8: "all connections cut",
    9: "no new connections",
    10: "memory alarm",
    11: "disk alarm",
    12: "frozen broker",
    13: "queues missing",
    14: "poison message",
    15: "duplicate storm",
    16: "reordering",
    17: "database sessions terminated",
    18: "database backend SIGKILL",
    19: "database stopped at once",
    20: "COMMIT's reply lost",
    21: "black hole",
    22: "latency 100 to 500 ms",
    23: "freeze inside the sealer's lock",
    24: "long open transaction",
    29: "insider edits a row",
    33: "event withheld by a service",
    34: "state changed with no event",
    35: "clock skew and jump back",
    36: "deadline race",
    42: "same key, other body",
    43: "backlog of 10,000",
    44: "limits of descriptors and memory",
    46: "wrong broker rights",
    47: "two bookings, one room",
    48: "old event versions",
}
#: Rows whose faults don't need processes or a bus, and what else has tests of its own.
ELSEWHERE = {
    25: "deadlocks of money: tests/component/billing/test_money.py",
    31: "yesterday's dump restored: tests/deploy/test_backup.py",
    37: "early opening: tests/component/custodian/test_release.py and vault/test_vault.py",
    38: "a custodian lost: tests/component/custodian/test_release.py",
    45: "TLS of another authority: tests/deploy/test_started.py",
    46: "every account of an installation: tests/deploy/test_broker_rights.py",
    48: "the corpus of every event ever written: tests/contract/test_contracts.py",
}
_HEAD = ("row", "fault", "injected", "result", "s")


@dataclass
class Line:
    """One test of one row."""

    row: int
    injected: str
    result: str = ""
    seconds: float = 0.0


def failed(lines: Iterable[Line]) -> set[int]:
    """A row holds when all of its tests do."""
    return {line.row for line in lines if line.result == "FAILED"}


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Matrix:
    """A pytest plugin: gathers the lines of this run and prints them as a table."""

    lines: dict[str, list[Line]] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for marker in item.iter_markers("matrix"):
                row, injected = marker.args
                if row not in FAULTS:
                    raise pytest.UsageError(f"{item.nodeid}: the matrix has no row {row}")
                self.lines.setdefault(item.nodeid, []).append(Line(row, injected))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for line in self.lines.get(report.nodeid, ()):
            line.seconds += report.duration if report.when == "call" else 0.0
            if report.when == "call" or report.outcome != "passed":
                line.result = {"passed": "holds", "skipped": "not run"}.get(report.outcome, "FAILED")

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        yield
        rows = sorted(
            (line for lines in self.lines.values() for line in lines if line.result), key=lambda line: line.row
        )
        if not rows:
            return
        cells = [_HEAD, *((str(r.row), FAULTS[r.row], r.injected, r.result, f"{r.seconds:.1f}") for r in rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
        terminalreporter.section("fault matrix")
        for row in cells:
            terminalreporter.write_line(
                "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            )
        missing = sorted(FAULTS.keys() - {r.row for r in rows if r.result == "holds"} | failed(rows))
        held = f"{len(FAULTS) - len(missing)} of {len(FAULTS)} rows hold"
        terminalreporter.write_line(
            held + (f"; not shown by this run: {', '.join(map(str, missing))}" if missing else "")
        )
        for number, where in ELSEWHERE.items():
            terminalreporter.write_line(f"row {number}, {where}")

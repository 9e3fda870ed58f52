"""`./market test`: every layer of tests/ that this machine can run, with nothing skipped in silence.

What cannot run here is said before the first test and again after the last, with the way to get it; pytest's own
closing line ends the output. With `--all` a missing part is installed where that is possible, and anything skipped or
missing makes the run fail.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.failure import Failure
from app.machine import install_parts, missing_parts

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("unit", "contract", "component", "faults", "conformance", "architecture", "e2e", "integration", "deploy")


def main(layers: Sequence[str], everything: bool) -> int:
    """Runs `layers` (all that exist when empty); the exit status. `everything` is the option `--all`."""
    chosen = _chosen(layers)
    missing = missing_parts(chosen)
    problem = install_parts(missing) if everything else None
    if everything and problem is None:
        missing = missing_parts(chosen)
    gaps = [part.gap for part in missing] + ([problem] if problem else [])

    _announce(chosen, gaps)
    closing = _Closing(gaps, everything)
    status = pytest.main(["--rootdir", str(ROOT), *(str(ROOT / "tests" / layer) for layer in chosen)], [closing])
    if status == 0 and everything and (gaps or closing.skipped):
        return 1
    return int(status)


def existing_layers() -> list[str]:
    """The layers that hold at least one test."""
    return [layer for layer in LAYERS if any((ROOT / "tests" / layer).rglob("test_*.py"))]


def _chosen(layers: Sequence[str]) -> list[str]:
    existing = existing_layers()
    unknown = [layer for layer in layers if layer not in existing]
    if unknown:
        raise Failure(f"there is no layer {', '.join(unknown)}", f"choose among: {', '.join(existing)}")
    return [layer for layer in existing if not layers or layer in layers]


def _announce(chosen: Sequence[str], gaps: Sequence[str]) -> None:
    server = "MARKET_DATABASE_URL" if os.environ.get("MARKET_DATABASE_URL") else "the embedded one, for this run"
    print(f"layers: {', '.join(chosen)} · PostgreSQL: {server}")
    for line in _described(gaps):
        print(line)
    sys.stdout.flush()


def _described(gaps: Sequence[str]) -> list[str]:
    if not gaps:
        return ["everything that these tests need is on this machine"]
    return ["NOT RUN on this machine:", *(f"  * {gap}" for gap in gaps)]


class _Closing:
    """A pytest plugin: repeats the gaps after the last test, just before pytest's closing line."""

    def __init__(self, gaps: Sequence[str], everything: bool) -> None:
        self._gaps = gaps
        self._everything = everything
        self.skipped = 0

    # As the outermost wrapper its text stands after pytest's own list of skipped tests and reasons.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        yield
        self.skipped = len(terminalreporter.stats.get("skipped", []))
        terminalreporter.section("what this machine could not run")
        for line in _described(self._gaps):
            terminalreporter.write_line(line)
        if self.skipped:
            terminalreporter.write_line(f"{self.skipped} skipped, each with its reason above")
        if self._everything and (self._gaps or self.skipped):
            terminalreporter.write_line("FAILED: --all allows nothing to be missing or skipped", red=True)

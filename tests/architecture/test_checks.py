"""The checks of style, types and imports, run as tests so that one command and one closing line tell all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-logo"]


def strictly_typed() -> list[str]:
    """What must hold under `mypy --strict`: the kernel and everything that decides."""
    return ["kernel", *sorted(str(domain.relative_to(ROOT)) for domain in ROOT.glob("services/*/domain"))]


@pytest.mark.timeout(600)  # a first run of mypy reads every library
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-m", "ruff", "check", "--no-cache", "--output-format", "concise", "."], id="ruff-check"),
        pytest.param(["-m", "ruff", "format", "--check", "."], id="ruff-format"),
        pytest.param(["-m", "mypy", "--strict", *strictly_typed()], id="mypy"),
        pytest.param(LINT_IMPORTS, id="import-linter"),
    ],
)
def test_the_code_passes(arguments: list[str]) -> None:
    checked = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, f"\n{checked.stdout}{checked.stderr}"

"""`./market test` on a small project: gaps are told first and last, and `--all` lets nothing be skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PASSES = "def test_it():\n    assert 1 == 1\n"
FAILS = "def test_it():\n    assert 1 == 2\n"
SKIPS = "import pytest\n\ndef test_it():\n    pytest.skip('the moon is not full')\n"
CLOSING = "============"


def run(folder: Path, layers: dict[str, str], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `test` with `arguments` in a project whose `layers` hold one test file each."""
    (folder / "app").mkdir()
    for name in ("__init__.py", "failure.py", "machine.py", "ocds_tools.py", "testing.py"):
        shutil.copy(ROOT / "app" / name, folder / "app" / name)
    shutil.copy(ROOT / "pyproject.toml", folder / "pyproject.toml")
    for layer, text in layers.items():
        (folder / "tests" / layer).mkdir(parents=True)
        (folder / "tests" / layer / "test_it.py").write_text(text)
    everything = "--all" in arguments
    chosen = [argument for argument in arguments if argument != "--all"]
    program = f"import sys; from app.testing import main; sys.exit(main({chosen!r}, {everything}))"
    kept = {name: value for name, value in os.environ.items() if name != "MARKET_CONFORMANCE_DIR"}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**kept, "PATH": "/nonexistent", **environment},  # no apt-get and no go, whatever this machine has
        capture_output=True,
        text=True,
    )


def test_layers_that_exist_run_in_one_go_and_the_last_line_is_pytests(tmp_path: Path) -> None:
    done = run(tmp_path, {"component": PASSES, "architecture": PASSES})
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[0].startswith("layers: component, architecture")
    assert "2 passed in" in done.stdout.splitlines()[-1]


def test_only_the_named_layer_runs(tmp_path: Path) -> None:
    done = run(tmp_path, {"component": PASSES, "architecture": FAILS}, "component")
    assert done.returncode == 0
    assert "1 passed in" in done.stdout.splitlines()[-1]


def test_a_failing_test_fails_the_run(tmp_path: Path) -> None:
    assert run(tmp_path, {"component": FAILS}).returncode == 1


def test_what_is_missing_is_told_first_and_last_with_the_way_to_get_it(tmp_path: Path) -> None:
    done = run(tmp_path, {"conformance": PASSES})
    assert done.returncode == 0
    before, _, after = done.stdout.partition("test session starts")
    for part in (before, after):
        assert "MARKET_CONFORMANCE_DIR=FOLDER ./market test conformance" in part
        assert "github.com/transparency-dev/merkle" in part
        assert "apt-get install golang-go golang-golang-x-mod-dev" in part


def test_all_fails_when_a_part_is_missing_that_it_cannot_install(tmp_path: Path) -> None:
    done = run(tmp_path, {"conformance": PASSES}, "--all")
    assert done.returncode == 1
    assert "this is no Debian: install what corresponds to golang-go golang-golang-x-mod-dev by hand" in done.stdout
    assert "FAILED: --all" in done.stdout
    assert "1 passed in" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(("option", "status"), [((), 0), (("--all",), 1)])
def test_a_skip_is_listed_with_its_reason_and_fails_all(tmp_path: Path, option: tuple[str, ...], status: int) -> None:
    done = run(tmp_path, {"component": SKIPS, "faults": PASSES}, *option)
    assert done.returncode == status
    assert "the moon is not full" in done.stdout
    assert "1 skipped, each with its reason above" in done.stdout
    assert ("FAILED: --all" in done.stdout) == bool(status)

"""The command line: each command has help with an example and a body that takes its options; errors say what next."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main
from pydantic import ValidationError
from pydantic_settings import SettingsError
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from app import cli
from kernel.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def market(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
    )


def commands() -> list[tuple[str, click.Command]]:
    """Every command by its full name, groups opened."""

    def walk(prefix: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
        for name, command in group.commands.items():
            full = f"{prefix} {name}".strip()
            inner = getattr(command, "commands", None)
            yield from walk(full, command) if inner else [(full, command)]  # type: ignore[arg-type]

    return list(walk("", typer.main.get_command(cli.application)))  # type: ignore[arg-type]


def bodies_of(command: click.Command) -> list[tuple[str, list[str]]]:
    """The targets of `run_body` in the command's function, with the names of the arguments passed."""
    function = inspect.unwrap(command.callback)  # type: ignore[arg-type]
    module = sys.modules[function.__module__]
    tree = ast.parse(inspect.getsource(function))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "run_body":
            target = eval(compile(ast.Expression(node.args[0]), "target", "eval"), vars(module))  # noqa: S307
            found.append((target, [str(keyword.arg) for keyword in node.keywords]))
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_has_help_an_example_and_a_body_for_its_options(name: str, command: click.Command) -> None:
    text = command.help or ""
    assert f"./market {name}" in text and "Example: " in text
    bodies = bodies_of(command)
    assert bodies, "runs nothing"
    for target, passed in bodies:
        module, _, function = target.partition(":")
        signature = inspect.signature(getattr(importlib.import_module(module), function))
        signature.bind(**dict.fromkeys(passed))


def test_help_is_quick_because_it_loads_no_heavy_library() -> None:
    program = "import sys\nfrom app import cli\ntry:\n cli.main()\nfinally:\n print(*sys.modules, file=sys.stderr)"
    shown = subprocess.run(
        [sys.executable, "-c", program, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(shown.stderr.split())
    assert "typer" in loaded
    assert not loaded & {"sqlalchemy", "psycopg", "fastapi", "pydantic", "pytest", "jinja2", "cryptography"}


def test_an_unknown_command_fails_and_points_at_help() -> None:
    refused = market("tset")
    assert refused.returncode == 2
    assert "No such command 'tset'" in refused.stderr
    assert "for help" in refused.stderr
    assert refused.stdout == ""


def test_a_failure_is_said_on_stderr_with_the_next_step() -> None:
    refused = market("test", "no-such-layer")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "there is no layer no-such-layer" in refused.stderr and "→ choose among: " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_does_not_answer_is_named_with_its_variable() -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    with pytest.raises(OperationalError) as unreachable:
        create_engine(url).connect()
    failure = cli.as_failure(unreachable.value)
    assert failure is not None and "MARKET_DATABASE_URL" in failure.next_step


def test_a_wrong_setting_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_POOL_SIZE", "many")
    with pytest.raises(ValidationError) as wrong:
        Settings()
    failure = cli.as_failure(wrong.value)
    assert failure is not None and "MARKET_POOL_SIZE" in failure.what


def test_a_wrong_file_of_secrets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_SECRETS_DIR", "/nowhere/secrets")
    with pytest.raises(SettingsError) as wrong:
        Settings()
    failure = cli.as_failure(wrong.value)
    assert failure is not None and "/nowhere/secrets" in failure.what and "MARKET_SECRETS_DIR" in failure.next_step


def test_a_defect_is_not_dressed_up() -> None:
    assert cli.as_failure(KeyError("x")) is None

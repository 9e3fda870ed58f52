"""Every import rule of pyproject.toml catches the violation that it is there for, and lets pass what it should."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
SERVICES = (
    "registry",
    "orders",
    "providers",
    "billing",
    "access",
    "audit",
    "custodian",
    "vault",
    "opendata",
    "gateway",
)
ALLOWED = {
    "kernel/bus/nameko.py": "import eventlet\nimport nameko\n",
    "services/orders/service.py": "import kernel.bus.nameko\n",
    "services/orders/tables.py": "import sqlalchemy\n",
    "services/orders/domain/bid.py": "import kernel.money\n",
    "services/gateway/api/orders.py": "import fastapi, httpx, kernel.money\n",
    "app/demo.py": "import services.orders.service\nimport services.gateway.api.orders\nimport kernel.money\n",
}
DOMAIN_MAY_NOT = ("sqlalchemy", "psycopg", "nameko", "kombu", "fastapi", "httpx")
VIOLATIONS = [
    *(
        ("services-apart", f"services/{service}/reactions.py", f"import services.{other}.domain")
        for service, other in zip(SERVICES, SERVICES[1:] + SERVICES[:1], strict=True)
    ),
    ("kernel-below", "kernel/store.py", "from services.orders import domain"),
    ("kernel-below", "kernel/store.py", "import app"),
    ("services-below-app", "services/billing/queries/limits.py", "from app import demo"),
    *(("pure-domain", "services/orders/domain/award.py", f"import {library}") for library in DOMAIN_MAY_NOT),
    ("pure-domain", "services/vault/domain/person/decide.py", "from sqlalchemy import select"),
    ("nameko-at-the-edge", "kernel/store.py", "import nameko"),
    ("nameko-at-the-edge", "services/orders/reactions.py", "from nameko.events import event_handler"),
    ("nameko-at-the-edge", "services/orders/queries/service.py", "import nameko"),
    ("nameko-at-the-edge", "app/demo.py", "import nameko"),
    ("nameko-at-the-edge", "services/orders/service.py", "import nameko.rpc"),
    ("nameko-at-the-edge", "kernel/worker.py", "import eventlet"),
    ("gateway-alone", "services/gateway/web/pages.py", "from services.orders.domain import bid"),
]


def plant(root: Path, files: dict[str, str]) -> None:
    """A small market under `root` with the project's rules and `files` in it."""
    packages = ["kernel", "kernel/bus", "services", "app", *(f"services/{service}/domain" for service in SERVICES)]
    contents = {f"{package}/keep.py": "" for package in packages} | {"kernel/money.py": ""} | files
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in root.rglob("*/"):
        (folder / "__init__.py").touch()
    (root / "pyproject.toml").write_text(PYPROJECT.read_text())


def lint(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo", *options],
        cwd=root,
        env={"PYTHONPATH": str(root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("rule", "file", "line"), VIOLATIONS)
def test_a_planted_violation_is_caught(tmp_path: Path, rule: str, file: str, line: str) -> None:
    plant(tmp_path, {**ALLOWED, file: line + "\n"})
    linted = lint(tmp_path, "--contract", rule)
    assert linted.returncode == 1, linted.stdout + linted.stderr
    assert "0 kept, 1 broken" in linted.stdout
    importer = file.removesuffix(".py").replace("/", ".")
    assert importer in linted.stdout


def test_what_is_allowed_passes_every_rule(tmp_path: Path) -> None:
    plant(tmp_path, ALLOWED)
    linted = lint(tmp_path)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_rules_hold_before_any_service_exists(tmp_path: Path) -> None:
    for package in ("kernel", "services", "app"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.read_text())
    linted = lint(tmp_path)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_rule_has_a_planted_violation() -> None:
    rules = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    assert {rule["id"] for rule in rules} == {rule for rule, _, _ in VIOLATIONS}

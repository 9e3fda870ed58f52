"""Prometheus' files: understood by promtool, every alert played firing and silent, and nothing asked that nobody tells."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import kernel.metrics
import services.gateway.metrics
from app.deploy.dashboard import expressions
from app.deploy.generate import DEPLOY
from kernel.settings import PROJECT

FOLDER = DEPLOY / "prometheus"
RULES = [
    rule for group in yaml.safe_load((FOLDER / "rules" / "market.yml").read_text())["groups"] for rule in group["rules"]
]
TOLD_BY = (kernel.metrics, services.gateway.metrics)


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    assert found is not None
    return subprocess.run([found, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60)


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules/market.yml"),
        ("test", "rules", "tests/market.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    done = promtool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("alert", [rule["alert"] for rule in RULES])
@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"], ids=["never", "always"])
def test_a_rule_that_never_or_always_fired_would_be_noticed(alert: str, expression: str, tmp_path: Path) -> None:
    for part in ("rules", "tests"):
        shutil.copytree(FOLDER / part, tmp_path / part)
    said: dict[str, Any] = yaml.safe_load((tmp_path / "rules" / "market.yml").read_text())
    for group in said["groups"]:
        for rule in group["rules"]:
            if rule["alert"] == alert:
                rule["expr"] = expression
    (tmp_path / "rules" / "market.yml").write_text(yaml.safe_dump(said))
    assert promtool("test", "rules", str(tmp_path / "tests" / "market.yml")).returncode != 0


@pytest.mark.parametrize("expression", [*(str(rule["expr"]) for rule in RULES), *expressions()])
def test_everything_asked_of_the_market_is_told_by_its_code(expression: str) -> None:
    assert TOLD_BY  # their import is what fills the registry
    told = {f"{m.name}_total" if m.type == "counter" else m.name for m in REGISTRY.collect()}
    for name in re.findall(r"\bmarket_[a-z_]+\b", expression):
        assert name in told or name.removesuffix("_bucket") in told, f"nobody tells {name}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_has_a_runbook_that_names_it(rule: dict[str, Any]) -> None:
    page = PROJECT / rule["annotations"]["runbook"]
    assert f"`{rule['alert']}`" in page.read_text(encoding="utf-8")
    assert rule["labels"]["severity"] in ("page", "warn")

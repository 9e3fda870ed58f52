"""deploy/Dockerfile without an engine: read, held to the tree, and its contents run from a folder that holds no more."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.deploy import ports
from app.deploy.kubernetes import USER
from kernel.settings import PROJECT

TEXT = (PROJECT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
#: (instruction, arguments), lines joined and comments gone.
INSTRUCTIONS = [
    (word, rest.strip())
    for line in re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    if line.strip()
    for word, _, rest in [line.strip().partition(" ")]
]
LAST = INSTRUCTIONS[max(n for n, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]
COPIED = [tuple(shlex.split(rest)) for word, rest in LAST if word == "COPY" and not rest.startswith("--from")]
#: What the image is not for: tests and measurements, which the lock for them brings along.
LEFT_OUT = {"app.testing"}


def one(word: str) -> str:
    (found,) = [rest for name, rest in LAST if name == word]
    return found


def test_the_base_is_pinned_and_one_for_both_stages() -> None:
    bases = [rest.split()[0] for word, rest in INSTRUCTIONS if word == "FROM"]
    assert len(bases) == 2 and len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.(11|12|13)\.\d+-slim-[a-z]+", bases[0])


def test_libraries_come_by_their_hashes_as_wheels_alone() -> None:
    (pip,) = [rest for word, rest in INSTRUCTIONS if word == "RUN" and "pip install" in rest]
    assert "--require-hashes" in pip and "--only-binary=:all:" in pip and "requirements.lock" in pip
    assert not re.search(r"\b(curl|wget|apt-get|git)\b", TEXT)


def test_it_runs_as_nobody_of_the_machine() -> None:
    assert one("USER") == f"{USER}:{USER}" and f"--uid {USER}" in TEXT
    assert one("ENTRYPOINT") == '["python", "-m", "app"]' and one("STOPSIGNAL") == "SIGTERM"
    assert f"http://127.0.0.1:{ports.HTTP_PORT}{ports.LIVE}" in one("HEALTHCHECK")
    assert one("EXPOSE").split() == [str(ports.GATEWAY_PORT), str(ports.HTTP_PORT)]


def test_what_is_copied_gets_past_dockerignore_and_nothing_else_does() -> None:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert {source for source, _ in COPIED} <= let_in and {"secrets", ".market", "tests", ".git"}.isdisjoint(let_in)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the program as the image holds it."""
    root = tmp_path_factory.mktemp("image")
    for source, target in COPIED:
        place = root / target.removeprefix("/")
        if (PROJECT / source).is_dir():
            shutil.copytree(PROJECT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / source, place)
    return root / "opt" / "market"


def run(image: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARKET_", "PYTHON"))}
    settings = {"PYTHONPATH": str(image), "PYTHONSAFEPATH": "1", "MARKET_HOME": str(image.parent / "home")}
    return subprocess.run(
        [sys.executable, *arguments], cwd="/", env={**kept, **settings}, capture_output=True, text=True, timeout=110
    )


def test_everything_that_is_imported_was_copied(image: Path) -> None:
    modules = []
    for path in sorted(p for package in ("app", "kernel", "services") for p in (image / package).rglob("*.py")):
        name = ".".join(path.relative_to(image).with_suffix("").parts).removesuffix(".__init__")
        if not name.endswith("__main__") and "migrations.versions" not in name and name not in LEFT_OUT:
            modules.append(name)
    # What makes a process green must be imported first, by itself.
    green = ["kernel.bus.bootstrap", "kernel.bus.line", "kernel.bus.nameko_edge", "app.service_process"]
    for names in ([name for name in modules if name not in green], green):
        done = run(image, "-c", f"import importlib\nfor name in {names}: importlib.import_module(name)")
        assert done.returncode == 0, done.stderr[-1500:]


def test_the_program_answers_from_there(image: Path) -> None:
    assert run(image, "-m", "app", "--help").returncode == 0
    made = run(image, "-m", "app", "secrets", str(image.parent / "secrets"))  # reads contracts/
    assert made.returncode == 0 and "orders/market_amqp_url" in made.stdout, made.stderr
    refused = run(image, "-m", "app.service_process", "orders")
    assert refused.returncode != 0 and "ModuleNotFoundError" not in refused.stderr

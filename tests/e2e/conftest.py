"""One season, played by `./market demo` itself in a process of its own, for all tests that look at what it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from kernel.database import admin_url
from kernel.settings import PROJECT
from tests.conftest import databases

PLAYS_S = 400


@dataclass(frozen=True)
class PlayedSeason:
    """What a demonstration left: its database, its home with keys and bundle, and what it printed as JSON."""

    url: str
    home: Path
    report: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "MARKET_DATABASE_URL": self.url, "MARKET_HOME": str(self.home)}

    def market(self, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """A command of `./market` on this season."""
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=timeout_s,
        )  # fmt: skip


@pytest.fixture(scope="session")
def season(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedSeason]:
    home = tmp_path_factory.mktemp("season")
    with databases(postgres_dsn) as create:
        url = create(None)
        played = PlayedSeason(url, home, {})
        done = played.market("demo", "--json", timeout_s=PLAYS_S)
        assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
        yield PlayedSeason(url, home, json.loads(done.stdout))


@pytest.fixture(scope="session")
def superuser(season: PlayedSeason) -> Iterator[Engine]:
    """The season's database as its superuser sees it."""
    engine = create_engine(admin_url(season.url), pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def bundle(season: PlayedSeason, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The season's bundle, written by `./market audit bundle`."""
    path = tmp_path_factory.mktemp("bundle") / "season.zip"
    done = season.market("audit", "bundle", str(path))
    assert done.returncode == 0, done.stderr
    return path

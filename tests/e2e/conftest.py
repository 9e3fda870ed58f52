"""What the tests look at besides the season itself: its database, its bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from kernel.database import admin_url
from tests.season import PLAYS_S, PlayedSeason

__all__ = ["PLAYS_S", "PlayedSeason"]


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

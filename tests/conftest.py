"""A real PostgreSQL for every test that asks, and skips that say how to get what is missing.

The server is that of MARKET_DATABASE_URL (a superuser's DSN), else the embedded one, started for the run. Each test
works in databases of its own, which are dropped after it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from app.machine import PARTS
from app.postgres import Embedded
from tests.season import PLAYS_S, PlayedSeason


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        part = PARTS[marker.args[0]]
        if not part.is_present():
            pytest.skip(part.gap)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A superuser's DSN (`postgresql://…`) of the server that the tests use."""
    configured = os.environ.get("MARKET_DATABASE_URL")
    if configured:
        yield make_url(configured).set(drivername="postgresql").render_as_string(hide_password=False)
        return
    home = Path(tempfile.mkdtemp(prefix="market-tests-"))
    home.chmod(0o755)  # started by root, the server runs under another account and must get in
    server = Embedded(home)
    yield server.start()
    server.remove()
    shutil.rmtree(home)


@contextmanager
def databases(postgres_dsn: str) -> Iterator[Callable[[str | None], str]]:
    """Gives `create(template) -> DSN`; what it created is dropped at the end."""
    created: list[str] = []

    def create(template: str | None = None) -> str:
        name = f"market_test_{os.getpid()}_{uuid.uuid4().hex}"  # whose it is, where a run was killed
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template or "template1")
                )
            )
        created.append(name)
        return make_url(postgres_dsn).set(database=name).render_as_string(hide_password=False)

    yield create
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        for name in created:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def new_database(postgres_dsn: str) -> Iterator[Callable[[str | None], str]]:
    """`new_database(template)` creates a database (a copy of `template`, where one is named) and returns its DSN."""
    with databases(postgres_dsn) as create:
        yield create


@pytest.fixture(scope="module")
def module_database(postgres_dsn: str) -> Iterator[str]:
    """The DSN of a database that the tests of one module share."""
    with databases(postgres_dsn) as create:
        yield create(None)


@pytest.fixture
def fresh_database(new_database: Callable[[str | None], str], request: pytest.FixtureRequest) -> str:
    """The DSN of a database that nobody else uses; its template is the fixture's parameter, where it has one."""
    return new_database(getattr(request, "param", None))


@pytest.fixture(scope="session")
def season(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedSeason]:
    """One season, played by `./market demo` itself in a process of its own, for all tests that look at what it left."""
    home = tmp_path_factory.mktemp("season")
    with databases(postgres_dsn) as create:
        url = create(None)
        played = PlayedSeason(url, home, {})
        done = played.market("demo", "--json", timeout_s=PLAYS_S)
        assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
        yield PlayedSeason(url, home, json.loads(done.stdout))

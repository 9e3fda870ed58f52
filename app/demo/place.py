"""Where a season is played: a sandbox installation of its own, made anew each time.

What is removed to make room was made by a former demonstration, and says so itself: the database is a sandbox, and the
folder of keys carries a mark. A production installation, and anything that isn't known, is left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, create_engine

from app.distributed import Distributed, broker
from app.failure import Failure
from app.migrate import ensure_ready
from app.postgres import database_url
from app.processes import free_ports
from app.services import all_services
from kernel.database import admin_url
from kernel.installation import Installation
from kernel.settings import Settings

MARK = "demo"
LOG = "demo.log"
ANOTHER = "give another database in MARKET_DATABASE_URL and another folder in MARKET_HOME, or none of both"

Say = Callable[[str], None]


@contextmanager
def fresh_installation(settings: Settings, begins: datetime, say: Say) -> Iterator[Installation]:
    """A sandbox whose clock stands at `begins`, with all services running. Raises Failure where it has no place."""
    url = fresh_database(settings, begins, say)
    installation = Installation(all_services(), url, settings)
    installation.start()
    try:
        yield installation
    finally:
        installation.stop()


@contextmanager
def fresh_processes(settings: Settings, begins: datetime, say: Say) -> Iterator[Distributed]:
    """The same over RabbitMQ, each service in processes of its own, and the gateway. They tell in `<home>/demo.log`."""
    url = fresh_database(settings, begins, say)
    path = settings.home / LOG
    with broker(settings, say, emptied=True) as amqp_url, path.open("w", encoding="utf-8") as stream:
        installation = Distributed(settings, url, amqp_url, free_ports(1)[0], stream)
        say(f"starting {len(installation.supervisor.names)} processes; what they say: {path}")
        try:
            installation.start(say)
            yield installation
        finally:
            installation.stop()


def fresh_database(settings: Settings, begins: datetime, say: Say) -> str:
    """The URL of a new sandbox's database, with everything of a former demonstration removed."""
    url = database_url(settings)
    _make_room(url, settings, say)
    ensure_ready(url, settings, sandbox_from=begins)
    return url


def _make_room(url: str, settings: Settings, say: Say) -> None:
    engine = create_engine(admin_url(url), pool_size=1)
    try:
        with engine.begin() as connection:
            former = _schemas(connection)
            if former:
                _require_former_demo(connection)
                _require_unused(connection)
                say("a former demonstration is here: it is removed, and a new one begins")
                for name in former:
                    connection.exec_driver_sql(f'DROP SCHEMA "{name}" CASCADE')
    finally:
        engine.dispose()
    _make_room_for_keys(settings)


def _schemas(connection: Connection) -> list[str]:
    """The schemas of an installation that are there."""
    names = ["market", *(service.name for service in all_services())]
    rows = connection.exec_driver_sql("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", (names,))
    return sorted(rows.scalars())


def _require_former_demo(connection: Connection) -> None:
    """Raises Failure unless the installation is a sandbox: whether it is was settled before its first event."""
    known = connection.exec_driver_sql("SELECT to_regclass('market.sandbox') IS NOT NULL").scalar_one()
    if not known or not connection.exec_driver_sql("SELECT count(*) FROM market.sandbox").scalar_one():
        raise Failure("this database holds an installation that is no sandbox", ANOTHER)


def _require_unused(connection: Connection) -> None:
    """Raises Failure while services of another process are connected."""
    used = connection.exec_driver_sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'market\\_%%'"
    ).scalar_one()
    if used:
        raise Failure("another process runs the market on this database", "stop it (./market up, ./market run) first")


def _make_room_for_keys(settings: Settings) -> None:
    """A new log begins under new keys: the old ones have signed another history."""
    mark = settings.keys / MARK
    if settings.keys.exists() and any(settings.keys.iterdir()) and not mark.exists():
        raise Failure(f"{settings.keys} holds keys of an installation that is no demonstration", ANOTHER)
    shutil.rmtree(settings.keys, ignore_errors=True)
    settings.keys.mkdir(parents=True, mode=0o700)
    mark.write_text(
        "These keys were made by ./market demo, which may delete them and make new ones.\n", encoding="utf-8"
    )

"""Setting an installation up, and bringing it up to date: roles, schemas, migrations, rights, keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, create_engine, inspect

from app.migrations import upgrade
from app.postgres import database_url
from app.services import all_services
from kernel.database import admin_url
from kernel.keys import make_keys
from kernel.schema import create_market, create_roles, create_schema, finish
from kernel.service import Service
from kernel.settings import Settings


def ensure_ready(
    url: str, settings: Settings, services: Sequence[Service] | None = None, sandbox_from: datetime | None = None
) -> list[str]:
    """Bring the database at `url` (an owner's DSN) up to date in one transaction; the migrations that were applied.

    `sandbox_from` makes a new installation a sandbox, for ever. Raises ValueError for one that exists and isn't one.
    """
    chosen = list(services or all_services())
    make_keys(settings.keys, tuple(s.name for s in chosen))
    engine = create_engine(admin_url(url), pool_size=1)
    try:
        with engine.begin() as connection:
            return _bring_up(connection, chosen, settings, sandbox_from)
    finally:
        engine.dispose()


def _bring_up(
    connection: Connection, services: Sequence[Service], settings: Settings, sandbox_from: datetime | None
) -> list[str]:
    # One at a time: two starts at once would meet on the same statements.
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7209013)")
    existed = inspect(connection).has_table("sandbox", schema="market")
    create_roles(connection, services, settings)
    create_market(connection, None if existed else sandbox_from)
    if existed and sandbox_from is not None:
        sandboxes = connection.exec_driver_sql("SELECT count(*) FROM market.sandbox").scalar_one()
        if not sandboxes:
            raise ValueError("this installation is not a sandbox and can't become one")
    applied: list[str] = []
    for service in services:
        create_schema(connection, service)
        applied += upgrade(connection, service)
    finish(connection, services)
    return applied


def is_sandbox(url: str) -> bool:
    """Whether the installation at `url` is a sandbox."""
    engine = create_engine(admin_url(url), pool_size=1)
    try:
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT count(*) FROM market.sandbox").scalar_one())
    finally:
        engine.dispose()


def main() -> int:
    """Bring the database of this installation up to date."""
    settings = Settings()
    applied = ensure_ready(database_url(settings), settings)
    print("\n".join(applied) if applied else "everything is up to date")
    return 0

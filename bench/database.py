"""A database for one measurement: made on the server that the installation would use, and dropped after it."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from app.postgres import database_url
from kernel.database import admin_url
from kernel.keys import make_keys
from kernel.schema import setup
from kernel.service import Service
from kernel.settings import Settings


@contextmanager
def bench_database(services: Sequence[Service], sandbox_from: datetime | None = None) -> Iterator[tuple[str, Path]]:
    """(DSN, home with keys) of an empty installation of `services`."""
    server = admin_url(database_url(Settings()))
    name = f"market_bench_{uuid.uuid4().hex[:12]}"
    home = Path(tempfile.mkdtemp(prefix="market-bench-"))
    settings = Settings(home=home)
    make_keys(settings.keys, tuple(s.name for s in services))
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    engine = create_engine(url, pool_size=1)
    try:
        with engine.begin() as connection:
            setup(connection, services, settings, sandbox_from)
        engine.dispose()
        yield url, home
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.dispose()
        shutil.rmtree(home, ignore_errors=True)

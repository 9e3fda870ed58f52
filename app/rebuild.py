"""The body of `./market rebuild SERVICE [TABLE…]`."""

from __future__ import annotations

import sys

from sqlalchemy import create_engine

from app.failure import Failure
from app.postgres import database_url
from app.services import all_services
from kernel.database import admin_url
from kernel.rebuild import Rebuild, projections_of
from kernel.settings import Settings


def main(service: str, tables: list[str]) -> int:
    """Fill read tables anew from the logs and swap them in."""
    found = next((s for s in all_services() if s.name == service), None)
    if found is None:
        raise Failure(f"there is no service {service}", f"one of: {', '.join(s.name for s in all_services())}")
    try:
        projections = projections_of(found, tables)
    except KeyError as problem:
        raise Failure(str(problem.args[0]), "name tables of that list, or none for all") from problem
    engine = create_engine(admin_url(database_url(Settings())), pool_size=1)
    try:
        read = Rebuild(found, engine, projections).run(_progress)
    finally:
        engine.dispose()
    count = sum(len(p.tables) for p in projections)
    print(f"{service}: {count} tables rebuilt from {read:,} entries")
    return 0


def _progress(source: str, done: int, total: int) -> None:
    print(f"  {source}: {done:,} of {total:,}", file=sys.stderr)

"""The bodies of `./market parked …`."""

from __future__ import annotations

import sys

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine

from app.failure import Failure
from app.postgres import database_url
from app.services import all_services
from kernel.database import admin_url
from kernel.host import Host
from kernel.settings import Settings
from kernel.subscription import Subscription

_STREAMS = """
SELECT '{0}' AS service, p.source, p.subject, count(*) AS waiting, min(p.sequence) AS first,
    (array_agg(p.error ORDER BY p.sequence))[1] AS error, max(p.attempts) AS attempts, min(p.next_try)::text AS next_try
FROM "{0}".parked p GROUP BY p.source, p.subject
"""


def parked_streams(url: str) -> list[dict[str, object]]:
    """Every parked stream of the installation."""
    engine = create_engine(admin_url(url), pool_size=1)
    try:
        with engine.connect() as connection:
            sql = " UNION ALL ".join(_STREAMS.format(s.name) for s in all_services()) + " ORDER BY 1, 2, 5"
            return [dict(row) for row in connection.exec_driver_sql(sql).mappings()]
    finally:
        engine.dispose()


def list_parked(as_json: bool) -> int:
    """Name every parked stream."""
    found = parked_streams(database_url(Settings()))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
        return 0
    if not found:
        print("Nothing is parked.")
        return 0
    table = Table("service", "from", "stream", "waiting", "attempts", "next try", "error of the first")
    for row in found:
        table.add_row(*(str(row[k] if row[k] is not None else "by hand") for k in _SHOWN))
    Console().print(table)
    return 0


_SHOWN = ("service", "source", "subject", "waiting", "attempts", "next_try", "error")


def retry(service: str | None) -> int:
    """Try parked streams again, each from its first event; exit status 1 when some still wait."""
    settings = Settings()
    url = database_url(settings)
    services = [s for s in all_services() if service in (None, s.name)]
    if not services:
        raise Failure(f"there is no service {service}", "see ./market parked list")
    done = 0
    for one in services:
        host = Host(one, url, settings)
        try:
            done += sum(Subscription(host, source).retry_parked(everything=True) for source in one.sources)
        finally:
            host.close()
    left = [row for row in parked_streams(url) if service in (None, row["service"])]
    print(f"{done} events handled, {len(left)} streams still wait")
    return 1 if left else 0

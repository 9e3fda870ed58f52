"""`python -m bench.surge_orders`: a process of `orders` by whose rules no term takes time.

A competition may then end in a minute instead of three weeks. Everything else is what `./market run orders` runs.
"""

from __future__ import annotations

import kernel.bus.bootstrap  # isort: skip  # noqa: F401 - before anything else: it makes the process green

import sys
from pathlib import Path

from app.postgres import database_url
from app.service_process import serve
from kernel.logs import configure
from kernel.settings import Settings
from services.orders import service as orders
from services.orders.rules import Rules, load_rules
from tests.component.orders.no_terms import without_terms


def _rules(region: Path) -> Rules:
    return without_terms(load_rules(region))


def main() -> int:
    """Until SIGTERM; the exit status."""
    settings = Settings()
    configure(settings.log_level)
    orders.load_rules = _rules
    return serve(orders.service(), database_url(settings), settings)


if __name__ == "__main__":
    sys.exit(main())

"""A service process of a fault test: `python -m tests.faults.service SERVICE`.

It is `app.service_process`, which `./market run SERVICE` becomes, with the toys in place of the market's services.
`MARKET_TEST_HEARD_WITHIN_S` shortens what production gives a silent network: 20 s.
"""

from __future__ import annotations

import kernel.bus.bootstrap  # isort: skip  # noqa: F401 - before anything else: it makes the process green

import os
import sys

from app.postgres import database_url
from app.service_process import serve
from kernel.database import HEARD_WITHIN_20_S
from kernel.logs import configure
from kernel.settings import Settings
from tests.faults.toys import toys


def main(name: str) -> int:
    """The toy called `name`."""
    heard_within_s = int(os.environ.get("MARKET_TEST_HEARD_WITHIN_S", "0"))
    if heard_within_s:
        shorter = {"keepalives_idle": heard_within_s // 2, "keepalives_interval": 1, "keepalives_count": 1}
        HEARD_WITHIN_20_S.update(shorter, tcp_user_timeout=heard_within_s * 1000)
    settings = Settings()
    configure(settings.log_level)
    found = next(service for service in toys(settings.home) if service.name == name)
    return serve(found, database_url(settings), settings)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

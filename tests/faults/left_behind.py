"""What tests of faults could leave on the machine: processes that outlive them, and databases."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil
import psycopg

MARK = "MARKET_FAULTS_RUN"
"""Every process that a test starts inherits this variable, however it is started, and whoever starts it for the test."""


def processes_with(variable: str, value: str) -> list[str]:
    """Every process but this one that has the variable in its environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has just ended, or is somebody else's
            if process.pid != os.getpid() and process.environ().get(variable) == value:
                found.append(f"process {process.pid}: {' '.join(process.cmdline())}")
    return found


def databases_of_this_run(dsn: str) -> set[str]:
    """What `tests.conftest.databases` has made in this process, and has not dropped."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", (f"market_test_{os.getpid()}_%",)
        )
        return {f"database {name}" for (name,) in rows}

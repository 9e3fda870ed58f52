"""What looks for processes and databases that tests have left behind finds them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

from tests.faults.left_behind import MARK, databases_of_this_run, processes_with


def test_a_process_of_a_process_is_found_when_its_parent_is_gone() -> None:
    mark = os.environ[MARK]
    before = set(processes_with(MARK, mark))
    out = subprocess.run(
        ["sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!"], stdout=subprocess.PIPE, text=True, check=True
    )
    try:
        [found] = set(processes_with(MARK, mark)) - before
        assert found == f"process {out.stdout.strip()}: sleep 1000"
    finally:
        os.kill(int(out.stdout), 9)


def test_a_database_is_found(postgres_dsn: str, new_database: Callable[[str | None], str]) -> None:
    before = databases_of_this_run(postgres_dsn)
    name = new_database(None).rpartition("/")[2].partition("?")[0]
    assert databases_of_this_run(postgres_dsn) - before == {f"database {name}"}

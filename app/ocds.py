"""The body of `./market export ocds`: release packages and record packages as files, as the API gives them.

    releases/000001.json …   the feed in its order, 200 releases a file, tombstones beside them
    records/<ocid>.json      a record package for each process that is published
    extensions/<name>/…      the extensions that the packages name

What is new in the log is made into releases first, so that the files hold all that is public by now.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from app.asking import Asker
from app.failure import Failure
from app.postgres import database_url
from kernel.host import Host
from kernel.settings import PROJECT, Settings
from services.opendata.maker import ReleaseMaker
from services.opendata.packages import record, record_package
from services.opendata.rules import Rules
from services.opendata.service import service as opendata

EXTENSIONS = PROJECT / "contracts" / "ocds" / "extensions"
PAGE = 200
Json = dict[str, Any]


def main(out: Path) -> int:
    """Write the files into `out`, a folder that isn't there yet; it appears whole or not at all."""
    if out.exists():
        raise Failure(f"{out} is there already", "name a folder that isn't, or remove it")
    settings = Settings()
    host = Host(opendata(), database_url(settings), settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        maker = ReleaseMaker()
        while maker.make(host, patiently=True):
            pass
        releases, records = _write(unfinished, Asker(host, settings), host.rules)
        unfinished.chmod(0o755)
        os.rename(unfinished, out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    finally:
        host.close()
    print(f"{out}: {releases:,} releases, {records:,} records")
    return 0


def _write(folder: Path, ask: Asker, rules: Rules) -> tuple[int, int]:
    """How many releases and records."""
    releases = 0
    for number, package in enumerate(_pages(ask, "ocds_releases"), 1):
        _put(folder / "releases" / f"{number:06d}.json", package)
        releases += len(package["releases"])
    records = 0
    for ocid in _processes(ask):
        _put(folder / "records" / f"{ocid}.json", _record(ask, rules, ocid))
        records += 1
    shutil.copytree(EXTENSIONS, folder / "extensions")
    return releases, records


def _pages(ask: Asker, name: str, **asked: Any) -> Iterator[Json]:
    """Release packages, page after page."""
    cursor = None
    while True:
        page = ask(name, cursor=cursor, limit=PAGE, **asked)
        yield page
        cursor = page["cursor"]
        if "links" not in page:
            return


def _record(ask: Asker, rules: Rules, ocid: str) -> Json:
    """The record with all releases in it, however many: a file has no limit."""
    releases = [release for page in _pages(ask, "ocds_process", ocid=ocid) for release in page["releases"]]
    return record_package(rules, f"/processes/{ocid}/record", [record(releases)], releases[-1]["date"])


def _processes(ask: Asker) -> Iterator[str]:
    cursor = None
    while True:
        page = ask("ocds_processes", cursor=cursor, limit=PAGE)
        yield from (item["ocid"] for item in page["items"])
        cursor = page["next"]
        if cursor is None:
            return


def _put(path: Path, package: Json) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(package, option=orjson.OPT_INDENT_2) + b"\n")

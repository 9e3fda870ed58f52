"""What is asked: the feed, the releases of a process, records. All of it is for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.instants import to_text
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings, query
from services.opendata.packages import API, record, record_package, release_package

Json = dict[str, Any]
CURSOR = r"^[0-9]{1,18}$"


class Feed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    cursor: str | None = Field(
        None, pattern=CURSOR, description="`cursor` of the page before; without it, from the start"
    )
    limit: int = Field(100, ge=1, le=200)


@query(Feed)
def ocds_releases(connection: Connection, asked: Feed, at: Surroundings) -> Json:
    """A page of the feed as a release package: what was published after `cursor`, in the order of publication.

    Nothing is skipped or repeated, and a page that is full never changes. `tombstones` withdraw every earlier release
    of their ocid; they are to be applied before the page's own releases. `cursor` is where to go on, now or later.
    """
    after = int(asked.cursor or 0)
    rows = connection.exec_driver_sql(
        "SELECT position, ocid, date, body FROM release WHERE position > %s ORDER BY position LIMIT %s",
        (after, asked.limit + 1),
    ).all()
    page = _until_a_tombstone(rows[: asked.limit])
    cursor = str(page[-1].position if page else after)
    published = max((row.date for row in page), default=to_text(at.now))
    place = f"/releases?cursor={after}&limit={asked.limit}"
    found = release_package(at.rules, place, [orjson.loads(row.body) for row in page if row.body], published)
    found["tombstones"] = [
        {"position": row.position, "ocid": row.ocid, "date": row.date} for row in page if row.body is None
    ]
    found["cursor"] = cursor
    if len(rows) > len(page):
        address = f"{at.rules.open_data.address}{API}/releases?cursor={cursor}&limit={asked.limit}"
        found["links"] = {"next": address}
    return found


class OneProcess(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    ocid: str = Field(max_length=120)


@query(OneProcess)
def ocds_process(connection: Connection, asked: OneProcess, at: Surroundings) -> Json:
    """The releases of one process as a release package."""
    releases = _releases(connection, asked.ocid)
    return release_package(at.rules, f"/processes/{asked.ocid}/releases", releases, releases[-1]["date"])


@query(OneProcess)
def ocds_record(connection: Connection, asked: OneProcess, at: Surroundings) -> Json:
    """The record of one process (its releases and what they make together) as a record package."""
    releases = _releases(connection, asked.ocid)
    return record_package(at.rules, f"/processes/{asked.ocid}/record", [record(releases)], releases[-1]["date"])


class Processes(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    cursor: str | None = Field(None, pattern=CURSOR)
    limit: int = Field(50, ge=1, le=200)


@query(Processes)
def ocds_processes(connection: Connection, asked: Processes, at: Surroundings) -> Json:
    """The processes that are published, in the order in which they were: their ids, and when each last changed."""
    rows = connection.exec_driver_sql(
        'SELECT p.ocid, p."first", r.date, r.position FROM process p CROSS JOIN LATERAL '
        "(SELECT date, position FROM release WHERE ocid = p.ocid ORDER BY position DESC LIMIT 1) r "
        'WHERE p."first" > %s ORDER BY p."first" LIMIT %s',
        (int(asked.cursor or 0), asked.limit + 1),
    ).all()
    page = rows[: asked.limit]
    return {
        "items": [{"ocid": row.ocid, "changed_at": row.date, "position": row.position} for row in page],
        "next": str(page[-1].first) if len(rows) > len(page) else None,
    }


def _until_a_tombstone(rows: Sequence[Any]) -> Sequence[Any]:
    """The rows before the first tombstone that follows a release: so a page's tombstones always come first."""
    releases = False
    for number, row in enumerate(rows):
        if row.body is None and releases:
            return rows[:number]
        releases = releases or row.body is not None
    return rows


def _releases(connection: Connection, ocid: str) -> list[Json]:
    """The releases that stand. Refused as missing where there is no such process."""
    bodies = connection.exec_driver_sql(
        'SELECT body FROM release JOIN process USING (ocid) WHERE ocid = %s AND position >= "first" ORDER BY position',
        (ocid,),
    ).scalars()
    found = [orjson.loads(body) for body in bodies]
    if not found:
        raise Refused(MISSING.having(what="process", id=ocid))
    return found

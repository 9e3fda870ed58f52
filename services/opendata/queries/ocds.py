"""What is asked: the feed, the releases of a process, records. All of it is for everybody.

An answer is a message, and a message has a limit: pages end where they would become large, however many were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.instants import to_text
from kernel.refusal import MISSING, Refusal, Refused
from kernel.service import Surroundings, query
from services.opendata.merging import compiled
from services.opendata.packages import API, linked, record, record_package, release_package

Json = dict[str, Any]
CURSOR = r"^[0-9]{1,18}$"
PAGE_BYTES = 1_000_000
RECORD_BYTES = 3_000_000

RECORD_TOO_LARGE = Refusal(
    "record_too_large",
    "Запись процесса {ocid} слишком велика для одного ответа: возьмите его релизы постранично и соедините их.",
    "The record of {ocid} is too large for one answer: take its releases page by page and merge them.",
    kind="conflict",
)


class Feed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    cursor: str | None = Field(
        None, pattern=CURSOR, description="`cursor` of the page before; without it, from the start"
    )
    limit: int = Field(100, ge=1, le=200)

    @property
    def after(self) -> int:
        return int(self.cursor or 0)


@query(Feed)
def ocds_releases(connection: Connection, asked: Feed, at: Surroundings) -> Json:
    """A page of the feed as a release package: what was published after `cursor`, in the order of publication.

    Nothing is skipped or repeated, and a page that is followed by another never changes. `tombstones` withdraw every
    earlier release of their ocid; they are to be applied before the page's own releases. `cursor` is where to go on,
    now or later. A page has `limit` releases at most, fewer where they are large.
    """
    rows, more = _rows(connection, asked)
    page = _until_a_tombstone(rows)
    found = _package(at, "/releases", page, asked, more or len(page) < len(rows))
    found["tombstones"] = [
        {"position": row.position, "ocid": row.ocid, "date": row.date} for row in page if row.body is None
    ]
    return found


class OneProcess(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    ocid: str = Field(max_length=120)


class OfProcess(Feed):
    ocid: str = Field(max_length=120)


@query(OfProcess)
def ocds_process(connection: Connection, asked: OfProcess, at: Surroundings) -> Json:
    """The releases of one process that stand, as release packages: a page after another by `cursor`, as in the feed."""
    first, _, _ = _process(connection, asked.ocid)
    rows, more = _rows(connection, asked, asked.ocid, first)
    return _package(at, f"/processes/{asked.ocid}/releases", rows, asked, more)


@query(OneProcess)
def ocds_record(connection: Connection, asked: OneProcess, at: Surroundings) -> Json:
    """The record of one process as a record package: its releases (links to them where they are many) and what they

    make together.
    """
    first, date, size = _process(connection, asked.ocid)
    rows = connection.exec_driver_sql(
        "SELECT position, body FROM release WHERE ocid = %s AND position >= %s ORDER BY position", (asked.ocid, first)
    ).all()
    releases = [orjson.loads(row.body) for row in rows]
    whole = record(releases) if size <= PAGE_BYTES else _linked(at, asked.ocid, rows, releases)
    found = record_package(at.rules, f"/processes/{asked.ocid}/record", [whole], date)
    if len(orjson.dumps(found)) > RECORD_BYTES:
        raise Refused(RECORD_TOO_LARGE.having(ocid=asked.ocid))
    return found


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


_PAGE = """
SELECT position, ocid, date, body, found FROM (
    SELECT *, sum(coalesce(octet_length(body), 0)) OVER (ORDER BY position) - coalesce(octet_length(body), 0) AS before,
           count(*) OVER () AS found
    FROM (
        SELECT position, ocid, date, body FROM release
        WHERE position > %s AND (%s::text IS NULL OR (ocid = %s AND position >= %s)) ORDER BY position LIMIT %s
    ) candidates
) page WHERE before <= %s ORDER BY position
"""


def _rows(connection: Connection, asked: Feed, ocid: str | None = None, first: int = 0) -> tuple[Sequence[Any], bool]:
    """A page of rows, one at least where there is any; and whether others follow: told by the same statement, so that

    what is published meanwhile can't make a page that is still growing look like one that is followed.
    """
    given = (asked.after, ocid, ocid, first, asked.limit + 1, PAGE_BYTES)
    rows = connection.exec_driver_sql(_PAGE, given).all()
    page = rows[: asked.limit]
    return page, bool(page) and len(page) < page[0].found


def _package(at: Surroundings, place: str, page: Sequence[Any], asked: Feed, more: bool) -> Json:
    cursor = page[-1].position if page else asked.after
    published = max((row.date for row in page), default=to_text(at.now))
    bodies = [orjson.loads(row.body) for row in page if row.body]
    found = release_package(at.rules, f"{place}?cursor={asked.after}&limit={asked.limit}", bodies, published)
    found["cursor"] = str(cursor)
    if more:
        address = f"{at.rules.open_data.address}{API}{place}?cursor={cursor}&limit={asked.limit}"
        found["links"] = {"next": address}
    return found


def _until_a_tombstone(rows: Sequence[Any]) -> Sequence[Any]:
    """The rows before the first tombstone that follows a release: so a page's tombstones always come first."""
    releases = False
    for number, row in enumerate(rows):
        if row.body is None and releases:
            return rows[:number]
        releases = releases or row.body is not None
    return rows


def _process(connection: Connection, ocid: str) -> tuple[int, str, int]:
    """Where a process' standing releases begin, when it last changed, and how large they are together.

    Refused as missing where there is no such process.
    """
    found = connection.exec_driver_sql(
        'SELECT "first", max(date), sum(octet_length(body)) FROM process JOIN release USING (ocid) '
        'WHERE ocid = %s AND position >= "first" GROUP BY "first"',
        (ocid,),
    ).one_or_none()
    if found is None:
        raise Refused(MISSING.having(what="process", id=ocid))
    return found[0], found[1], int(found[2])


def _linked(at: Surroundings, ocid: str, rows: Sequence[Any], releases: Sequence[Json]) -> Json:
    """A record that names where each of its releases is."""
    links = [linked(at.rules, ocid, row.position, each) for row, each in zip(rows, releases, strict=True)]
    return {"ocid": ocid, "releases": links, "compiledRelease": compiled(releases)}

"""The feed over a real database: nothing skipped, nothing repeated, nothing changed, and what is withdrawn says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.services import all_services
from kernel import canonical
from kernel.chain import START, Link, next_entry
from kernel.database import admin_url
from kernel.settings import PROJECT
from services.audit.deposit import deposit_with
from services.audit.readers import Readers
from services.opendata.fold import Fold
from services.opendata.maker import ReleaseMaker, WrongVersion
from services.opendata.mapping import MAPPING, BookInMemory
from services.opendata.merging import compiled
from tests import opendata_story as story
from tests.conftest import databases
from tests.support import Market

Json = dict[str, Any]


class Office:
    """The audit service's tables and the open data over them: entries go in, releases come out."""

    def __init__(self, url: str, home: Path) -> None:
        self.market = Market(all_services(), url, home, None, made=True)
        self.engine = create_engine(admin_url(url))
        self.host = self.market.installation.hosts["opendata"]
        self._take = deposit_with(Readers.load(PROJECT / "contracts"))
        self._links: dict[str, Link] = {}

    def close(self) -> None:
        self.engine.dispose()
        self.market.close()

    def log(self, events: Iterable[Json]) -> None:
        """Put events into the tree, each as the next of its service."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL search_path TO audit")
            for event in events:
                source = event["source"].rsplit("/", 1)[1]
                body, link = next_entry(self._links.get(source, START), canonical.dumps(event), story.SEALED)
                self._take(connection, source, [(link.sequence, body)])
                self._links[source] = link

    def make(self, maker: ReleaseMaker | None = None) -> None:
        chosen = maker or ReleaseMaker()
        while chosen.make(self.host, patiently=True):
            pass

    def page(self, **asked: Any) -> Json:
        return self.market.ask("opendata.ocds_releases", asked)

    def record(self, ocid: str) -> Json:
        (found,) = self.market.ask("opendata.ocds_record", {"ocid": ocid})["records"]
        return dict(found)


@pytest.fixture(scope="module")
def empty(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with all tables and nothing in them."""
    with databases(postgres_dsn) as create:
        url = create(None)
        Market(all_services(), url, tmp_path_factory.mktemp("empty"), None).close()
        yield make_url(url).database or ""


@pytest.fixture
def office(empty: str, new_database: Callable[[str | None], str], tmp_path: Path) -> Iterator[Office]:
    office = Office(new_database(empty), tmp_path)
    yield office
    office.close()


def follow(office: Office, limit: int, kept: dict[str, list[Json]], cursor: str | None = None) -> str:
    """What a stranger does who reads the guide; the cursor to come back with."""
    while True:
        page = office.page(limit=limit, **({"cursor": cursor} if cursor else {}))
        for tombstone in page["tombstones"]:
            kept.pop(tombstone["ocid"], None)
        for release in page["releases"]:
            kept.setdefault(release["ocid"], []).append(release)
        cursor = str(page["cursor"])
        if "links" not in page:
            return cursor


def test_it_is_the_same_as_folding_the_log_at_once(office: Office) -> None:
    for event in story.whole():
        office.log([event])
        office.make()
    fold, expected = Fold(BookInMemory(), office.host.rules), []
    for event in story.whole():
        source = event["source"].rsplit("/", 1)[1]
        expected += [made.body for made in fold.take(story.entry_of(source, event), story.SEALED)]
    assert office.page()["releases"] == expected
    assert office.record(story.OCID)["compiledRelease"] == compiled(expected)


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
def test_pages_of_any_size_hold_everything_once_and_the_cursor_goes_on_later(office: Office, limit: int) -> None:
    office.log(story.whole()[:8])
    office.make()
    kept: dict[str, list[Json]] = {}
    cursor = follow(office, limit, kept)
    assert office.page(cursor=cursor, limit=limit)["releases"] == []
    first = office.page(limit=2)
    office.log(story.whole()[8:])
    office.make()
    follow(office, limit, kept, cursor)
    assert kept == {story.OCID: office.page()["releases"]}
    assert {**office.page(limit=2), "links": 0} == {**first, "links": 0}


def test_two_makers_at_once_make_each_release_once(office: Office) -> None:
    begin = threading.Barrier(3)

    def make() -> None:
        begin.wait()
        office.make()

    makers = [threading.Thread(target=make) for _ in range(2)]
    for maker in makers:
        maker.start()
    begin.wait()
    office.log(story.whole())
    for maker in makers:
        maker.join()
    office.make()
    ids = [release["id"] for release in office.page()["releases"]]
    assert len(ids) == len(set(ids)) == 13 and office.page()["cursor"] == "13"


def test_what_is_published_cannot_be_changed(office: Office) -> None:
    office.log(story.whole())
    office.make()
    for change in ("UPDATE opendata.release SET body = '{}'", "DELETE FROM opendata.release"):
        with pytest.raises(DBAPIError, match="only added to"), office.engine.begin() as connection:
            connection.exec_driver_sql(change)


def test_a_new_version_withdraws_and_publishes_anew(office: Office) -> None:
    """The first version knew nothing of agreements; the second tells all, also to who had followed the first."""
    office.log(story.whole()[:-3])
    first = {key: function for key, function in MAPPING.items() if "Agreement" not in key[1]}
    first |= {("orders", "AgreementSent"): lambda at: iter(())}
    office.make(ReleaseMaker(1, first))
    kept: dict[str, list[Json]] = {}
    cursor = follow(office, 3, kept)
    before = office.page(limit=5)
    assert "contracts" not in office.record(story.OCID)["compiledRelease"]

    office.make(ReleaseMaker(2))
    assert office.page(limit=5) == before
    office.log(story.whole()[-3:])
    office.make(ReleaseMaker(2))
    for late in (kept, {}):
        follow(office, 3, late, cursor if late is kept else None)
        assert late == {story.OCID: office.record(story.OCID)["releases"]}
    assert office.record(story.OCID)["compiledRelease"]["contracts"]
    assert all(release["id"].endswith("-2") for release in kept[story.OCID])


def test_a_process_that_the_new_version_does_not_tell_of_is_withdrawn(office: Office) -> None:
    office.log(story.announcement())
    office.make(ReleaseMaker(1))
    office.make(ReleaseMaker(2, {}))
    kept: dict[str, list[Json]] = {}
    follow(office, 100, kept)
    assert kept == {}
    assert office.market.ask("opendata.ocds_processes", {})["items"] == []
    assert office.market.asked("opendata.ocds_record", {"ocid": story.OCID})["refused"]["code"] == "not_found"


def test_an_older_program_publishes_nothing_over_a_newer_ones_head(office: Office) -> None:
    office.log(story.announcement())
    office.make(ReleaseMaker(2))
    with pytest.raises(WrongVersion):
        office.make(ReleaseMaker(1))
    assert len(office.page()["releases"]) == 2

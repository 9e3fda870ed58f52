"""The feed over a real database: nothing skipped, nothing repeated, nothing changed, and what is withdrawn says so."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import DBAPIError

from kernel.bus import wire
from kernel.ids import derived_id
from services.opendata import maker
from services.opendata.fold import Fold
from services.opendata.maker import ReleaseMaker, WrongVersion
from services.opendata.mapping import MAPPING, At, BookInMemory, Change
from services.opendata.merging import compiled
from services.opendata.queries import ocds
from tests import opendata_story as story
from tests.component.opendata.conftest import Office

Json = dict[str, Any]


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


def test_who_follows_while_it_grows_gets_each_release_once_and_followed_pages_stay(office: Office) -> None:
    def publish() -> None:
        for event in story.whole():
            office.log([event])
            office.make()

    publisher = threading.Thread(target=publish)
    publisher.start()
    asked: dict[str, Any] = {"limit": 2}
    pages: list[tuple[dict[str, Any], Json]] = []
    while publisher.is_alive() or "links" in pages[-1][1]:
        pages.append((dict(asked), office.page(**asked)))
        asked["cursor"] = pages[-1][1]["cursor"]
    publisher.join()
    pages.append((dict(asked), office.page(**asked)))
    ids = [release["id"] for _, page in pages for release in page["releases"]]
    assert ids == [release["id"] for release in office.page()["releases"]] and len(ids) == 13
    for again, page in pages:
        if "links" in page:
            assert office.page(**again) == page


def test_two_makers_at_once_make_each_release_once(office: Office) -> None:
    begin = threading.Barrier(3)

    def make() -> None:
        begin.wait()
        office.make()

    makers = [threading.Thread(target=make) for _ in range(2)]
    for thread in makers:
        thread.start()
    begin.wait()
    office.log(story.whole())
    for thread in makers:
        thread.join()
    office.make()
    ids = [release["id"] for release in office.page()["releases"]]
    assert len(ids) == len(set(ids)) == 13 and office.page()["cursor"] == "13"


def test_a_page_that_fails_leaves_nothing_behind(office: Office) -> None:
    def failing(at: At) -> Iterable[Change]:
        raise ZeroDivisionError

    office.log(story.whole())
    with pytest.raises(ZeroDivisionError):
        office.make(ReleaseMaker(1, {**MAPPING, ("orders", "AgreementSent"): failing}))
    assert office.page()["cursor"] == "0" and office.page()["releases"] == []
    office.make()
    assert office.page()["cursor"] == "13" and len(office.page()["releases"]) == 13


def test_how_far_it_is_behind_the_tree_is_measured(office: Office) -> None:
    def behind() -> float | None:
        return REGISTRY.get_sample_value("market_subscription_lag_events", {"service": "opendata", "source": "audit"})

    office.log([*story.providers(), *(story.of_competition("ScoresSeen", number=n) for n in range(maker.PAGE))])
    ReleaseMaker().make(office.host)
    assert behind() == 2
    office.make()
    assert behind() == 0


def test_its_role_can_read_nothing_that_is_not_public(office: Office) -> None:
    """Sealed bids are in the tree, what everybody may read is in the view: the service's own role is held to that."""
    bid = {"competition_id": story.COMPETITION, "lot_id": story.LOT, "provider_id": story.NPO, "bid_version": 1}
    sealed = story.event("orders", "BidSubmitted", f"Bid/{story.BIDS[story.NPO]}", bid)
    office.log([*story.announcement(), sealed])
    with office.host.engine.connect() as connection:
        entries = connection.exec_driver_sql('SELECT entry FROM audit.open_leaf ORDER BY "index"').scalars().all()
        assert [entry is None for entry in entries] == [False, False, False, True]
        with pytest.raises(DBAPIError, match="permission denied"):
            connection.exec_driver_sql("SELECT 1 FROM audit.leaf")


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


@pytest.fixture
def crowded(office: Office) -> Office:
    """A process with as many bids as fill several messages: 2,000 bidders with long names."""
    office.log([*story.providers(), *story.announcement()])
    for part in range(8):
        bidders = [derived_id("bidder", str(part * 250 + number)) for number in range(250)]
        office.log(story.provider(id, f"РП-2027-{part}{id[:4]}", "npo", "ж" * 300) for id in bidders)
        standing = [
            {"bid_id": derived_id("bid", id), "lot_id": story.LOT, "provider_id": id, "bid_version": 1}
            for id in bidders
        ]
        office.log([story.of_competition("StandingBidsListed", first=part * 250 + 1, standing=standing)])
    office.make()
    return office


def test_large_releases_make_short_pages_and_records_with_links(crowded: Office) -> None:
    kept: dict[str, list[Json]] = {}
    follow(crowded, 200, kept)
    assert len(kept[story.OCID]) == 10
    pages, cursor = [], None
    while cursor is None or "links" in pages[-1]:
        asked = {"ocid": story.OCID, "limit": 200, **({"cursor": cursor} if cursor else {})}
        pages.append(crowded.market.ask("opendata.ocds_process", asked))
        cursor = pages[-1]["cursor"]
    assert len(pages) > 2 and all(len(wire.reply({"reply": page})) < wire.MOST_BYTES for page in pages)
    assert [release for page in pages for release in page["releases"]] == kept[story.OCID]
    refused = crowded.market.asked("opendata.ocds_record", {"ocid": story.OCID})["refused"]
    assert refused["code"] == "record_too_large"


def test_a_record_of_many_releases_names_where_each_is(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.log(story.whole())
    office.make()
    whole = office.record(story.OCID)
    monkeypatch.setattr(ocds, "PAGE_BYTES", 1_000)
    found = office.record(story.OCID)
    assert found["compiledRelease"] == whole["compiledRelease"]
    for link, release in zip(found["releases"], whole["releases"], strict=True):
        place, _, id = link["url"].partition("#")
        cursor = place.partition("cursor=")[2].partition("&")[0]
        (there,) = office.market.ask("opendata.ocds_process", {"ocid": story.OCID, "cursor": cursor, "limit": 1})[
            "releases"
        ]
        assert (there, id, link["tag"]) == (release, release["id"], release["tag"])

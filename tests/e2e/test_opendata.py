"""A season's open data: made live as the log grew, and the same when an auditor folds the bundle; nobody's secrets in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from app.audit.bundle import open_bundle
from app.demo.data import Season
from kernel.chain import take_apart
from kernel.settings import PROJECT
from kernel.store import entry_of
from services.audit.readers import Readers
from services.opendata.fold import Fold
from services.opendata.mapping import BookInMemory
from services.opendata.rules import load_rules
from tests.e2e.conftest import PLAYS_S, PlayedSeason

pytestmark = pytest.mark.timeout(2 * PLAYS_S)

Json = dict[str, Any]


@pytest.fixture(scope="module")
def feed(season: PlayedSeason, superuser: Engine, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, Json]]:
    """Every release with the place in the tree of the entry that it came of, in the order of the feed."""
    out = tmp_path_factory.mktemp("ocds") / "season"
    done = season.market("export", "ocds", "--out", str(out))  # makes what the season's end had left to make
    assert done.returncode == 0, done.stderr
    with superuser.connect() as connection:
        rows = connection.exec_driver_sql("SELECT leaf, body FROM opendata.release ORDER BY position").all()
    return [(leaf, json.loads(body)) for leaf, body in rows]


def test_an_auditor_makes_the_same_releases_of_the_bundle(
    feed: list[tuple[int, Json]], superuser: Engine, bundle: Path
) -> None:
    """The same bytes, whoever makes them."""
    with superuser.connect() as connection:
        live = connection.exec_driver_sql("SELECT body FROM opendata.release ORDER BY position").scalars().all()
    fold = Fold(BookInMemory(), load_rules(PROJECT / "region"))
    readers = Readers.load(PROJECT / "contracts")
    made = []
    with open_bundle(bundle) as opened:
        for source, entry in opened.in_tree_order():
            parts = take_apart(entry)
            event = orjson.loads(parts.event)
            reading = readers.reading(event["type"], event["data"])
            if reading.public and reading.gate is None:
                made += [
                    orjson.dumps(release.body).decode()
                    for release in fold.take(entry_of(source, event), parts.sealedat)
                ]
    assert len(feed) == len(made) > 500
    assert list(live) == made


def test_it_tells_of_every_procedure_of_the_season(feed: list[tuple[int, Json]]) -> None:
    tags = {tag for _, release in feed for tag in release["tag"]}
    assert tags == {
        "tender", "tenderUpdate", "tenderAmendment", "tenderCancellation", "award", "awardUpdate", "awardCancellation",
        "contract", "contractUpdate", "contractTermination", "implementation", "implementationUpdate",
    }  # fmt: skip
    parts = {part for _, release in feed for part in ("complaints", "bids", "relatedProcesses") if part in release}
    assert parts == {"complaints", "bids", "relatedProcesses"}


@pytest.mark.parametrize(
    ("event", "secret"),
    [("BiddingClosed", ("tenderer",)), ("BidsOpened", ("unitPrice", "volume"))],
)
def test_bids_are_told_of_at_the_closing_and_priced_at_the_opening(
    feed: list[tuple[int, Json]], superuser: Engine, event: str, secret: tuple[str, ...]
) -> None:
    with superuser.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT split_part(subject, '/', 2), min(\"index\") FROM audit.leaf WHERE type = %s GROUP BY 1",
            (f"market.orders.{event}.v1",),
        ).all()
    opened: dict[str, int] = dict(map(tuple, rows))
    assert len(opened) > 5
    for leaf, release in feed:
        told = json.dumps(release)
        if any(f'"{word}"' in told for word in secret):
            assert leaf >= opened[release["ocid"].partition("competition-")[2]]


def test_no_person_of_the_season_is_named(feed: list[tuple[int, Json]], season: PlayedSeason) -> None:
    told = json.dumps([release for _, release in feed], ensure_ascii=False)
    people = {organisation.head for organisation in Season(PROJECT / "region").organisations if organisation.head}
    people |= {json.loads(path.read_bytes())["login"] for path in (season.home / "accounts").glob("*.json")}
    assert len(people) > 30
    assert [name for name in people if f'"{name}"' in told or (" " in name and name in told)] == []
    assert "ОГРНИП" not in told

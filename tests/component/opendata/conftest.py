"""The audit service's tables and the open data over them, in a database of each test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from app.services import all_services
from kernel import canonical
from kernel.chain import START, Link, next_entry
from kernel.database import admin_url
from kernel.settings import PROJECT
from services.audit.deposit import deposit_with
from services.audit.readers import Readers
from services.opendata.maker import ReleaseMaker
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

"""The open data over HTTP: for everybody, as packages, with the extension that they name."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from kernel.settings import PROJECT
from services.gateway.app import create_app
from tests import opendata_story as story
from tests.component.opendata.conftest import Office

EXTENSION = PROJECT / "contracts" / "ocds" / "extensions" / "social_order"


@pytest.fixture
def published(office: Office) -> Office:
    office.log(story.whole())
    office.make()
    return office


def get(office: Office, *addresses: str) -> list[httpx.Response]:
    """Answers to a visitor without an account."""
    app = create_app(office.market.installation.bus, office.market.settings)

    async def run() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://market.test") as client:
            return [await client.get(address) for address in addresses]

    return asyncio.run(run())


def body(office: Office, address: str) -> dict[str, Any]:
    (answer,) = get(office, address)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json", answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_feed_is_followed_by_its_links(published: Office) -> None:
    address, ids = "/api/v1/ocds/releases?limit=5", []
    while address:
        page = body(published, address)
        assert (
            page["version"] == "1.1"
            and page["publisher"]["name"]
            and page["uri"].endswith(address.partition("?")[2][-7:])
        )
        ids += [release["id"] for release in page["releases"]]
        address = page.get("links", {}).get("next", "").removeprefix("https://market.example")
    assert len(ids) == len(set(ids)) == 13


def test_a_process_has_its_releases_and_its_record(published: Office) -> None:
    (process,) = body(published, "/api/v1/ocds/processes")["items"]
    releases = body(published, f"/api/v1/ocds/processes/{process['ocid']}/releases")["releases"]
    (record,) = body(published, f"/api/v1/ocds/processes/{process['ocid']}/record")["records"]
    assert record["releases"] == releases and record["compiledRelease"]["date"] == process["changed_at"]


def test_the_extension_that_packages_name_is_there_byte_for_byte(published: Office) -> None:
    named = body(published, "/api/v1/ocds/releases")["extensions"][-1].removeprefix("https://market.example")
    files = [path for path in EXTENSION.rglob("*") if path.is_file()]
    folder = named.removesuffix("extension.json")
    answers = get(published, *(folder + path.relative_to(EXTENSION).as_posix() for path in files))
    assert [answer.content for answer in answers] == [path.read_bytes() for path in files]


def test_nothing_else_is_served_from_there_and_what_is_not_there_is_missing(published: Office) -> None:
    answers = get(
        published,
        "/api/v1/ocds/extensions/../../readers.json",
        "/api/v1/ocds/extensions/%2e%2e/%2e%2e/readers.json",
        "/api/v1/ocds/extensions/social_order/no.json",
        "/api/v1/ocds/processes/ocds-213czf-nothing/record",
        "/api/v1/ocds/releases?cursor=-1",
    )
    assert [answer.status_code for answer in answers] == [404, 404, 404, 404, 422]

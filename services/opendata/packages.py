"""Release packages and record packages: what stands around releases, so that a file explains itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.opendata.merging import compiled
from services.opendata.rules import Rules

Json = dict[str, Any]

PUBLISHED_EXTENSIONS = ("lots", "bid", "enquiry")
OWN_EXTENSION = "social_order"
_PUBLISHED = "https://raw.githubusercontent.com/open-contracting-extensions/ocds_{}_extension/v1.1.5/extension.json"
API = "/api/v1/ocds"


def extensions(rules: Rules) -> list[str]:
    """The addresses of the extensions that releases use; copies of all are in contracts/ocds."""
    own = f"{rules.open_data.address}{API}/extensions/{OWN_EXTENSION}/extension.json"
    return [*(_PUBLISHED.format(name) for name in PUBLISHED_EXTENSIONS), own]


def release_package(rules: Rules, place: str, releases: Sequence[Mapping[str, Any]], published: str) -> Json:
    """A release package. `place`: its address below /api/v1/ocds; `published`: when it was, or when its last was."""
    return {**_metadata(rules, place, published), "releases": list(releases)}


def record_package(rules: Rules, place: str, records: Sequence[Mapping[str, Any]], published: str) -> Json:
    return {**_metadata(rules, place, published), "records": list(records)}


def record(releases: Sequence[Mapping[str, Any]]) -> Json:
    """A process with all of its releases and what they make together."""
    return {"ocid": releases[0]["ocid"], "releases": list(releases), "compiledRelease": compiled(releases)}


def linked(rules: Rules, ocid: str, position: int, release: Mapping[str, Any]) -> Json:
    """A release as a record names it: the address of a package that holds it alone."""
    place = f"{API}/processes/{ocid}/releases?cursor={position - 1}&limit=1"
    return {"url": f"{rules.open_data.address}{place}#{release['id']}", "date": release["date"], "tag": release["tag"]}


def _metadata(rules: Rules, place: str, published: str) -> Json:
    region = rules.open_data
    return {
        "uri": f"{region.address}{API}{place}",
        "version": "1.1",
        "publishedDate": published,
        "publisher": {"name": region.publisher, "uri": region.publisher_uri},
        "license": region.license,
        "publicationPolicy": region.publication_policy,
        "extensions": extensions(rules),
    }

"""The season's register as HSDS 3.0: every organization is valid by the specification's own schemas."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.season import PLAYS_S, PlayedSeason

pytestmark = [pytest.mark.needs("conformance"), pytest.mark.timeout(2 * PLAYS_S)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def schema() -> Json:
    path = Path(os.environ["MARKET_CONFORMANCE_DIR"]) / "hsds" / "3.0" / "schema" / "compiled" / "organization.json.gz"
    found: Json = json.loads(gzip.decompress(path.read_bytes()))
    return found


@pytest.fixture(scope="module")
def exported(season: PlayedSeason, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("register")
    for ending in ("json", "geojson", "csv"):
        done = season.market("export", "hsds", "--out", str(folder / f"register.{ending}"))
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def organizations(exported: Path) -> list[Json]:
    found: list[Json] = json.loads((exported / "register.json").read_bytes())["contents"]
    return found


def errors(schema: Json, organization: Json) -> list[str]:
    """What the specification has against it: its schema strictly, and no field that the specification hasn't."""
    checker = jsonschema.Draft202012Validator(strict(schema), format_checker=jsonschema.FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(organization)]


def strict(schema: Any) -> Any:
    """The schema, with every object closed: the published one would take any field under any name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed["additionalProperties"] = False
    return closed


def test_every_organization_is_valid(schema: Json, organizations: list[Json]) -> None:
    assert len(organizations) > 30
    assert {one["id"]: found for one in organizations if (found := errors(schema, one))} == {}


@pytest.mark.parametrize(
    "change",
    [{"id": "7"}, {"name": None}, {"colour": "red"}, {"services": [{"id": "x", "name": "a", "status": "open"}]}],
)
def test_the_check_finds_what_is_wrong(schema: Json, organizations: list[Json], change: Json) -> None:
    assert errors(schema, {**organizations[0], **change})


def test_ids_are_unique_and_lead_somewhere(organizations: list[Json]) -> None:
    locations = [place for one in organizations for place in one.get("locations", [])]
    services = [service for one in organizations for service in one["services"]]
    for things in (organizations, locations, services):
        ids = [thing["id"] for thing in things]
        assert len(ids) == len(set(ids)) > 0
    at = [place["location_id"] for service in services for place in service.get("service_at_locations", [])]
    assert set(at) <= {place["id"] for place in locations}


def test_persons_have_no_name_number_or_address(organizations: list[Json], exported: Path) -> None:
    persons = [one for one in organizations if one["name"].startswith("Индивидуальный предприниматель")]
    assert persons
    for one in persons:
        assert not {"tax_id", "email", "phones", "locations"} & set(one)
        assert [number["identifier_scheme"] for number in one["organization_identifiers"]] == ["register"]
    table = (exported / "register.csv").read_text(encoding="utf-8")
    assert "ОГРНИП" not in table + (exported / "register.json").read_text(encoding="utf-8")


def test_map_and_table_hold_the_same_providers(organizations: list[Json], exported: Path) -> None:
    features = json.loads((exported / "register.geojson").read_bytes())["features"]
    located = {one["id"] for one in organizations if "latitude" in one.get("locations", [{}])[0]}
    assert {one["id"] for one in features} == located != set()
    with (exported / "register.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    numbers = {n["identifier"] for one in organizations for n in one["organization_identifiers"]}
    assert len(rows) == len(organizations) and {row["number"] for row in rows} <= numbers
    for one in features:
        longitude, latitude = one["geometry"]["coordinates"]
        assert -180 <= longitude <= 180 and -90 <= latitude <= 90

"""The season's open data, checked by the standard's own tools: libcoveocds finds no error, ocdskit makes our records."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app import ocds_tools
from kernel.settings import PROJECT
from services.opendata.packages import OWN_EXTENSION, PUBLISHED_EXTENSIONS
from tests.season import PLAYS_S, PlayedSeason

pytestmark = [
    pytest.mark.needs("conformance"),
    pytest.mark.needs("ocds-tools"),
    pytest.mark.timeout(2 * PLAYS_S),
]

TAG = "1__1__5"
EXTENSIONS = PROJECT / "contracts" / "ocds" / "extensions"
Json = dict[str, Any]


@dataclass(frozen=True)
class Tools:
    """The tools, with a folder in place of the web: the standard, and the extensions as this repository has them."""

    web: Path
    standard: Path

    def run(self, module: str, *arguments: str, given: bytes = b"") -> bytes:
        """What a tool prints."""
        offline = Path(__file__).with_name("offline.py")
        command = [str(ocds_tools.PYTHON), str(offline), str(self.web), module, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return done.stdout

    def check(self, package: Path) -> Json:
        found: Json = json.loads(self.run("libcoveocds", "--standard-zip", str(self.standard), str(package)))
        return found


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    web = tmp_path_factory.mktemp("web")
    given = Path(os.environ["MARKET_CONFORMANCE_DIR"]) / "ocds" / f"standard-{TAG}.zip"
    with zipfile.ZipFile(given) as archive:
        archive.extractall(web / "unpacked")
    (unpacked,) = (web / "unpacked").iterdir()
    downloads = web / "codeload.github.com" / "open-contracting" / "standard" / "zip"
    standard = zipped(unpacked, downloads / f"{TAG}.zip")
    shutil.copy(standard, downloads / TAG)
    schemas = web / "standard.open-contracting.org" / "schema"
    shutil.copytree(unpacked / "schema", schemas / TAG)
    (schemas / "index.html").write_text(f'<a href="{TAG}/">{TAG}</a>', encoding="utf-8")
    for name in PUBLISHED_EXTENSIONS:
        archives = web / "github.com" / "open-contracting-extensions" / f"ocds_{name}_extension" / "archive"
        zipped(EXTENSIONS / name, archives / "v1.1.5.zip")
    own = web / "market.example" / "api" / "v1" / "ocds" / "extensions"
    shutil.copytree(EXTENSIONS / OWN_EXTENSION, own / OWN_EXTENSION)
    return Tools(web, standard)


def zipped(folder: Path, target: Path) -> Path:
    """An archive as the forge makes it: it begins with the folder itself, which the tools count on."""
    target.parent.mkdir(parents=True)
    with zipfile.ZipFile(target, "w") as archive:
        for path in [folder, *sorted(folder.rglob("*"))]:
            archive.write(path, path.relative_to(folder.parent))
    return target


@pytest.fixture(scope="module")
def exported(season: PlayedSeason, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ocds") / "season"
    done = season.market("export", "ocds", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


def packages(folder: Path) -> list[Json]:
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


def problems(found: Json) -> Json:
    """What libcoveocds has against a package; additional values of open codelists are what they are for."""
    extensions = found["extensions"]
    failed = {one["url"]: one["failed_codelists"] for one in extensions["extensions"] if one["failed_codelists"]}
    told = {
        name: found[name]
        for name in (
            "validation_errors",
            "deprecated_fields",
            "additional_closed_codelist_values",
            "additional_checks",
            "all_additional_fields",
        )
    }
    told |= {"invalid_extension": extensions["invalid_extension"], "failed_codelists": failed}
    return {name: what for name, what in told.items() if what}


def test_release_packages_have_no_error(tools: Tools, exported: Path) -> None:
    files = sorted((exported / "releases").glob("*.json"))
    assert len(files) > 1
    for path in files:
        found = tools.check(path)
        # Beside the standard's own fields a package says where the feed goes on.
        extra = {one["path"].strip("/") + "/" + one["field_name"] for one in found["all_additional_fields"]}
        assert extra <= {"/cursor", "/tombstones", "/links", "links/next"}
        found["all_additional_fields"] = []
        assert problems(found) == {}, path.name
        assert found["count"] == len(json.loads(path.read_bytes())["releases"])


def test_record_packages_have_no_error(tools: Tools, exported: Path) -> None:
    files = sorted((exported / "records").glob("*.json"))
    feed = [release for package in packages(exported / "releases") for release in package["releases"]]
    assert len(files) == len({release["ocid"] for release in feed}) > 10
    for path in files:
        assert problems(tools.check(path)) == {}, path.name


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [
        (("tender", "status"), "ended", "additional_closed_codelist_values"),
        (("tender", "colour"), "red", "all_additional_fields"),
        (("tender", "lots"), [{"id": "a", "status": "gone"}], "additional_closed_codelist_values"),
        (("bids",), {"details": [{"id": "b", "unitPrice": {"amount": "1"}}]}, "validation_errors"),
    ],
)
def test_the_check_finds_what_is_wrong(
    tools: Tools, exported: Path, tmp_path: Path, place: tuple[str, ...], value: Any, what: str
) -> None:
    whole = packages(exported / "releases")[0]
    package = {name: part for name, part in whole.items() if name not in ("cursor", "tombstones", "links")}
    part = next(release for release in package["releases"] if release["tag"] == ["tender"])
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    spoilt = tmp_path / "spoilt.json"
    spoilt.write_text(json.dumps(package), encoding="utf-8")
    assert what in problems(tools.check(spoilt))


def test_the_releases_compile_to_the_records_that_are_published(tools: Tools, exported: Path) -> None:
    feed = "\n".join(json.dumps(package) for package in packages(exported / "releases"))
    made = tools.run("ocdskit", "compile", given=feed.encode())
    compiled = {one["ocid"]: one for one in map(json.loads, made.splitlines())}
    published = [record for package in packages(exported / "records") for record in package["records"]]
    assert len(published) == len(compiled) > 1
    for record in published:
        assert record["compiledRelease"] == compiled[record["ocid"]]

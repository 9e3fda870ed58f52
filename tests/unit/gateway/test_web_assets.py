"""What is shipped under static/ is what the sources say, complete with its licences, and names no other host."""

import hashlib
import json
import re

import pytest

from services.gateway.web import STATIC_DIR
from services.gateway.web.theme import static_link

ASSETS = STATIC_DIR.parent / "assets"
CSS = (STATIC_DIR / "market.css").read_text(encoding="utf-8")


def test_the_stylesheet_was_built_from_these_sources() -> None:
    """The same hash as `sourcesHash` in assets/build.mjs. When it differs: npm ci && npm run build."""
    digest = hashlib.sha256()
    names = [f"scss/{path.name}" for path in sorted((ASSETS / "scss").iterdir())]
    for name in [*names, "package-lock.json"]:
        digest.update(f"{name}\n".encode())
        digest.update((ASSETS / name).read_bytes())
    assert f"sources sha256 {digest.hexdigest()} " in CSS


@pytest.mark.parametrize("name", ["market.js", "icon.svg"])
def test_files_that_are_only_copied_are_the_same(name: str) -> None:
    assert (STATIC_DIR / name).read_bytes() == (ASSETS / name).read_bytes()


def test_every_file_that_the_stylesheet_names_is_there_and_no_other_host() -> None:
    addresses = re.findall(r"url\(\"?([^)\"]+)", CSS)
    assert len(addresses) == 6
    assert all((STATIC_DIR / address).is_file() for address in addresses)
    assert not any(":" in address or address.startswith("/") for address in addresses)
    assert "@import" not in CSS
    assert "\ufeff" not in CSS, "a byte order mark in the middle swallows the rule after it"


def test_the_face_is_ours() -> None:
    assert "GDS Transport" not in CSS
    assert CSS.count("@font-face") == 6
    for subset, character in (("cyrillic", "U+0400-045F"), ("latin", "U+0000-00FF"), ("latin-ext", "U+20BD")):
        rule = re.search(rf"@font-face\{{[^}}]*golos-text-{subset}-400[^}}]*\}}", CSS)
        assert rule and character in rule[0]


def test_licences_lie_beside_what_they_cover() -> None:
    assert "SIL OPEN FONT LICENSE" in (STATIC_DIR / "licences" / "golos-text-OFL.txt").read_text().upper()
    assert "MIT License" in (STATIC_DIR / "licences" / "govuk-frontend-MIT.txt").read_text()


def test_the_lock_names_no_host_and_pins_every_package_by_hash() -> None:
    text = (ASSETS / "package-lock.json").read_text()
    assert "://" not in text
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert packages["node_modules/govuk-frontend"]["version"] == "6.3.0"
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())


def test_the_first_view_is_light() -> None:
    """Bytes of a first page without compression: the stylesheet, the script and the fonts of a Russian page."""
    fonts = sum(path.stat().st_size for path in (STATIC_DIR / "fonts").iterdir())
    assert len(CSS.encode()) < 140_000
    assert fonts < 60_000
    assert (STATIC_DIR / "market.js").stat().st_size < 2_000


def test_an_address_changes_with_the_content() -> None:
    digest = hashlib.sha256((STATIC_DIR / "market.css").read_bytes()).hexdigest()
    assert static_link("market.css") == f"/static/market.css?v={digest[:12]}"
    with pytest.raises(FileNotFoundError):
        static_link("no-such-file.css")

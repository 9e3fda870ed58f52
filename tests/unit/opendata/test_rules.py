"""What a region says about its open data is checked when it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.settings import PROJECT
from services.opendata.rules import load_rules

SAMPLE = (PROJECT / "region" / "region.toml").read_text(encoding="utf-8")


def region(folder: Path, before: str, after: str) -> Path:
    assert before in SAMPLE
    (folder / "region.toml").write_text(SAMPLE.replace(before, after), encoding="utf-8")
    return folder


def test_the_sample_is_right() -> None:
    rules = load_rules(PROJECT / "region")
    assert rules.ocid("competition", "1") == "ocds-213czf-competition-1"
    assert rules.day("2027-03-01") == "2027-03-01T00:00:00+03:00"
    assert rules.day("2027-03-01", last_second=True) == "2027-03-01T23:59:59+03:00"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("[open_data]", "[opened_data]", "has no \\[open_data\\]"),
        ('"ocds-213czf"', '"ocds-1"', "ocid_prefix"),
        ('address = "https://market.example"', 'address = "https://market.example/"', "address"),
        ('address = "https://market.example"', 'adress = "https://market.example"', "adress"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, before: str, after: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        load_rules(region(tmp_path, before, after))

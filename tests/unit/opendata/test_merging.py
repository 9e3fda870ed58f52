"""Merging by hand-made cases; `tests/conformance` holds it against the standard's own tool on a whole season."""

from __future__ import annotations

from typing import Any

from services.opendata.merging import compiled


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    releases = [
        {"ocid": "o", "id": str(n), "date": f"2027-01-0{n}", "tag": ["tender"], **p} for n, p in enumerate(parts, 1)
    ]
    return compiled(releases)


def test_fields_are_replaced_and_objects_merge() -> None:
    made = merged(
        {"tender": {"id": "t", "status": "planned"}}, {"tender": {"id": "t", "status": "active", "title": "a"}}
    )
    assert made["tender"] == {"id": "t", "status": "active", "title": "a"}


def test_lists_merge_by_id_in_the_order_of_their_first_appearance() -> None:
    made = merged({"awards": [{"id": "b"}, {"id": "a", "x": 1}]}, {"awards": [{"id": "a", "y": 2}, {"id": "c"}]})
    assert made["awards"] == [{"id": "b"}, {"id": "a", "x": 1, "y": 2}, {"id": "c"}]


def test_lists_of_words_and_lists_that_the_schema_says_so_of_are_replaced() -> None:
    made = merged(
        {"parties": [{"id": "p", "roles": ["a"], "additionalIdentifiers": [{"id": "1"}]}]},
        {"parties": [{"id": "p", "roles": ["b"], "additionalIdentifiers": [{"id": "2"}]}]},
    )
    assert made["parties"] == [{"id": "p", "roles": ["b"], "additionalIdentifiers": [{"id": "2"}]}]


def test_null_takes_a_field_away() -> None:
    assert "x" not in merged({"x": "1"}, {"x": None}) and "x" in merged({"x": "1"}, {"x": None}, {"x": "2"})


def test_the_compiled_release_says_which_it_is() -> None:
    made = merged({}, {})
    assert (made["tag"], made["id"], made["date"]) == (["compiled"], "o-2027-01-02", "2027-01-02")


def test_releases_are_left_as_they_were() -> None:
    first = {"ocid": "o", "id": "1", "date": "1", "tag": ["award"], "awards": [{"id": "a", "items": [{"id": "i"}]}]}
    second = {"ocid": "o", "id": "2", "date": "2", "tag": ["award"], "awards": [{"id": "a", "items": [{"id": "j"}]}]}
    compiled([first, second])
    assert first["awards"] == [{"id": "a", "items": [{"id": "i"}]}]

"""Reading a request: what JSON may hold, what an address means, which types a contract gives to text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from kernel import canonical
from kernel.refusal import Refused
from services.gateway.api.reading import merged, parse_object, query_parameters, typed
from services.gateway.contracts import Contract

DEPTH = 32

contract = Contract(
    "toy",
    "ask",
    "query",
    {
        "$defs": {"Colour": {"enum": ["red", "green"], "type": "string"}},
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
            "limit": {"type": "integer"},
            "year": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "all": {"type": "boolean"},
            "colour": {"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}]},
            "q": {"type": "string"},
            "refs": {"type": "array", "items": {"type": "string"}},
        },
    },
    frozenset({"public"}),
)

plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(min_codepoint=32, max_codepoint=126)), plain_json, max_size=5))
def test_what_canonical_json_can_hold_is_read_as_it_is(value: dict[str, Any]) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    assert parse_object(body, DEPTH) == value
    canonical.dumps(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = parse_object(body, DEPTH)
    except Refused as refused:
        assert refused.refusal.code in ("malformed_json", "invalid_input")
    else:
        canonical.dumps(value)


@given(st.recursive(plain_json | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_passes_is_canonical(value: Any) -> None:
    """Nothing that the kernel couldn't hash gets past the edge."""
    try:
        read = parse_object(json.dumps({"value": value}).encode(), DEPTH)
    except Refused:
        return
    canonical.dumps(read)


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ('{"a": [1, {"b": 0.5}]}', "fraction", "/a/1/b"),
        ('{"a~b": {"c/d": 1e3}}', "fraction", "/a~0b/c~1d"),
        ('{"a": 9007199254740992}', "integer_too_large", "/a"),
        ('{"a": 99999999999999999999999}', "integer_too_large", "/a"),
        ('{"a": "\\u0000"}', "zero_character", "/a"),
        ('{"ключ": 1}', "name_not_ascii", "/ключ"),
        ("3", "object", ""),
        ('{"a": ' + "[" * 32 + "]" * 32 + "}", "too_deep", "/a" + "/0" * 31),
    ],
)
def test_each_wrong_place_is_named(body: str, code: str, pointer: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_object(body.encode(), DEPTH)
    [error] = caught.value.refusal.details["errors"]
    assert (error["code"], error["pointer"]) == (code, pointer)


def test_at_most_twenty_places_are_named() -> None:
    with pytest.raises(Refused) as caught:
        parse_object(json.dumps({"a": [0.5] * 1000}).encode(), DEPTH)
    assert len(caught.value.refusal.details["errors"]) == 20


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=5&all=true&q=5&colour=red", {"limit": 5, "all": True, "q": "5", "colour": "red"}),
        ("year=2027", {"year": 2027}),
        ("year=", {"year": None}),
        ("colour=", {}),  # nothing chosen in a form
        ("q=", {"q": ""}),
        ("limit=five&all=yes", {"limit": "five", "all": "yes"}),  # the service says what is wrong
        ("limit=007", {"limit": "007"}),
        ("refs=a&refs=b", {"refs": ["a", "b"]}),
        ("unknown=1", {"unknown": "1"}),
    ],
)
def test_parameters_get_their_types_from_the_contract(query: str, expected: dict[str, Any]) -> None:
    assert query_parameters(QueryParams(query), contract) == (expected, None)


def test_wait_is_no_parameter() -> None:
    place = "orders/01937c5e-8a40-7d3c-9b1e-5f6a7b8c9d0e"
    assert query_parameters(QueryParams(f"q=x&wait={place}"), contract) == ({"q": "x"}, place)
    with pytest.raises(Refused):
        query_parameters(QueryParams("wait=orders"), contract)


def test_a_body_may_repeat_its_address_and_not_contradict_it() -> None:
    assert merged({"limit": 3}, {"limit": "3"}, contract) == {"limit": 3}
    with pytest.raises(Refused) as caught:
        merged({"limit": 4}, {"limit": "3"}, contract)
    assert caught.value.refusal.details["errors"][0]["pointer"] == "/limit"


def test_without_a_contract_text_stays_text() -> None:
    assert typed("5", None, "limit") == "5"
    assert contract.is_id("id") and not contract.is_id("q")

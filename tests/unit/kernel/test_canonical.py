"""Canonical JSON: the reference library's bytes for all that the profile holds, a named refusal for the rest."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from kernel.canonical import MAX_DEPTH, MAX_INTEGER, dumps, loads, loads_canonical

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(max_size=12)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5))


@given(VALUES)
def test_bytes_are_those_of_the_reference_library(value: Any) -> None:
    written = dumps(value)
    assert written == rfc8785.dumps(value)
    assert loads(written) == value
    assert loads_canonical(written) == value


def test_every_character_is_escaped_as_the_reference_does() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10000), 0x1F602]))
    assert dumps(text) == rfc8785.dumps(text)


def test_order_of_keys_in_the_dict_does_not_matter() -> None:
    assert dumps({"b": 1, "a": 2, "B": 3}) == dumps({"B": 3, "a": 2, "b": 1}) == b'{"B":3,"a":2,"b":1}'


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"data": {"lots": [{"price": 1}, {"price": 1.5}]}}, r"\$\.data\.lots\[1\]\.price: float 1.5"),
        ({"share": float("nan")}, r"\$\.share: float nan"),
        ({"amount": MAX_INTEGER + 1}, r"\$\.amount: integer 9007199254740992 is outside"),
        ([-MAX_INTEGER - 1], r"\$\[0\]: integer"),
        ({"цена": 1}, r"\$: key 'цена' is not ASCII"),
        ({"a": {1: "x"}}, r"\$\.a: key 1 is not ASCII"),
        (["ok", "\ud800"], r"\$\[1\]: text holds a lone surrogate"),
        ({"at": object()}, r"\$\.at: object is not a JSON value"),
        ({"colour": Colour.RED}, r"\$\.colour: Colour is not a JSON value"),
        ((1, {2}), r"\$\[1\]: set is not a JSON value"),
        (nested(MAX_DEPTH + 1), "nested deeper than"),
    ],
)
def test_what_the_profile_does_not_hold_is_refused_with_its_path(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dumps(value)


def test_the_limits_themselves_are_held() -> None:
    assert dumps([MAX_INTEGER, -MAX_INTEGER]) == b"[9007199254740991,-9007199254740991]"
    assert loads(dumps(nested(MAX_DEPTH))) == nested(MAX_DEPTH)


@pytest.mark.parametrize(
    "text", [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'"\\u0041"', b"1.0", b'{"a":1}\n', b"[1", b""]
)
def test_a_second_spelling_is_not_canonical(text: bytes) -> None:
    with pytest.raises(ValueError):
        loads_canonical(text)

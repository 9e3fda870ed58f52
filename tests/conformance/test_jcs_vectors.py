"""Canonical JSON by others' vectors (cyberphone/json-canonicalization): the same bytes, or a refusal by the profile."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import rfc8785

from kernel.canonical import dumps

FOLDER = os.environ.get("MARKET_CONFORMANCE_DIR")
pytestmark = pytest.mark.needs("conformance")
#: What the profile of kernel.canonical can't hold: the others must come out byte for byte.
REFUSED = {
    "french.json": "is not ASCII",
    "structures.json": "float 56.0",
    "values.json": "float 333333333.3333333",
    "weird.json": "is not ASCII",
}


@pytest.fixture(params=["arrays", "french", "structures", "unicode", "values", "weird"])
def name(request: pytest.FixtureRequest) -> str:
    return f"{request.param}.json"


def vector(name: str) -> tuple[object, bytes]:
    assert FOLDER is not None
    folder = Path(FOLDER) / "jcs"
    return json.loads((folder / "input" / name).read_bytes()), (folder / "output" / name).read_bytes()


def test_the_reference_library_passes(name: str) -> None:
    """It is what the property test of `dumps` trusts, so it is held against the vectors first."""
    value, expected = vector(name)
    assert rfc8785.dumps(value) == expected  # type: ignore[arg-type]


def test_ours_gives_the_same_bytes_or_refuses_by_profile(name: str) -> None:
    value, expected = vector(name)
    if name in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[name]):
            dumps(value)
    else:
        assert dumps(value) == expected

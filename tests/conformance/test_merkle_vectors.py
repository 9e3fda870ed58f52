"""RFC 6962 proofs that others made, good and broken (transparency-dev/merkle): each is taken or refused as they say."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from kernel.merkle import ProofError, verify_consistency, verify_inclusion

FOLDER = os.environ.get("MARKET_CONFORMANCE_DIR")
pytestmark = pytest.mark.needs("conformance")


def vectors(kind: str) -> list[dict[str, Any]]:
    assert FOLDER is not None
    lines = (Path(FOLDER) / "merkle" / f"{kind}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def hashes(vector: dict[str, Any]) -> list[bytes]:
    return [b64decode(text) for text in vector["proof"] or []]


def accepts_inclusion(vector: dict[str, Any]) -> bool:
    leaf, root = b64decode(vector["leafHash"]), b64decode(vector["root"])
    try:
        verify_inclusion(vector["leafIdx"], vector["treeSize"], leaf, hashes(vector), root)
    except ProofError:
        return False
    return True


def accepts_consistency(vector: dict[str, Any]) -> bool:
    roots = b64decode(vector["root1"]), b64decode(vector["root2"])
    try:
        verify_consistency(vector["size1"], vector["size2"], *roots, hashes(vector))
    except ProofError:
        return False
    return True


@pytest.mark.parametrize(("kind", "accepts"), [("inclusion", accepts_inclusion), ("consistency", accepts_consistency)])
def test_every_vector_is_judged_as_its_authors_judge(kind: str, accepts: Any) -> None:
    cases = vectors(kind)
    assert {case["wantErr"] for case in cases} == {True, False}
    wrong = [case["case"] for case in cases if accepts(case) is case["wantErr"]]
    assert not wrong

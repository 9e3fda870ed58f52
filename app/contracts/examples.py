"""Golden examples: one event of each type and version, recorded from a real season and never changed again.

They are the frozen corpus of everything that was ever written: a release must go on reading all of them. A new type or
version gets its example from a bundle (`./market contracts --examples BUNDLE`); existing ones are left as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson

from app.audit.bundle import open_bundle
from kernel.chain import event_bytes

KEEP_UNDER_BYTES = 20_000


def example_path(contracts: Path, type_: str) -> Path:
    """Where the example of an event type (`market.orders.BidSubmitted.v1`) stands."""
    _, family, name, version = type_.split(".")
    return contracts / "examples" / family / f"{name}.{version}.json"


def record(bundle: Path, contracts: Path) -> list[str]:
    """Add examples of the types that have none yet; their types. The first small enough event of each is taken."""
    added = []
    with open_bundle(bundle) as opened:
        for _, entry in opened.in_tree_order():
            body = event_bytes(entry)
            event = orjson.loads(body)
            path = example_path(contracts, event["type"])
            if path.exists() or len(body) > KEEP_UNDER_BYTES:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(event, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            added.append(event["type"])
    return added


def examples(contracts: Path) -> dict[str, Any]:
    """Every recorded example by its event type."""
    found = {}
    for path in sorted((contracts / "examples").rglob("*.json")):
        event = json.loads(path.read_text(encoding="utf-8"))
        found[event["type"]] = event
    return found

"""Digests: one hash per kind of state, so that two replays, or a replay and a live system, are compared at a glance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson

from app.replay.fold import Fold, plain
from kernel.rows import row_key


def state_digests(fold: Fold) -> dict[str, str]:
    """SHA-256 per state and read table over all rows in the order of their keys."""
    found: dict[str, str] = {}
    for service in fold.services.values():
        for aggregate in service.aggregates:
            states = fold.states[service.name, aggregate.name]
            lines = (f"{key} {states[key][0]} ".encode() + aggregate.dump(states[key][1]) for key in sorted(states))
            found[f"{service.name}.{aggregate.table}"] = _digest(lines)
        for table in service.read_tables():
            rows = fold.rows.tables.get(table.fullname, {})
            ordered = sorted((str(plain(row_key(table, row))), row) for row in rows.values())
            found[table.fullname] = _digest(orjson.dumps(plain(row), option=orjson.OPT_SORT_KEYS) for _, row in ordered)
    return dict(sorted(found.items()))


def _digest(lines: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for line in lines:
        whole.update(len(line).to_bytes(8, "big"))
        whole.update(line)
    return whole.hexdigest()

"""Who may read an entry, and from when: worked out from the contracts, which are data.

A contract says `public`, `auditor`, `parties:<field>,…` (fields of the event that hold organisations' ids) or
`after:<Event>:<field>`: public once an event of that name has been logged whose stream is the one named by the field.
An event without a contract is for auditors alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

AUDITOR_ROLES = ("auditor",)


@dataclass(frozen=True)
class Reading:
    """An entry's readers: everybody, everybody once `gate` is open, or the organisations in `parties`."""

    public: bool
    gate: str | None = None
    parties: tuple[str, ...] = ()


class Readers:
    """The readers of every event type."""

    def __init__(self, contracts: dict[str, str]) -> None:
        self._contracts = contracts
        self.triggers = {rule.split(":")[1] for rule in contracts.values() if rule.startswith("after:")}

    @classmethod
    def load(cls, contracts: Path) -> Readers:
        """From `contracts/readers.json`: {event type: readers}."""
        return cls(orjson.loads((contracts / "readers.json").read_bytes()))

    def reading(self, type_: str, data: dict[str, Any]) -> Reading:
        """Who may read an event of `type_` (its family's name, without a custodian's number) with this data."""
        rule = self._contracts.get(type_, "auditor")
        kind, _, rest = rule.partition(":")
        if kind == "public":
            return Reading(public=True)
        if kind == "after":
            trigger, field = rest.split(":")
            provider = data.get("provider_id")
            return Reading(True, f"{trigger}/{data[field]}", (provider,) if isinstance(provider, str) else ())
        if kind == "parties":
            return Reading(False, None, tuple(str(data[f]) for f in rest.split(",") if data.get(f)))
        return Reading(public=False)

    def opens(self, name: str, stream_id: str) -> str | None:
        """The gate that an event of this short name opens, if any waits for it."""
        return f"{name}/{stream_id}" if name in self.triggers else None

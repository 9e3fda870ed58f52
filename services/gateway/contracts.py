"""What services take, as their contracts say: `contracts/rpc/<service>/<name>.json`, one file per command or query.

The gateway imports no service. From these files it knows the roles of a call, the types of its parameters, and what
`/openapi.json` has to say about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

CUSTODIAN = re.compile(r"^custodian_[0-9]+$")


@dataclass(frozen=True)
class Contract:
    """One command or query: its name on the bus without the service, its JSON Schema, who may call it."""

    service: str
    name: str
    kind: str
    params: Mapping[str, Any]
    roles: frozenset[str]
    summary: str = ""
    receipt: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def internal(self) -> bool:
        """Whether only the market itself may give it, or who has the installation's keys on its own machine."""
        return self.roles <= {"system", "operator"}

    @property
    def public(self) -> bool:
        return "public" in self.roles

    @property
    def properties(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.params.get("properties", {})
        return found

    def types_of(self, name: str) -> frozenset[str]:
        """The JSON types that the parameter `name` may have; empty where the contract doesn't know it."""
        schema = self.properties.get(name)
        return frozenset() if schema is None else frozenset(self._types(schema))

    def is_id(self, name: str) -> bool:
        """Whether the parameter `name` is a UUID."""
        schema = self.properties.get(name, {})
        return any("-[0-9a-f]{4}-" in str(part.get("pattern", "")) for part in self._parts(schema))

    def _types(self, schema: Mapping[str, Any]) -> Iterator[str]:
        for part in self._parts(schema):
            said = part.get("type")
            if isinstance(said, str):
                yield said
            elif isinstance(said, list):
                yield from said
            else:  # an enum or const says its types by its values
                for value in (*part.get("enum", ()), *([part["const"]] if "const" in part else ())):
                    yield _type_of(value)

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if "$ref" in schema:
            schema = self.params.get("$defs", {}).get(schema["$ref"].rsplit("/", 1)[-1], {})
        yield schema
        for word in ("anyOf", "oneOf", "allOf"):
            for part in schema.get(word, ()):
                yield from self._parts(part)


class Contracts:
    """All contracts, by their name on the bus ("orders.submit_bid")."""

    def __init__(
        self,
        found: Mapping[str, Contract],
        event_types: tuple[str, ...] = (),
        refusals: Mapping[str, Any] | None = None,
    ) -> None:
        self._found = dict(found)
        #: Code → its kind and its `cases`: what each part of the program says by it, and the rule it follows from.
        self.refusals: Mapping[str, Any] = refusals or {}
        #: The types of all events ("market.orders.BidSubmitted.v1"), for the log's filter.
        self.event_types = event_types

    @classmethod
    def read(cls, folder: Path) -> Contracts:
        """The contracts under `folder`. One that isn't there holds none."""
        found = {}
        for path in sorted((folder / "rpc").rglob("*.json")):
            content = orjson.loads(path.read_bytes())
            contract = Contract(
                service=content["service"],
                name=content["name"],
                kind=content["kind"],
                params=content["params"],
                roles=frozenset(content["roles"]),
                summary=content.get("summary", ""),
                receipt=bool(content.get("receipt")),
                more=content,
            )
            found[f"{contract.service}.{contract.name}"] = contract
        readers = folder / "readers.json"
        types = sorted(orjson.loads(readers.read_bytes())) if readers.exists() else []
        refusals = folder / "refusals.json"
        return cls(found, tuple(types), orjson.loads(refusals.read_bytes()) if refusals.exists() else {})

    def of(self, call: str) -> Contract | None:
        """The contract of a call; the three custodians share one, that of their package."""
        service, _, name = call.partition(".")
        if CUSTODIAN.match(service) and call not in self._found:
            return self._found.get(f"custodian.{name}") or self._found.get(f"custodian_1.{name}")
        return self._found.get(call)

    def __iter__(self) -> Iterator[tuple[str, Contract]]:
        return iter(sorted(self._found.items()))

    def __len__(self) -> int:
        return len(self._found)


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", str: "string", type(None): "null"}
    return names.get(type(value), "object")

"""Whether a contract still keeps what an older one promised: inside a version only additive change.

Events: whatever an old event holds must still be valid, and fields that readers rely on must still be there. Commands:
what a client may send today it may send tomorrow.
"""

from __future__ import annotations

from typing import Any


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What of `old` (a JSON Schema as generated) `new` no longer keeps; empty when it is compatible."""
    problems: list[str] = []
    _compare(_Schema(old, old), _Schema(new, new), "", problems)
    return problems


class _Schema:
    """A schema node with the document that its references point into."""

    def __init__(self, node: dict[str, Any], document: dict[str, Any]) -> None:
        while "$ref" in node:
            node = document["$defs"][node["$ref"].rsplit("/", 1)[1]]
        self.node = node
        self.document = document

    def at(self, *path: str) -> _Schema | None:
        node: Any = self.node
        for part in path:
            if not isinstance(node, dict) or part not in node:
                return None
            node = node[part]
        return _Schema(node, self.document) if isinstance(node, dict) else None


def _compare(old: _Schema, new: _Schema, path: str, problems: list[str]) -> None:
    if old.node.get("type") != new.node.get("type"):
        problems.append(f"{path or '/'}: the type changed from {old.node.get('type')} to {new.node.get('type')}")
        return
    _compare_values(old.node, new.node, path, problems)
    before = old.node.get("properties", {})
    after = new.node.get("properties", {})
    for name in before:
        if name not in after:
            problems.append(f"{path}/{name}: the field was removed")
            continue
        first, second = old.at("properties", name), new.at("properties", name)
        if first and second:
            _compare(first, second, f"{path}/{name}", problems)
    for name in sorted(set(new.node.get("required", [])) - set(old.node.get("required", []))):
        if "default" not in after.get(name, {}):
            problems.append(f"{path}/{name}: the field became required")
    first, second = old.at("items"), new.at("items")
    if first and second:
        _compare(first, second, f"{path}[]", problems)


def _compare_values(old: dict[str, Any], new: dict[str, Any], path: str, problems: list[str]) -> None:
    if "enum" in new and "enum" in old and set(old["enum"]) - set(new["enum"]):
        problems.append(f"{path}: values were removed: {sorted(set(old['enum']) - set(new['enum']))}")
    if "enum" in new and "enum" not in old and "const" not in old:
        problems.append(f"{path}: only some values are allowed now")
    for key, narrower in (
        ("minimum", max),
        ("minLength", max),
        ("minItems", max),
        ("maximum", min),
        ("maxLength", min),
        ("maxItems", min),
    ):
        if key in new and (key not in old or narrower(old[key], new[key]) != old[key]):
            problems.append(f"{path}: {key} is narrower: {old.get(key)} before, {new[key]} now")
    if new.get("pattern") != old.get("pattern") and "pattern" in new:
        problems.append(f"{path}: the pattern changed")

"""Merging the releases of one process into its compiled release, as OCDS 1.1.5 defines it.

Objects merge field by field, lists of objects by `id`, other lists are replaced whole, null takes a field away.
The tests hold this against `ocdsmerge`, the standard's own tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

OMITTED = frozenset({"id", "date", "tag"})
"""Of a release's own fields: not merged (`omitWhenMerged` in the schema)."""

WHOLE = frozenset({"additionalIdentifiers", "additionalClassifications"})
"""Lists of objects that are replaced whole (`wholeListMerge` in the schema)."""


def compiled(releases: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The compiled release of a process; `releases` of one ocid in the order of their dates, one at least."""
    merged: dict[str, Any] = {}
    last: Mapping[str, Any] = {}
    for last in releases:
        _merge(merged, {name: value for name, value in last.items() if name not in OMITTED})
    return {"tag": ["compiled"], "id": f"{last['ocid']}-{last['date']}", "date": last["date"], **merged}


def _merge(target: dict[str, Any], change: Mapping[str, Any]) -> None:
    for name, value in change.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, Mapping):
            known = target.get(name)
            target[name] = known if isinstance(known, dict) else {}
            _merge(target[name], value)
        elif _is_merged_by_id(name, value):
            target[name] = _merge_list(target.get(name, []), value)
        else:
            target[name] = value


def _is_merged_by_id(name: str, value: Any) -> bool:
    return name not in WHOLE and isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


def _merge_list(known: list[dict[str, Any]], changes: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    by_id = {each["id"]: each for each in known}
    for change in changes:
        each = by_id.get(change["id"])
        if each is None:
            each = by_id[change["id"]] = {}
            known.append(each)
        _merge(each, change)
    return known

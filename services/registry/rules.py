"""The part of the region's configuration that the register needs: its time zone and its municipalities."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from services.registry.domain.names import normalised


class BadRegion(ValueError):
    """`region.toml` or `territories.toml` lacks something that the register needs, or holds it in a wrong form."""


@dataclass(frozen=True)
class Rules:
    """What `context.rules` is in this service. `by_name`: {normalised name of a municipality: its code}."""

    zone: str
    codes: frozenset[str]
    by_name: Mapping[str, str]


def load_rules(folder: Path) -> Rules:
    """The rules of the region in `folder`. Raises BadRegion, FileNotFoundError."""
    region = _read(folder / "region.toml")
    municipalities = _read(folder / "territories.toml").get("municipality", [])
    try:
        ZoneInfo(region["zone"])
        codes = [municipality["code"] for municipality in municipalities]
        by_name = {normalised(name): m["code"] for m in municipalities for name in m["name"].values()}
    except (KeyError, ValueError, AttributeError) as wrong:
        raise BadRegion(f"the region in {folder}: {wrong!r}") from wrong
    if not codes or len(set(codes)) != len(codes):
        raise BadRegion(f"{folder}/territories.toml must name each municipality once: {codes}")
    return Rules(region["zone"], frozenset(codes), MappingProxyType(by_name | {code: code for code in codes}))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as wrong:
        raise BadRegion(f"{path} can't be read: {wrong}") from wrong

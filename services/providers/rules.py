"""The part of the region's configuration that this service needs, read from `region.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

from services.providers.domain.rules import Rules


def load_rules(folder: Path) -> Rules:
    """`zone`, `limits.loan_years` (both needed) and `limits.ad_surface_days_per_year` (left out: no quota)."""
    region = tomllib.loads((folder / "region.toml").read_text(encoding="utf-8"))
    limits = region["limits"]
    quota = limits.get("ad_surface_days_per_year")
    return Rules(ZoneInfo(region["zone"]), int(limits["loan_years"]), None if quota is None else int(quota))

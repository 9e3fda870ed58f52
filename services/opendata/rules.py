"""What a region says about its open data (region.toml, `[open_data]`): who publishes, under which prefix and licence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints

from kernel.ids import derived_id

Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=200)]
Root = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]*[^/\s]$", max_length=200)]


class OpenData(BaseModel):
    """`ocid_prefix`: registered with the Open Contracting Partnership, once, before anything is published.

    `address`: where this installation is reached from outside, without a slash at its end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ocid_prefix: Annotated[str, StringConstraints(pattern=r"^ocds-[a-z0-9]{6}$")]
    publisher: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    publisher_uri: Address
    address: Root
    license: Address
    publication_policy: Address


@dataclass(frozen=True)
class Rules:
    """What mapping and packages need of a region's configuration. `bodies`: names of public bodies by organisation id."""

    open_data: OpenData
    region: str
    currency: str
    zone: str
    bodies: Mapping[str, str]

    def ocid(self, kind: str, id: str) -> str:
        """The id of a contracting process: the prefix, what it is, and its stream's id. It never changes."""
        return f"{self.open_data.ocid_prefix}-{kind}-{id}"

    def day(self, date: str, last_second: bool = False) -> str:
        """The beginning (or the last second) of a day of the region, as an instant with the region's offset."""
        clock = "23:59:59" if last_second else "00:00:00"
        return datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=ZoneInfo(self.zone)).isoformat()


def load_rules(folder: Path) -> Rules:
    """Read from `region.toml`. Raises ValueError (pydantic) naming what is wrong."""
    region = tomllib.loads((folder / "region.toml").read_text(encoding="utf-8"))
    if "open_data" not in region:
        raise ValueError(
            f"{folder / 'region.toml'} has no [open_data]: say there who publishes, and under which prefix"
        )
    bodies = {derived_id("body", body["code"]): body["name"]["ru"] for body in region["body"]}
    return Rules(OpenData(**region["open_data"]), region["code"], region["currency"], region["zone"], bodies)

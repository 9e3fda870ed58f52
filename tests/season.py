"""What a season played by `./market demo` leaves to the tests (`season` in conftest.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.settings import PROJECT

PLAYS_S = 400


@dataclass(frozen=True)
class PlayedSeason:
    """What a demonstration left: its database, its home with keys and bundle, and what it printed as JSON."""

    url: str
    home: Path
    report: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "MARKET_DATABASE_URL": self.url, "MARKET_HOME": str(self.home)}

    def market(self, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """A command of `./market` on this season."""
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=timeout_s,
        )  # fmt: skip

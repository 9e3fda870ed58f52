"""How long these tests wait for what takes a second on a machine that has nothing else to do."""

from __future__ import annotations

from collections.abc import Callable

from tests.support import eventually

PATIENCE_S = 60.0


def until(check: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Poll until `check()` is something."""
    eventually(lambda: bool(check()), within_s)

"""Failpoints: named places where a fault test makes a process die, freeze or fail. Off unless asked for.

`MARKET_FAILPOINT="publisher.published:exit"` kills the process there with SIGKILL, `:raise` raises, `:stop` freezes it
with SIGSTOP. Each fires once.
"""

from __future__ import annotations

import os
import signal

_armed: dict[str, str] = dict(
    part.split(":", 1) for part in os.environ.get("MARKET_FAILPOINT", "").split(",") if ":" in part
)


class FailpointHit(Exception):
    """Raised by a failpoint with the action `raise`."""


def failpoint(name: str) -> None:
    """Do what the test asked for at `name`, if anything."""
    if not _armed:
        return
    action = _armed.pop(name, None)
    if action == "exit":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        # To this very thread: sent to the process, another thread may take it, and this one would go on for a moment.
        signal.raise_signal(signal.SIGSTOP)
    elif action == "raise":
        raise FailpointHit(name)


def arm(name: str, action: str) -> None:
    """Arm a failpoint of this process (in-process tests)."""
    _armed[name] = action

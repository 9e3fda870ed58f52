"""What befalls the processes of a season over RabbitMQ: of each service one replica is killed and the other is frozen.

Nothing of it may show in what the season's people see: another replica answers, the killed one is started again, the
frozen one's locks are taken from it, and what was under way is done once.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.demo.world import Unexpected
from app.processes import Supervisor

KILLED_DURING = "Sealed bids"
FROZEN_DURING = "Three months of acts"
BETWEEN_S = 0.3
FROZEN_S = 2.5  # longer than a database waits for a frozen holder of a lock
BACK_S = 60.0


class Misfortune:
    """Kills the first replica of each service in one phase of the season, freezes the second in another."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._killed: list[str] = []
        self._frozen: list[str] = []

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Let it happen beside the phase, if this is the one."""
        befall = {KILLED_DURING: self._kill_all, FROZEN_DURING: self._freeze_all}.get(phase)
        if befall is None:
            yield
            return
        thread = threading.Thread(target=befall, name="misfortune")
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def told(self) -> str:
        """What happened. Raises Unexpected unless it did, and all who were killed are back."""
        until = time.monotonic() + BACK_S
        while sorted(self._supervisor.alive()) != sorted(self._supervisor.names):
            if time.monotonic() > until:
                missing = set(self._supervisor.names) - set(self._supervisor.alive())
                raise Unexpected("after the misfortunes", "every process to run", f"missing: {', '.join(missing)}")
            time.sleep(0.1)
        again = [name for name in self._killed if self._supervisor.starts_of(name) > 1]
        if not again or again != self._killed or not self._frozen:
            raise Unexpected("the misfortunes", "every service to be hit", f"killed {again}, frozen {self._frozen}")
        return f"{len(self._killed)} processes killed and started again, {len(self._frozen)} frozen for {FROZEN_S:g} s"

    def _replicas(self, number: int) -> list[str]:
        return [name for name in self._supervisor.names if name.endswith(f"-{number}")]

    def _kill_all(self) -> None:
        for name in self._replicas(1):
            if self._supervisor.signal(name, signal.SIGKILL):
                self._killed.append(name)
            time.sleep(BETWEEN_S)

    def _freeze_all(self) -> None:
        for name in self._replicas(2):
            if self._supervisor.signal(name, signal.SIGSTOP):
                self._frozen.append(name)
                time.sleep(FROZEN_S)
                self._supervisor.signal(name, signal.SIGCONT)

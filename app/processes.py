"""A supervisor: runs an installation's processes on one machine, starts again what died, and tells all in one stream.

For `./market up --rabbit` and the demonstration. What it promises: every process that ended by itself is started again,
sooner at first and later if it goes on dying; one stream holds every line with the name of who said it; `stop` ends
them in order, first by SIGTERM, then without asking. A supervisor that dies takes its
processes along.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
CALM_S = 30.0  # a process that lived so long begins anew with the short pause
STOP_S = 25.0
HOPELESS = 4  # starts without ever becoming ready
WATCH_S = 0.1
PR_SET_PDEATHSIG = 1

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """One process to be kept running. `ready`: an address that answers 200 when it can do its work."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: str = ""
    stops_first: bool = False


@dataclass
class _Kept:
    plan: Plan
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    again_at: float = 0.0
    starts: int = 0


class Supervisor:
    """Keeps `plans` running from `start` to `stop`."""

    def __init__(self, plans: Sequence[Plan], stream: IO[str]) -> None:
        self._kept = {plan.name: _Kept(plan) for plan in plans}
        self._width = max(len(plan.name) for plan in plans)
        self._stream = stream
        self._writing = threading.Lock()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        # One thread starts them all and outlives them: to the system it, and not the program, is their parent.
        self._keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)

    def start(self) -> None:
        self._keeper.start()

    def stop(self) -> None:
        """End every process: those first that stand before the others, then these together."""
        self._stopping.set()
        with self._lock:  # nobody is being started any more
            kept = list(self._kept.values())
        for first in (True, False):
            self._end([one for one in kept if one.plan.stops_first == first])
        self._ended.set()
        if self._keeper.ident:
            self._keeper.join()

    def wait_ready(
        self, timeout_s: float, say: Say = lambda line: None, given_up: Callable[[], bool] = lambda: False
    ) -> list[str]:
        """Wait until every process answers that it is ready; the names of those that weren't in time, or go on dying."""
        until = time.monotonic() + timeout_s
        waiting = [kept.plan for kept in self._kept.values() if kept.plan.ready]
        while waiting and time.monotonic() < until and not given_up():
            before = len(waiting)
            hopeless = [plan.name for plan in waiting if self._kept[plan.name].starts > HOPELESS]
            if hopeless:
                return hopeless
            waiting = [plan for plan in waiting if not _answers(plan.ready)]
            if waiting and len(waiting) != before:
                say(f"{len(self._kept) - len(waiting)} of {len(self._kept)} processes are ready")
            if waiting:
                time.sleep(0.2)
        return [plan.name for plan in waiting]

    def signal(self, name: str, number: int) -> bool:
        """Give a process a signal; False where it isn't running."""
        process = self._kept[name].process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(number)
        return True

    @property
    def names(self) -> list[str]:
        return list(self._kept)

    def starts_of(self, name: str) -> int:
        """How often a process was started."""
        return self._kept[name].starts

    def alive(self) -> list[str]:
        """The processes that run now."""
        return [name for name, kept in self._kept.items() if kept.process and kept.process.poll() is None]

    def _start(self, kept: _Kept) -> None:
        kept.process = subprocess.Popen(
            kept.plan.command,
            env={**os.environ, **kept.plan.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops them in order
            # One system call, which takes no lock that another thread could hold.
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        kept.started_at = time.monotonic()
        kept.starts += 1
        reader = threading.Thread(target=self._tell, args=(kept.plan.name, kept.process), daemon=True)
        reader.start()

    def _tell(self, name: str, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._write(name, line.decode(errors="replace").rstrip())
        process.stdout.close()

    def _write(self, name: str, line: str) -> None:
        with self._writing:
            print(f"{name:<{self._width}} | {line}", file=self._stream, flush=True)

    def _keep(self) -> None:
        while not self._stopping.wait(WATCH_S):
            with self._lock:
                for kept in self._kept.values():
                    if not self._stopping.is_set():
                        self._look_after(kept)
        self._ended.wait()

    def _look_after(self, kept: _Kept) -> None:
        now = time.monotonic()
        if kept.process is None:
            if now >= kept.again_at:
                self._start(kept)
            return
        status = kept.process.poll()
        if status is None:
            return
        if now - kept.started_at > CALM_S:
            kept.pause_s = FIRST_PAUSE_S
        kept.process, kept.again_at = None, now + kept.pause_s
        self._write(kept.plan.name, f"ended {_how(status)}; it is started again in {kept.pause_s:g} s")
        kept.pause_s = min(kept.pause_s * 2, LONGEST_PAUSE_S)

    def _end(self, kept: Sequence[_Kept]) -> None:
        for one in kept:
            self.signal(one.plan.name, signal.SIGCONT)
            self.signal(one.plan.name, signal.SIGTERM)
        until = time.monotonic() + STOP_S
        for one in kept:
            if one.process is None:
                continue
            try:
                one.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._write(one.plan.name, f"didn't stop within {STOP_S:.0f} s: killed")
                one.process.kill()
                one.process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at now. Taken together, so that they differ."""
    tried = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in tried]
    for one in tried:
        one.close()
    return ports


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """In the child: a supervisor that is killed leaves nobody behind."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

"""The supervisor: what dies is started again, all speak in one stream, and nobody is left behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from app.processes import Plan, Supervisor, free_ports
from kernel.settings import PROJECT

LIVES = "import time; print('here', flush=True); time.sleep(60)"
SERVES = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def plan(name: str, program: str, *arguments: str, ready: str = "", stops_first: bool = False) -> Plan:
    return Plan(name, (sys.executable, "-c", program, *arguments), {}, ready, stops_first)


@contextmanager
def supervised(*plans: Plan) -> Iterator[tuple[Supervisor, io.StringIO]]:
    stream = io.StringIO()
    supervisor = Supervisor(plans, stream)
    supervisor.start()
    try:
        yield supervisor, stream
    finally:
        supervisor.stop()


def until(holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it didn't come true in time"
        time.sleep(0.02)


def test_what_dies_is_started_again_and_the_stream_says_so() -> None:
    with supervised(plan("one", LIVES), plan("other", LIVES)) as (supervisor, stream):
        until(lambda: stream.getvalue().count("here") == 2)
        assert supervisor.signal("one", signal.SIGKILL)
        until(lambda: stream.getvalue().count("here") == 3)
        assert supervisor.starts_of("one") == 2 and supervisor.starts_of("other") == 1
        assert "one   | ended by SIGKILL; it is started again in 0.5 s" in stream.getvalue()
        assert sorted(supervisor.alive()) == ["one", "other"]


def test_ready_is_who_answers_and_who_goes_on_dying_is_named() -> None:
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}/"
    with supervised(plan("server", SERVES, str(port), ready=address)) as (supervisor, _):
        assert supervisor.wait_ready(20) == []
    dying = plan("dying", "raise SystemExit(3)", ready=address)
    with supervised(dying) as (supervisor, stream):
        assert supervisor.wait_ready(60) == ["dying"]
        assert "dying | ended with status 3" in stream.getvalue()


def test_stopping_ends_everybody_and_those_first_that_stand_before_the_others() -> None:
    slow = (
        "import signal, sys, time\n"
        "def end(*_):\n    time.sleep(0.3); print('ended', time.monotonic(), flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('here', flush=True); time.sleep(60)"
    )
    with supervised(plan("service", slow), plan("door", slow, stops_first=True)) as (supervisor, stream):
        until(lambda: stream.getvalue().count("here") == 2)
    until(lambda: stream.getvalue().count("ended") == 2)
    said = [line.split(" | ")[0].strip() for line in stream.getvalue().splitlines() if "ended" in line]
    assert said == ["door", "service"] and supervisor.alive() == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a killed supervisor leaves its processes behind")
def test_a_supervisor_that_is_killed_leaves_nobody_behind() -> None:
    program = (
        "import sys, time\nfrom app.processes import Plan, Supervisor\n"
        f"s = Supervisor([Plan('one', (sys.executable, '-c', {LIVES!r}))], sys.stdout)\n"
        "s.start()\ntime.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout is not None
    assert b"here" in process.stdout.readline()
    (child,) = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)

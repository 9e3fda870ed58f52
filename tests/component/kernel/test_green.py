"""The kernel in a process of green threads, as services run on RabbitMQ: the same promises, and nothing holds it up.

Each story is a process of its own, because green is what a process is from its first import on.
"""

from __future__ import annotations

import os
import subprocess
import sys

from kernel.offload import offload
from kernel.settings import PROJECT

GREEN = "import kernel.bus.bootstrap\n"

SLEEPS = """
import sys, threading, time
import psycopg

ticks = []
def tick():
    while len(ticks) < 1000:
        ticks.append(time.monotonic())
        time.sleep(0.01)

def sleeps():
    with psycopg.connect(sys.argv[1]) as connection:
        assert connection.execute("SELECT 7, pg_sleep(0.5)").fetchone()[0] == 7

threading.Thread(target=tick, daemon=True).start()
threads = [threading.Thread(target=sleeps) for _ in range(10)]
started = time.monotonic()
for thread in threads: thread.start()
for thread in threads: thread.join()
took = time.monotonic() - started
longest = max(b - a for a, b in zip(ticks, ticks[1:]))
assert took < 2.5, f"one after another: {took}"
assert longest < 0.4, f"the process stood still for {longest}"
"""

LOST = """
import sys, threading, time
import psycopg

held = psycopg.connect(sys.argv[1])
pid = held.info.backend_pid
def kill():
    time.sleep(0.2)
    with psycopg.connect(sys.argv[1], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
threading.Thread(target=kill).start()
started = time.monotonic()
try:
    held.execute("SELECT pg_sleep(30)")
except psycopg.OperationalError:
    assert time.monotonic() - started < 5
else:
    raise AssertionError("it was killed")
big = psycopg.connect(sys.argv[1]).execute("SELECT %s", ("x" * 20_000_000,)).fetchone()[0]
assert len(big) == 20_000_000  # more than the socket takes at once, both ways
"""

OFFLOADED = """
import threading, time
from eventlet.patcher import original
from kernel.offload import offload

get_ident, sleep = original("threading").get_ident, original("time").sleep
here = get_ident()
assert offload(get_ident) != here, "it would hold up every green thread"
ticks = []
def tick():
    for _ in range(20):
        ticks.append(1)
        time.sleep(0.01)
threading.Thread(target=tick).start()
offload(sleep, 0.3)  # as blocking as work of the processor is
assert len(ticks) > 10, ticks
try:
    offload(int, "x")
except ValueError:
    pass
else:
    raise AssertionError("the error was lost")
"""

TOO_LATE = """
import sqlalchemy
try:
    import kernel.bus.bootstrap
except ImportError as problem:
    assert "before" in str(problem)
else:
    raise AssertionError("psycopg may block, and nobody was told")
"""


def green(program: str, *arguments: str) -> None:
    run("-c", program, *arguments)


def run(*arguments: str, timeout_s: float = 60, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=timeout_s,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_ten_statements_wait_side_by_side(postgres_dsn: str) -> None:
    green(GREEN + SLEEPS, postgres_dsn)


def test_a_lost_connection_is_noticed_and_much_is_sent(postgres_dsn: str) -> None:
    green(GREEN + LOST, postgres_dsn)


def test_offloaded_work_holds_nobody_up() -> None:
    green(GREEN + OFFLOADED)


def test_in_a_process_of_threads_offloaded_work_is_a_call() -> None:
    assert offload(max, 1, 2) == 2


def test_a_process_that_becomes_green_too_late_is_refused() -> None:
    green(TOO_LATE)


def test_the_store_keeps_its_promises_among_green_threads(postgres_dsn: str) -> None:
    """The acceptance suite of commands, sealing, subscriptions, the schedule and the worker, as services run it."""
    names = ("store", "worker", "schedule", "pipeline", "small_stores", "refused_in_the_background")
    files = [f"tests/component/kernel/test_{name}.py" for name in names]
    program = GREEN + "import sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"
    run("-c", program, "-q", "-x", "-p", "no:cacheprovider", *files, timeout_s=110, MARKET_DATABASE_URL=postgres_dsn)

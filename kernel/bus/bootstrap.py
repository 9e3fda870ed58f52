"""Makes this process one of green threads. Import it before anything else: what was imported earlier stays blocking.

psycopg waits in C unless it is told otherwise, and would then hold up every green thread of the process while the
database works (ten parallel sleeps took 5.0 s instead of 1.0 s). So it is told twice: by its setting, and by a way of
waiting that is the hub's own.

A green thread that can't be switched to for want of memory is lost, and whoever waits for it waits for ever: the hub
would say so and go on. Here the process ends, for its supervisor to start it again.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

_TOO_LATE = sorted({"psycopg", "sqlalchemy", "amqp", "kombu", "nameko"} & set(sys.modules))
if _TOO_LATE:
    raise ImportError(f"kernel.bus.bootstrap must be imported before {', '.join(_TOO_LATE)}")

os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
# Real threads for what would hold the others up (kernel/offload.py): as many as a small machine has processors to spare.
os.environ.setdefault("EVENTLET_THREADPOOL_SIZE", "2")
# The system's own resolver: the green one reads other files and answers differently inside containers.
os.environ["EVENTLET_NO_GREENDNS"] = "yes"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says of itself that it is in maintenance: the edge is replaceable (DESIGN 4)
    import eventlet
    import eventlet.patcher
    import eventlet.tpool

eventlet.monkey_patch()

import psycopg.waiting  # noqa: E402 - only now: it looks at the environment, and at what was patched

from kernel import offload  # noqa: E402
from kernel.bus import green_wait  # noqa: E402

for _module in ("socket", "select", "thread", "time", "os"):
    assert eventlet.patcher.is_monkey_patched(_module), f"{_module} is not green"
assert psycopg.waiting.wait is psycopg.waiting.wait_selector, "psycopg would block the process"
psycopg.waiting.wait = green_wait.wait
offload.through(eventlet.tpool.execute)


def _end_without_memory(kind: type[BaseException] | None) -> None:
    if kind is not None and issubclass(kind, MemoryError):
        os.write(2, b"no memory left: this process ends\n")
        os._exit(1)


def _unless_without_memory(say: Callable[..., None], *what: Any) -> None:
    """What the hub does with an exception of one of its callbacks; the last of `what` is `sys.exc_info()`."""
    _end_without_memory(what[-1][0])
    say(*what)


def _thread_died(say: Callable[[threading.ExceptHookArgs], object], what: threading.ExceptHookArgs) -> None:
    _end_without_memory(what.exc_type)
    say(what)


_hub = eventlet.hubs.get_hub()
for _name in ("squelch_exception", "squelch_generic_exception", "squelch_timer_exception"):
    setattr(_hub, _name, partial(_unless_without_memory, getattr(_hub, _name)))
threading.excepthook = partial(_thread_died, threading.excepthook)

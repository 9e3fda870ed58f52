"""Makes this process one of green threads. Import it before anything else: what was imported earlier stays blocking.

psycopg waits in C unless it is told otherwise, and would then hold up every green thread of the process while the
database works (ten parallel sleeps took 5.0 s instead of 1.0 s). So it is told twice: by its setting, and by a way of
waiting that is the hub's own.
"""

from __future__ import annotations

import os
import sys
import warnings

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

"""How psycopg waits for its socket in a process of green threads: by the hub itself.

psycopg's own `wait_selector` works there too, by way of a selector made, filled and thrown away for every wait; waiting
was an eighth of what a command cost a service.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import Any

import greenlet
import psycopg
from eventlet import hubs, patcher
from psycopg.waiting import Ready, Wait

_select = patcher.original("select")
CLOSED_CHECK_S = 1.0


def wait(gen: Any, fileno: int, interval: float = 0.0, timeout: float | None = None) -> Any:
    """What psycopg's waiting functions do: run `gen`, which says what of the socket it wants next, to its result."""
    until = None if timeout is None else monotonic() + timeout
    try:
        wanted = next(gen)
        while True:
            # There is nearly always room to write, and the asking costs less than a turn of the hub.
            ready = _ready(fileno, wanted) if wanted & Wait.W else Ready.NONE
            if not ready:
                limit = CLOSED_CHECK_S if until is None else max(0.0, until - monotonic())
                ready = _sleep(fileno, wanted, min(limit, CLOSED_CHECK_S))
            wanted = gen.send(ready)
            if until is not None and monotonic() >= until:
                raise psycopg.errors._WaitTimeout("wait timeout expired")
    except StopIteration as done:
        return done.value


def _ready(fileno: int, wanted: int) -> Ready:
    poll = _select.poll()
    poll.register(fileno, (_select.POLLIN if wanted & Wait.R else 0) | (_select.POLLOUT if wanted & Wait.W else 0))
    found = poll.poll(0)
    if not found:
        return Ready.NONE
    events = found[0][1]
    if events & ~(_select.POLLIN | _select.POLLOUT):  # an error: whatever is tried will tell
        return Ready(wanted)
    return Ready((Ready.R if events & _select.POLLIN else 0) | (Ready.W if events & _select.POLLOUT else 0))


def _sleep(fileno: int, wanted: int, limit_s: float) -> Ready:
    hub, me = hubs.get_hub(), greenlet.getcurrent()
    timer = hub.schedule_call_global(limit_s, me.switch, None)
    kinds = [kind for kind, bit in ((hub.READ, Wait.R), (hub.WRITE, Wait.W)) if wanted & bit]
    listeners = [hub.add(kind, fileno, me.switch, me.throw, None) for kind in kinds]
    try:
        came = hub.switch()
    finally:
        timer.cancel()
        for listener in listeners:
            hub.remove(listener)
    if came is None:
        _check_open(fileno)
        return Ready.NONE
    return Ready(wanted) if len(kinds) == 1 else _ready(fileno, wanted)


def _check_open(fileno: int) -> None:
    try:
        os.fstat(fileno)
    except OSError as problem:
        raise psycopg.OperationalError("connection socket closed") from problem

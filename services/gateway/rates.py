"""Rate limits: a token bucket per account or address, in this process's memory.

A limit of one process is enough against guessing and runaway clients; what protects the services is the bound on
calls at once (`calls.py`). The number of buckets is bounded too: the one that was idle longest is forgotten.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from kernel.refusal import Refused
from services.gateway.options import Rate
from services.gateway.problems import TOO_MANY

KEPT = 20_000


class Buckets:
    """Buckets of one rate. Not for several threads: the event loop alone calls `take`."""

    def __init__(self, rate: Rate | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Count one request of `name`; raises Refused with the seconds to wait when there were too many."""
        if self._rate is None:
            return
        now = self._clock()
        left, at = self._held.pop(name, (float(self._rate.burst), now))
        left = min(float(self._rate.burst), left + (now - at) * self._rate.per_second)
        if left < 1:
            self._held[name] = (left, now)
            raise Refused(TOO_MANY.having(retry_after_s=math.ceil((1 - left) / self._rate.per_second)))
        self._held[name] = (left - 1, now)
        if len(self._held) > KEPT:
            self._held.popitem(last=False)

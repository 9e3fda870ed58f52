"""nameko's own client: `python -m bench.stock_client BROKER IN_FLIGHT SECONDS` prints calls of `echo` a second."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Any

from nameko.standalone.rpc import ClusterRpcProxy


def main(broker: str, in_flight: int, seconds: float) -> float:
    waiting: deque[Any] = deque()
    count, started = 0, time.perf_counter()
    with ClusterRpcProxy({"AMQP_URI": broker}) as services:
        while time.perf_counter() - started < seconds:
            while len(waiting) < in_flight:
                waiting.append(services.echo.echo.call_async(data={"amount": 0}, call={}))
            waiting.popleft().result()
            count += 1
        took = time.perf_counter() - started
        for reply in waiting:
            reply.result()
    return count / took


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))

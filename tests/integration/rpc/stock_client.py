"""nameko's own client: reads `{"service", "method", "data", "call"}` lines, prints what each call returned."""

from __future__ import annotations

import sys

import orjson
from nameko.standalone.rpc import ClusterRpcProxy


def main(broker: str, traceparent: str = "") -> None:
    context = {"traceparent": traceparent} if traceparent else None
    with ClusterRpcProxy({"AMQP_URI": broker}, context_data=context, timeout=10) as services:
        for line in sys.stdin.buffer:
            asked = orjson.loads(line)
            answer = getattr(services[asked["service"]], asked["method"])(data=asked["data"], call=asked["call"])
            sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""One service's worker on RabbitMQ in a process of its own, until SIGTERM: `python -m tests.integration.events.child`.

With `--green` the process is what production runs: eventlet, everything patched before anything else is imported.
"""

from __future__ import annotations

import os
import sys

if "--green" in sys.argv:
    import kernel.bus.bootstrap  # noqa: F401

import argparse
import signal
import threading
from pathlib import Path

import orjson

from kernel.bus.attach import attach_bus
from kernel.host import Host
from kernel.settings import Settings
from kernel.worker import Signals
from tests.faults.clockwork import clockwork_service
from tests.toy.services import box_service, mirror_service

SERVICES = {"box": box_service, "mirror": mirror_service, "clockwork": clockwork_service}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--url", required=True)
    parser.add_argument("--amqp", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--green", action="store_true")
    options = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signals = Signals()
    host = Host(SERVICES[options.service](), options.url, Settings(home=options.home), signals.notify)
    attached = attach_bus(host, signals, options.amqp)
    os.write(1, orjson.dumps({"ready": True}) + b"\n")
    while not stop.wait(0.2):
        pass
    attached.stop()
    host.close()


if __name__ == "__main__":
    main()

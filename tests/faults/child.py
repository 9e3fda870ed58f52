"""A real process of the toy market, to be killed: `python -m tests.faults.child SERVICE…` runs their workers."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import orjson

from kernel.host import Host
from kernel.metrics import SEALED
from kernel.settings import Settings
from kernel.worker import Signals, Worker
from tests.faults.toys import toys
from tests.faults.transport import FileTransport


def say(**what: Any) -> None:
    """One whole line to standard output, at once."""
    os.write(sys.stdout.fileno(), orjson.dumps(what) + b"\n")


def work(hosts: dict[str, Host], published: Path) -> None:
    """Run the workers until SIGTERM; then say how many events this process has sealed."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signals = Signals()
    transport = FileTransport(published)
    workers = [Worker(host, signals, transport) for host in hosts.values()]
    for worker in workers:
        worker.start()
    say(ready=True)
    while not stop.wait(1.0):
        pass
    for worker in workers:
        worker.stop()
    say(sealed=sum(int(SEALED.labels(name)._value.get()) for name in hosts))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("services", nargs="+")
    options = parser.parse_args()
    made = [service for service in toys(options.home) if service.name in options.services]
    hosts = {service.name: Host(service, options.url, Settings(home=options.home)) for service in made}
    work(hosts, options.published)
    for host in hosts.values():
        host.close()


if __name__ == "__main__":
    main()

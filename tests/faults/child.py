"""A real process of the toy market, to be killed: `python -m tests.faults.child work|write …`.

`work` runs the workers of some services until SIGTERM. `write` sends commands and writes one line before each and one
after its answer, so that its parent knows what it knew when it died. MARKET_FAILPOINT names where it dies by itself.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import orjson

from kernel.bus.call import Caller
from kernel.host import Host
from kernel.identity import SigningKey, TokenIssuer
from kernel.metrics import SEALED
from kernel.service import Service
from kernel.settings import Settings
from kernel.store import body_hash
from kernel.worker import Signals, Worker
from tests.faults.book import KEEPER, Sent, is_final
from tests.faults.clockwork import clockwork_service
from tests.faults.transport import FileTransport
from tests.toy.services import box_service, mirror_service

SERVICES = {"box": box_service, "mirror": mirror_service, "clockwork": clockwork_service}
GIVE_UP_S = 30.0


def say(**what: Any) -> None:
    """One whole line to standard output, at once."""
    os.write(sys.stdout.fileno(), orjson.dumps(what) + b"\n")


def send(host: Host, caller: Caller, token: str, sent: Sent) -> dict[str, Any]:
    """One command to its service, signed as the gateway signs it."""
    call = caller.call(sent.name, body_hash(sent.data), token=token, key=sent.key, correlation_id=sent.key)
    return host.command(sent.name.partition(".")[2], sent.data, call)


def write(hosts: dict[str, Host], options: argparse.Namespace) -> None:
    """Put into the boxes in turn, each command until it is answered."""
    keys = options.home / "keys"
    caller = Caller(SigningKey.at(keys / "gateway.key"), 10.0)
    token = TokenIssuer(SigningKey.at(keys / "access.key")).issue(KEEPER)
    for number in range(options.count):
        box_id = options.boxes[number % len(options.boxes)]
        sent = Sent(f"{options.prefix}-{number}", "box.put", {"id": box_id, "amount": 1})
        say(sent=sent.key, name=sent.name, data=sent.data)
        deadline = time.monotonic() + GIVE_UP_S
        answer = send(hosts["box"], caller, token, sent)
        while not is_final(answer) and time.monotonic() < deadline:
            answer = send(hosts["box"], caller, token, sent)
        say(answered=sent.key, answer={name: answer[name] for name in ("events", "refused") if name in answer})


def work(hosts: dict[str, Host], options: argparse.Namespace) -> None:
    """Run the workers until SIGTERM; then say how many events this process has sealed."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signals = Signals()
    transport = FileTransport(options.published)
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
    parser.add_argument("role", choices=("work", "write"))
    parser.add_argument("--url", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--services", nargs="+", choices=SERVICES, default=["box"])
    parser.add_argument("--published", type=Path)
    parser.add_argument("--prefix", default="child")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--boxes", nargs="+", default=[])
    options = parser.parse_args()
    made: list[Service] = [SERVICES[name]() for name in options.services]
    hosts = {service.name: Host(service, options.url, Settings(home=options.home)) for service in made}
    {"work": work, "write": write}[options.role](hosts, options)
    for host in hosts.values():
        host.close()


if __name__ == "__main__":
    main()

"""One service's worker on RabbitMQ for `bench/flow.py`: `python -m bench.flow_worker SERVICE DSN BROKER HOME FILE`.

After each turn that had effects it writes `sequence instant` to FILE: so far the source's log had had its effects then.
"""

from __future__ import annotations

import kernel.bus.bootstrap  # isort: skip  # noqa: F401 - before anything else: it makes the process green

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from kernel.bus.attach import Attached
from kernel.host import Host
from kernel.settings import Settings
from kernel.subscription import Numbered, Subscription
from kernel.worker import Signals
from tests.toy.services import box_service, mirror_service


class Watched(Subscription):
    """Tells how far it is when the transaction that brought it there is over."""

    def __init__(self, host: Host, source: str, file: TextIO) -> None:
        super().__init__(host, source)
        self._file = file

    def receive(self, entries: Sequence[Numbered]) -> int | None:
        checkpoint = super().receive(entries)
        if checkpoint is not None:
            self._tell(checkpoint)
        return checkpoint

    def catch_up(self) -> int:
        passed = super().catch_up()
        if passed:
            with self._host.engine.connect() as connection, connection.begin():
                self._tell(self._fence(connection) or 0)
        return passed

    def _tell(self, checkpoint: int) -> None:
        self._file.write(f"{checkpoint} {time.time()}\n")
        self._file.flush()


def main(name: str, url: str, broker: str, home: str, file: str) -> None:
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    signals = Signals()
    service = {"box": box_service, "mirror": mirror_service}[name]()
    host = Host(service, url, Settings(home=Path(home)), signals.notify)
    attached = Attached(host, signals, broker)
    with Path(file).open("a") as told:
        attached.worker.subscriptions = [Watched(host, source, told) for source in service.sources]
        attached.start()
        print("ready", flush=True)
        while not stopping:
            time.sleep(0.1)
        attached.stop()
    host.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

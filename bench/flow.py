"""flow: from a command's commit in one service to the committed effect in another, each in a process of its own.

The way is the whole way: sealed, published, confirmed by a replicated queue, received, and its effect committed, which is
a row of a read table, a reaction's command and that command's own event. Writers are two more processes, which send real
commands to the first service's host.

* the most that flows: commands as fast as they go for some seconds, over the time until the last has had its effect
* at 10, 50 and 90 % of that, evenly: how long an event was under way

Ratio: `p99_ms_half`, milliseconds at half load (less is better).
"""

from __future__ import annotations

import bisect
import multiprocessing as mp
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from bench.broker import bench_broker
from bench.database import bench_database
from bench.run import say
from kernel.bus.call import Caller
from kernel.database import engine_for
from kernel.host import Host
from kernel.identity import Actor, SigningKey, TokenIssuer
from kernel.ids import new_id
from kernel.settings import PROJECT, Settings
from kernel.store import body_hash
from tests.toy.services import box_service, mirror_service

WRITERS, BOXES = 2, 16
FLAT_OUT_S, PACED_S = 5.0, 10.0
LOADS = (10, 50, 90)
PATIENCE_S = 120.0
KEEPER = Actor("bench", frozenset({"keeper"}))
Sent = list[tuple[str, float]]
"""(event id, when its command had been answered)."""


class Writer:
    """Sends commands to `box` as the gateway would sign them."""

    def __init__(self, url: str, home: Path) -> None:
        settings = Settings(home=home)
        self._host = Host(box_service(), url, settings)
        self._caller = Caller(SigningKey.at(settings.keys / "gateway.key"), 10.0)
        self._token = TokenIssuer(SigningKey.at(settings.keys / "access.key")).issue(KEEPER)

    def send(self, name: str, data: dict[str, Any]) -> str:
        """The id of the command's event."""
        call = self._caller.call(f"box.{name}", body_hash(data, None), token=self._token)
        answer = self._host.command(name, data, call)
        assert "refused" not in answer, answer
        return str(answer["events"][0])


def write(url: str, home: str, orders: Any, done: Any) -> None:
    """One writer process: for each (seconds, commands per second or None) from `orders`, what it sent."""
    writer = Writer(url, Path(home))
    boxes = [new_id() for _ in range(BOXES)]
    for box_id in boxes:
        writer.send("open_box", {"id": box_id, "colour": box_id[-12:]})
    done.put([])
    while (order := orders.get()) is not None:
        start_at, seconds, rate = order
        sent: Sent = []
        while (due := start_at + (len(sent) / rate if rate else 0)) < start_at + seconds and time.time() < (
            start_at + seconds
        ):
            time.sleep(max(0.0, due - time.time()))
            event_id = writer.send("put", {"id": boxes[len(sent) % BOXES], "amount": 0})
            sent.append((event_id, time.time()))
        done.put(sent)


class Flow:
    """The running processes: what was sent, and when its effect was there."""

    def __init__(self, engine: Engine, file: Path, orders: list[Any], done: Any) -> None:
        self._engine = engine
        self._file = file
        self._orders = orders
        self._done = done

    def play(self, seconds: float, rate: float | None) -> tuple[list[float], float]:
        """(each event's time under way, events per second until the last effect), `rate` of all writers together."""
        start_at = time.time() + 0.2
        for orders in self._orders:
            orders.put((start_at, seconds, rate / WRITERS if rate else None))
        sent: Sent = [one for _ in self._orders for one in self._done.get()]
        with self._engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            until = time.monotonic() + PATIENCE_S
            unsealed = "SELECT EXISTS (SELECT 1 FROM outbox)"
            while connection.exec_driver_sql(unsealed).scalar_one():
                assert time.monotonic() < until, "it isn't sealed in time"
                time.sleep(0.02)
            places: dict[str, int] = dict(
                connection.exec_driver_sql("SELECT event_id::text, sequence FROM log").tuples().all()
            )
        reached, instants = self._until(max(places.values()))
        under_way = [instants[bisect.bisect_left(reached, places[event_id])] - at for event_id, at in sent]
        return sorted(under_way), len(sent) / (instants[-1] - start_at)

    def _until(self, last: int) -> tuple[list[int], list[float]]:
        """How far the other service was, and when, once it has come to `last`."""
        until = time.monotonic() + PATIENCE_S
        while True:
            lines = [line.split() for line in self._file.read_text().splitlines(keepends=True) if line.endswith("\n")]
            if lines and int(lines[-1][0]) >= last:
                return [int(line[0]) for line in lines], [float(line[1]) for line in lines]
            assert time.monotonic() < until, "it doesn't flow"
            time.sleep(0.05)


@contextmanager
def workers(url: str, broker: str, home: Path) -> Iterator[Path]:
    """A worker process of each service; the file in which the reading one tells how far it is."""
    file = home / "reached"
    started = []
    for name in ("mirror", "box"):
        command = [sys.executable, "-m", "bench.flow_worker", name, url, broker, str(home)]
        told = str(file if name == "mirror" else home / "nothing")
        process = subprocess.Popen([*command, told], cwd=PROJECT, stdout=subprocess.PIPE, env=os.environ)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        started.append(process)
    try:
        yield file
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(20)


def run() -> dict[str, float]:
    services = [box_service(), mirror_service()]
    context = mp.get_context("spawn")
    with (
        bench_database(services) as (url, home),
        bench_broker(services) as broker,
        workers(url, broker, home) as file,
    ):
        done = context.Queue()
        orders = [context.Queue() for _ in range(WRITERS)]
        writers = [context.Process(target=write, args=(url, str(home), one, done)) for one in orders]
        for writer in writers:
            writer.start()
        for _ in writers:
            done.get()
        engine = engine_for(url, "box", Settings(home=home))
        flow = Flow(engine, file, orders, done)
        flow.play(1.0, None)  # connections, plans, caches
        _, most = flow.play(FLAT_OUT_S, None)
        say(f"flow: at most {most:,.0f} events/s from commit to committed effect")
        p99 = {}
        for load in LOADS:
            under_way, _ = flow.play(PACED_S, most * load / 100)
            p99[load] = _ms(under_way, 99)
            say(
                f"flow: at {load} %: p50 {_ms(under_way, 50):.0f} ms, p99 {p99[load]:.0f} ms, {len(under_way):,} events"
            )
        for one in orders:
            one.put(None)
        for writer in writers:
            writer.join()
        engine.dispose()
    return {"p99_ms_half": p99[50], "events_per_s": most}


def _ms(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000

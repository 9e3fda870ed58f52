"""append: what the sealer buys. The same command, with the log's order given by a sealer or by a lock held to COMMIT.

* `kernel`: one row, one event, its reply; 8 writer processes on 8 streams; counted when it is sealed.
* `kernel_locked`: the same, but each command takes the head row before its last statements and writes its own log entry.

The service's worker runs beside both, in a process of its own: whoever gives the order, the log is published.

Ratios: `vs_lock` = kernel / kernel_locked.
"""

from __future__ import annotations

import multiprocessing as mp
import time
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path
from typing import Any

from bench.database import bench_database
from bench.run import say
from kernel.chain import Link, next_entry
from kernel.clock import RealClock
from kernel.database import engine_for
from kernel.host import Host
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import to_text
from kernel.service import Service
from kernel.settings import Settings
from kernel.store import Cause, Store, StoredReply, Unit
from kernel.worker import Signals, Worker
from tests.toy.services import OpenBox, Put, box_service

WRITERS = 8
SECONDS = 4.0


class LockingStore(Store):
    """The alternative: the log's order is given inside each command, under a lock held through COMMIT."""

    def _outbox(self, unit: Unit) -> None:
        waiting, unit.outbox = unit.outbox, []
        unit.batch.flush()
        run = unit.connection.exec_driver_sql
        link = Link(*run("SELECT sequence, hash, sealed_at FROM log_head FOR UPDATE").one())
        for event_id, subject, type_, body in waiting:
            entry, link = next_entry(link, body, to_text(unit.now))
            unit.batch.add(
                "INSERT INTO log (sequence, event_id, subject, type, entry) VALUES (%s, %s, %s, %s, %s)",
                (link.sequence, event_id, subject, type_, entry),
            )
        unit.batch.add("UPDATE log_head SET sequence = %s, hash = %s, sealed_at = %s", tuple(link))


def one_command(store: Store, engine: Any, command: Any, cause: Cause) -> None:
    """The transaction of a command as `kernel.host` runs it, without the proof of who asks."""
    key = new_id()
    with engine.connect() as connection:
        came = store.once(connection, command, cause, key)
        assert not isinstance(came, StoredReply)
        unit, outcome = came
        assert outcome.events, outcome.decision.refusal
        store.commit(unit, cause.actor.id, "put", key, b"0" * 32, {"version": outcome.version})


def write(url: str, home: str, locked: bool, seconds: float, ready: Any, go: ProcessEvent, done: Any) -> None:
    """One writer process: commands on its own stream until the time is up; how many it committed."""
    settings = Settings(home=Path(home))
    service = box_service()
    engine = engine_for(url, service.name, settings)
    store = (LockingStore if locked else Store)(service, RealClock(), None, settings.keys)
    cause = Cause(Actor("bench", frozenset({"keeper"})), None, new_id())
    box_id = new_id()
    one_command(store, engine, OpenBox(id=box_id, colour=box_id[-12:]), cause)
    ready.release()
    go.wait()
    count, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        one_command(store, engine, Put(id=box_id, amount=0), cause)
        count += 1
    done.put(count)


def seal(
    url: str, home: str, service: Callable[[], Service], ready: Any, stop: ProcessEvent, sealed: ProcessEvent
) -> None:
    """The service's own worker in a process of its own, until it was told to stop and the outbox is empty: `sealed`."""
    host = Host(service(), url, Settings(home=Path(home)))
    worker = Worker(host, Signals())
    worker.start()
    ready.release()
    stop.wait()
    with host.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        while connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM outbox)").scalar_one():
            time.sleep(0.005)
    sealed.set()
    worker.stop()
    host.close()


def measured(
    work: Sequence[tuple[Callable[..., None], tuple[Any, ...]]],
    worker: tuple[str, str, Callable[[], Service]] | None,
) -> float:
    """Commands per second of one process for each of `work`, from their start until all is sealed.

    `worker`: for whom a worker runs beside them in a process of its own: sealing what isn't yet in the log, publishing.
    """
    context = mp.get_context("spawn")
    ready, go, stop, done = context.Semaphore(0), context.Event(), context.Event(), context.Queue()
    sealed = context.Event()
    processes = [context.Process(target=target, args=(*arguments, ready, go, done)) for target, arguments in work]
    if worker:
        processes.append(context.Process(target=seal, args=(*worker, ready, stop, sealed)))
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    started = time.perf_counter()
    go.set()
    count = sum(done.get() for _ in work)
    stop.set()
    if worker:
        sealed.wait()
    took = time.perf_counter() - started
    for process in processes:
        process.join()
    return float(count / took)


def throughput(url: str, home: Path, locked: bool, seconds: float = SECONDS) -> float:
    """Commands per second that ended in the log, from the start until the last is sealed."""
    work = [(write, (url, str(home), locked, seconds))] * WRITERS
    return measured(work, (url, str(home), box_service))


def run() -> dict[str, float]:
    """Ratios by name; what was measured is printed."""
    rates: dict[str, list[float]] = {"sealed": [], "locked": []}
    for _ in range(2):  # turn about, so that a slow moment of the machine hits both
        for name in rates:
            with bench_database([box_service()]) as (url, home):
                rates[name].append(throughput(url, home, locked=name == "locked"))
    sealed, locked = max(rates["sealed"]), max(rates["locked"])
    say(f"append: {sealed:,.0f} commands/s sealed, {locked:,.0f} with a lock held through commit, {WRITERS} writers")
    return {"vs_lock": sealed / locked}

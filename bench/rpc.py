"""rpc: what a call costs over RabbitMQ, with all that it means: proved, decided, stored, sealed, published, answered.

* `box`: the kernel's smallest durable command (a row, an event, its reply under its key) asked by the gateway's client of
  one process of the service, counted when its event is sealed.
* `echo`: nameko as it comes, service and client, with a method that stores nothing; `echo, our client`: the same service
  asked by the gateway's client. All three in turn, with the same number of calls in flight.
* `bid`: a real `SubmitBid` over RabbitMQ to one process, counted when sealed; `direct`: such bids given to the same
  handler in a process of its own by some threads; how many serves it best is found by trying. Both seal and publish
  beside it.

Ratios: `vs_echo` = box / echo, `vs_echo_our_client` = box / echo, our client (what storing costs, and nothing else),
`command_vs_direct` = bid / direct. What each part of the machine spends on a call is printed.
"""

from __future__ import annotations

import asyncio
import multiprocessing as mp
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from sqlalchemy import create_engine

from app.services import all_services
from bench import command
from bench.broker import bench_broker
from bench.database import bench_database
from bench.run import say
from kernel.bus.address import Address
from kernel.bus.attach import attach_bus
from kernel.bus.call import Call, Caller
from kernel.bus.client import RabbitBus
from kernel.bus.wire import PROBE
from kernel.database import admin_url
from kernel.host import Host
from kernel.identity import SigningKey, TokenIssuer
from kernel.ids import new_id
from kernel.settings import Settings
from kernel.store import body_hash
from kernel.worker import Signals
from services.orders.service import service as orders
from tests.component.orders.tender import everybody
from tests.support import person
from tests.toy.services import box_service

IN_FLIGHT = 64
PROBES = 10  # as many as a service's process has workers
DIRECT_THREADS = (2, 5, 10)
SECONDS = 5.0
ROUNDS = 3
COMPETITIONS = 12
Ask = Callable[[], Awaitable[dict[str, Any]]]


class Costs:
    """Processor time by part of the machine, over a stretch of work."""

    def __init__(self, **parts: Callable[[], list[int]]) -> None:
        """`parts`: name → its processes, looked for at both ends; one that began in between counts whole."""
        self._parts = parts
        self._before = {pid: _cpu_s(pid) for processes in parts.values() for pid in processes()}

    def per(self, calls: int) -> str:
        spent = {
            part: sum(_cpu_s(pid) - self._before.get(pid, 0.0) for pid in processes()) / calls * 1e6
            for part, processes in self._parts.items()
        }
        return ", ".join(f"{part} {us:,.0f}" for part, us in spent.items()) + " µs of processor a call"


def parts(service: int, broker: str, url: str = "") -> Costs:
    """What a call over RabbitMQ costs its four parts; without `url` there is no database."""
    more = {"database": partial(backends, url)} if url else {}
    listening = listeners(broker)
    return Costs(client=lambda: [os.getpid()], service=lambda: [service], broker=lambda: listening, **more)


def listeners(url: str) -> list[int]:
    """The processes that listen on the port of `url`, where that can be seen."""
    port = Address.of(url).port
    found = (c.pid for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port)
    return sorted({pid for pid in found if pid})


def backends(url: str) -> list[int]:
    """The processes that serve connections to the database of `url`, without PostgreSQL's common ones."""
    engine = create_engine(admin_url(url), isolation_level="AUTOCOMMIT", pool_size=1)
    with engine.connect() as connection:
        sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        pids = list(connection.exec_driver_sql(sql).scalars())
    engine.dispose()
    return pids


def _cpu_s(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


@contextmanager
def process(name: str, url: str, broker: str, home: Path) -> Iterator[int]:
    """A service's process; its pid."""
    environment = {**os.environ, "MARKET_LOG_LEVEL": "ERROR", "MARKET_AMQP_URL": ""}
    arguments = [sys.executable, "-W", "ignore", "-m", "bench.green", name, url, broker, str(home)]
    child = subprocess.Popen(arguments, env=environment)
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait(30)


Next = Callable[[], Ask | None]


async def answered(next_one: Next) -> int:
    """`IN_FLIGHT` callers, each asking again when it was answered, until there is nothing more to ask; how many calls."""
    count = 0

    async def caller() -> None:
        nonlocal count
        while ask := next_one():
            answer = await ask()
            assert "refused" not in answer, answer
            count += 1

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return count


async def there(bus: RabbitBus, service: str, method: str = PROBE) -> None:
    """Once the service answers."""
    async with asyncio.timeout(30):
        while "refused" in await bus.query(service, method, {}, Call(deadline=time.time() + 5)):
            await asyncio.sleep(0.05)


def all_sealed(url: str, service: str) -> None:
    """Wait until it is."""
    engine = create_engine(admin_url(url), isolation_level="AUTOCOMMIT", pool_size=1)
    with engine.connect() as connection:
        while connection.exec_driver_sql(f"SELECT EXISTS (SELECT 1 FROM {service}.outbox)").scalar_one():
            time.sleep(0.005)
    engine.dispose()


# -- the smallest command against an echo -----------------------------------------------------------------------------


def boxes(url: str, broker: str, home: Path) -> tuple[float, str]:
    """Commands a second, answered and sealed, and what they cost."""
    settings = Settings(home=home)
    caller = Caller(SigningKey.at(settings.keys / "gateway.key"), 10.0)
    token = TokenIssuer(SigningKey.at(settings.keys / "access.key")).issue(person("keeper"))

    async def give(bus: RabbitBus, name: str, data: dict[str, Any]) -> dict[str, Any]:
        return await bus.command("box", name, data, caller.call(f"box.{name}", body_hash(data), token=token))

    async def run(pid: int) -> tuple[float, str]:
        bus = RabbitBus(broker, "bench")
        await bus.start()
        await there(bus, "box")
        await asyncio.gather(*(give(bus, "open_box", {"id": new_id(), "colour": "red"}) for _ in range(IN_FLIGHT)))
        costs = parts(pid, broker, url)
        started = time.perf_counter()

        def next_one() -> Ask | None:
            late = time.perf_counter() - started > SECONDS
            return None if late else partial(give, bus, "open_box", {"id": new_id(), "colour": "red"})

        count = await answered(next_one)
        await asyncio.to_thread(all_sealed, url, "box")
        took = time.perf_counter() - started
        said = costs.per(count)
        await bus.stop()
        return count / took, said

    with process("box", url, broker, home) as pid:
        return asyncio.run(run(pid))


def echoes(broker: str, home: Path) -> tuple[float, str]:
    """Calls a second of nameko as it comes, asked by our client, and what they cost."""

    async def run(pid: int) -> tuple[float, str]:
        bus = RabbitBus(broker, "bench")
        await bus.start()
        await there(bus, "echo", "echo")
        data = {"id": new_id(), "amount": 0}
        costs = parts(pid, broker)
        started = time.perf_counter()

        def next_one() -> Ask | None:
            late = time.perf_counter() - started > SECONDS
            return None if late else partial(bus.query, "echo", "echo", data, Call(deadline=time.time() + 10))

        count = await answered(next_one)
        took = time.perf_counter() - started
        said = costs.per(count)
        await bus.stop()
        return count / took, said

    with process("echo", "", broker, home) as pid:
        return asyncio.run(run(pid))


def stock(broker: str, home: Path) -> float:
    """Calls a second of nameko's own client to the same echo, as many in flight."""
    with process("echo", "", broker, home):
        program = [sys.executable, "-W", "ignore", "-m", "bench.stock_client", broker, str(IN_FLIGHT), str(SECONDS)]
        return float(subprocess.run(program, check=True, capture_output=True, text=True).stdout)


# -- a real command against its handler -------------------------------------------------------------------------------


def bids_over_bus(bids: list[dict[str, Any]], url: str, broker: str, home: Path) -> tuple[float, str]:
    """Bids a second, answered and sealed, and what they cost."""
    caller = Caller(SigningKey.at(home / "keys" / "gateway.key"), 10.0)

    async def give(bus: RabbitBus, bid: dict[str, Any]) -> dict[str, Any]:
        data = bid["data"]
        call = caller.call("orders.submit_bid", body_hash(data), token=bid["token"])
        return await bus.command("orders", "submit_bid", data, call)

    async def run(pid: int) -> tuple[float, str]:
        bus = RabbitBus(broker, "bench")
        await bus.start()
        await asyncio.gather(*(there(bus, "orders") for _ in range(PROBES)))
        left = iter(bids)
        costs = parts(pid, broker, url)
        started = time.perf_counter()

        def next_one() -> Ask | None:
            bid = next(left, None)
            return partial(give, bus, bid) if bid else None

        count = await answered(next_one)
        await asyncio.to_thread(all_sealed, url, "orders")
        took = time.perf_counter() - started
        said = costs.per(count)
        await bus.stop()
        return count / took, said

    with process("orders", url, broker, home) as pid:
        return asyncio.run(run(pid))


def give_directly(url: str, broker: str, home: str, file: str, workers: int, done: Any) -> None:
    """A process of its own: bids through the service's host by so many threads; seconds and costs.

    Beside them the same worker as beside the calls over RabbitMQ: it seals, publishes to the broker, and receives.
    """
    settings = Settings(home=Path(home))
    signals = Signals()
    host = Host(orders(), url, settings, signals.notify)
    attached = attach_bus(host, signals, broker)
    caller = Caller(SigningKey.at(settings.keys / "gateway.key"), 10.0)
    bids = pickle.loads(Path(file).read_bytes())
    time.sleep(0.5)

    def give(bid: dict[str, Any]) -> None:
        call = caller.call("orders.submit_bid", body_hash(bid["data"]), token=bid["token"])
        answer = host.command("submit_bid", bid["data"], call)
        assert "refused" not in answer, answer

    listening = listeners(broker)
    costs = Costs(service=lambda: [os.getpid()], broker=lambda: listening, database=partial(backends, url))
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(give, bids))
    all_sealed(url, "orders")
    done.send((time.perf_counter() - started, costs.per(len(bids))))
    attached.stop()
    host.close()


def bids_directly(bids: list[dict[str, Any]], url: str, broker: str, home: Path, threads: int) -> tuple[float, str]:
    """Bids a second of the same handler, called in its own process by so many threads, and what they cost."""
    context = mp.get_context("spawn")
    read, written = context.Pipe(duplex=False)
    file = home / "bids"
    file.write_bytes(pickle.dumps(bids))
    child = context.Process(target=give_directly, args=(url, broker, str(home), str(file), threads, written))
    child.start()
    written.close()  # then a child that dies is the end of what can be read, and not a wait for ever
    took, said = read.recv()
    child.join()
    return len(bids) / took, f"{threads} threads; {said}"


def commands_vs_direct(broker: str) -> float:
    with TemporaryDirectory() as readers, bench_database(everybody(Path(readers))) as (url, home):
        work = [bid for writer in command.prepare(url, home, COMPETITIONS) for bid in writer]
        part = len(work) // (2 * len(DIRECT_THREADS))
        rates: dict[str, list[tuple[float, str]]] = {"bid": [], "direct": []}
        for turn, threads in enumerate(DIRECT_THREADS):
            bids = work[2 * turn * part :]
            rates["bid"].append(bids_over_bus(bids[:part], url, broker, home))
            rates["direct"].append(bids_directly(bids[part : 2 * part], url, broker, home, threads))
    for name, found in rates.items():
        say(f"rpc: {name} {max(found)[0]:,.0f}/s of {part} each; {max(found)[1]}")
    return max(rates["bid"])[0] / max(rates["direct"])[0]


def run() -> dict[str, float]:
    """Ratios by name; what was measured is printed."""
    with TemporaryDirectory() as folder, bench_broker([box_service(), *all_services()]) as broker:
        box, ours, echo = [], [], []
        for _ in range(ROUNDS):  # turn about, so that a slow moment of the machine hits all
            with bench_database([box_service()]) as (url, home):
                box.append(boxes(url, broker, home))
            ours.append(echoes(broker, Path(folder)))
            echo.append(stock(broker, Path(folder)))
        say(f"rpc: {IN_FLIGHT} calls in flight, one process a service")
        say(f"rpc: box {max(box)[0]:,.0f}/s sealed; {max(box)[1]}")
        say(f"rpc: echo {max(echo):,.0f}/s; with our client {max(ours)[0]:,.0f}/s, {max(ours)[1]}")
        return {
            "vs_echo": max(box)[0] / max(echo),
            "vs_echo_our_client": max(box)[0] / max(ours)[0],
            "command_vs_direct": commands_vs_direct(broker),
        }

"""replay: folding a log again, beside the PyPI library `eventsourcing` doing the same with as many events of the same size.

* `states`: entries read from a file, parsed, validated, folded into aggregates by `evolve`.
* `eventsourcing`: stored events (in memory, JSON transcoder) rebuilt into aggregates by its repository.
* `whole`: as `states`, and every read table projected too, which `./market audit replay` does; printed beside them.

Ratios: `vs_eventsourcing` = states / eventsourcing, which both end at aggregates; `flatness` = states at a million
events / states at ten thousand, folded afresh until those are a million too, so that a mean stands beside a mean and
not a lucky moment beside ten seconds; `peak_mb` = the most memory that the process replaying a million used: it grows with
the 100,000 providers that those events are about, and not with the log.
"""

from __future__ import annotations

import multiprocessing as mp
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from app.demo.generator import generate_log
from app.replay.fold import Fold, without_cycle_search
from app.services import domain_services
from bench.run import say

SMALL, MIDDLE, LARGE = 10_000, 100_000, 1_000_000
PEER_EVENTS = 20_000
EVENTS_A_PROVIDER = 10


def write_log(path: Path, events: int) -> float:
    """A generated log in a file, `source<TAB>sequence<TAB>entry` a line; the mean size of an entry."""
    size = 0
    with path.open("wb") as file:
        for source, sequence, entry in generate_log(max(1, events // EVENTS_A_PROVIDER), events, seed=7):
            file.write(f"{source}\t{sequence}\t".encode() + entry + b"\n")
            size += len(entry)
    return size / events


def states_rate(path: str, events: int, done: Any) -> None:
    """The aggregates alone."""
    _replay(path, events, done, tables=False)


def whole_rate(path: str, events: int, done: Any) -> None:
    """Aggregates and read tables."""
    _replay(path, events, done, tables=True)


def small_rate(path: str, events: int, done: Any) -> None:
    """The aggregates of a small log, again and again from nothing."""
    _replay(path, events, done, tables=False, times=LARGE // events)


def _replay(path: str, events: int, done: Any, tables: bool, times: int = 1) -> None:
    """In a process of its own: (events per second, peak memory in MB)."""
    took = sum(_fold_once(path, events, tables) for _ in range(times))
    done.put((events * times / took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _fold_once(path: str, events: int, tables: bool) -> float:
    """Seconds for folding the log in `path`."""
    fold = Fold(domain_services(), tables=tables)
    started = time.perf_counter()
    with open(path, "rb") as file, without_cycle_search():
        for line in file:
            source, sequence, entry = line[:-1].split(b"\t", 2)
            fold.feed(source.decode(), int(sequence), entry)
    took = time.perf_counter() - started
    assert sum(fold.counts.values()) == events and not fold.differences
    return took


def peer_rate(path: str, events: int, done: Any) -> None:
    """The same number of events, with the same content, rebuilt by `eventsourcing`."""
    import orjson
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, event

    class Entry(Aggregate):
        @event("Begun")
        def __init__(self, body: dict[str, Any]) -> None:
            self.body = body

        @event("Changed")
        def change(self, body: dict[str, Any]) -> None:
            self.body = body

    application: Application[Any] = Application()
    streams: dict[str, Any] = {}
    with open(path, "rb") as file:
        for line in file:
            body = orjson.loads(line.split(b"\t", 2)[2])["event"]
            subject = body["subject"]
            if subject in streams:
                streams[subject].change(body)
            else:
                streams[subject] = Entry(body)
    for aggregate in streams.values():
        application.save(aggregate)
    ids = [aggregate.id for aggregate in streams.values()]
    streams.clear()
    started = time.perf_counter()
    for id_ in ids:
        application.repository.get(id_)
    done.put((events / (time.perf_counter() - started), 0.0))


def measured(target: Any, path: Path, events: int) -> tuple[float, float]:
    context = mp.get_context("spawn")
    done = context.Queue()
    process = context.Process(target=target, args=(str(path), events, done))
    process.start()
    result: tuple[float, float] = done.get()
    process.join()
    return result


def run() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="market-bench-") as folder:
        small, peer, middle, large = (Path(folder) / name for name in ("small", "peer", "middle", "large"))
        write_log(small, SMALL)
        write_log(peer, PEER_EVENTS)
        write_log(middle, MIDDLE)
        ours, theirs = 0.0, 0.0
        for _ in range(3):
            ours = max(ours, measured(states_rate, peer, PEER_EVENTS)[0])
            theirs = max(theirs, measured(peer_rate, peer, PEER_EVENTS)[0])
        whole, whole_mb = measured(whole_rate, middle, MIDDLE)
        size = write_log(large, LARGE)
        few, _ = measured(small_rate, small, SMALL)
        many, peak = measured(states_rate, large, LARGE)
    say(f"replay: {ours:,.0f} events/s, eventsourcing {theirs:,.0f} ({PEER_EVENTS:,} events of {size:,.0f} bytes)")
    say(f"replay: {few:,.0f} events/s at {SMALL:,}, {many:,.0f} at {LARGE:,}, {peak:,.0f} MB at most")
    say(f"replay: {whole:,.0f} events/s with every read table, {whole_mb:,.0f} MB at most ({MIDDLE:,} events)")
    return {"vs_eventsourcing": ours / theirs, "flatness": many / few, "peak_mb": peak}

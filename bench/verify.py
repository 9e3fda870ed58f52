"""verify: a whole bundle verified offline, beside bare SHA-256 over the same entries one by one.

Verification hashes every entry twice (the chain and the tree's leaf), hashes the tree's nodes, and compares every link.
Entries are as large, and stand in the tree in runs as long, as those of a season are in the mean: 2,989 entries of
1,457 bytes in 278 runs, in the bundle that `./market demo` leaves. The generator's own, of registers alone, are little
over half as large, and are filled up.

Ratio: `vs_sha256` = verified bytes per second / hashed bytes per second.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from pathlib import Path

from app.audit.bundle import open_bundle, verify_bundle, write_bundle
from app.demo.generator import generate_log
from bench.run import say
from kernel.chain import START, Link, event_bytes, next_entry, take_apart
from kernel.merkle import CompactRange, leaf_hash
from kernel.note import Checkpoint, Signer, sign_checkpoint

EVENTS = 200_000
MEAN_BYTES = 1_450
RUN = 10
TIMES = 5
ORIGIN = "bench.example/log"


def make_bundle(path: Path, events: int) -> None:
    """A generated log as a signed bundle."""
    signer = Signer.generate(ORIGIN)
    logs: dict[str, list[bytes]] = {}
    leaves: list[tuple[str, int]] = []
    frontier = CompactRange()
    links: dict[str, Link] = {}
    for source, sequence, generated in generate_log(events // 10, events, seed=7):
        entry, links[source] = filled(generated, links.get(source, START))
        log = logs.setdefault(source, [])
        log.append(entry)
        if sequence % RUN == 0:
            leaves += [(source, leaf) for leaf in range(sequence - RUN + 1, sequence + 1)]
            frontier.extend(map(leaf_hash, log[-RUN:]))
    for source, log in logs.items():
        rest = len(log) % RUN
        leaves += [(source, leaf) for leaf in range(len(log) - rest + 1, len(log) + 1)]
        frontier.extend(map(leaf_hash, log[len(log) - rest :]))
    note = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), signer)
    write_bundle(path, logs, leaves, [note], {}, signer, ORIGIN)


def filled(generated: bytes, link: Link) -> tuple[bytes, Link]:
    """An entry behind `link` with the event of a generated one, brought to the mean size of a season's entries."""
    missing = max(0, MEAN_BYTES - len(generated))
    event = event_bytes(generated)[:-1] + b',"zz":"' + b"x" * missing + b'"}'
    return next_entry(link, event, take_apart(generated).sealedat)


def hash_all(path: Path) -> float:
    """Seconds to hash each of the bundle's entries once, all of them in memory already."""
    with open_bundle(path) as bundle:
        entries = [entry for source in bundle.sources for entry in bundle.entries(source)]
    started = time.perf_counter()
    for entry in entries:
        hashlib.sha256(entry).digest()
    return time.perf_counter() - started


def run() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="market-bench-") as folder:
        path = Path(folder) / "bundle.zip"
        make_bundle(path, EVENTS)
        megabytes = path.stat().st_size / 1e6
        hashed, verified = 1e9, 1e9
        for _ in range(TIMES):
            hashed = min(hashed, hash_all(path))
            started = time.perf_counter()
            verify_bundle(path)
            verified = min(verified, time.perf_counter() - started)
    say(
        f"verify: {megabytes / verified:,.0f} MB/s verified, {megabytes / hashed:,.0f} MB/s hashed ({EVENTS:,} entries)"
    )
    return {"vs_sha256": hashed / verified}

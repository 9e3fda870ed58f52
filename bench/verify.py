"""verify: a whole bundle verified offline, beside bare SHA-256 over the same entries one by one.

Verification hashes every entry twice (the chain and the tree's leaf), hashes the tree's nodes, and compares every link.

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
from kernel.merkle import CompactRange, leaf_hash
from kernel.note import Checkpoint, Signer, sign_checkpoint

EVENTS = 200_000
ORIGIN = "bench.example/log"


def make_bundle(path: Path, events: int) -> None:
    """A generated log as a signed bundle."""
    signer = Signer.generate(ORIGIN)
    logs: dict[str, list[bytes]] = {}
    leaves: list[tuple[str, int]] = []
    frontier = CompactRange()
    for source, sequence, entry in generate_log(events // 10, events, seed=7):
        logs.setdefault(source, []).append(entry)
        leaves.append((source, sequence))
        frontier.append(leaf_hash(entry))
    note = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), signer)
    write_bundle(path, logs, leaves, [note], {}, signer, ORIGIN)


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
        for _ in range(3):
            hashed = min(hashed, hash_all(path))
            started = time.perf_counter()
            verify_bundle(path)
            verified = min(verified, time.perf_counter() - started)
    say(
        f"verify: {megabytes / verified:,.0f} MB/s verified, {megabytes / hashed:,.0f} MB/s hashed ({EVENTS:,} entries)"
    )
    return {"vs_sha256": hashed / verified}

"""`./market bench`: measurements by name, each printed as ratios of two ways in the same run."""

from __future__ import annotations

import importlib
import sys

import orjson

from app.failure import Failure
from kernel.logs import configure

BENCHES = {
    "append": ("bench.append", "bench.command"),
    "flow": ("bench.flow",),
    "publish": ("bench.publish",),
    "replay": ("bench.replay",),
    "rpc": ("bench.rpc",),
    "surge": ("bench.surge",),
    "verify": ("bench.verify",),
}
"""Name → modules with `run() -> {ratio: number}`; what they measured is printed to standard error.

A number called `wrong` counts what came out otherwise than it must: then the command fails.
"""


def main(names: list[str], as_json: bool, seconds: float | None = None) -> int:
    """Run the benches named (all without names) and print their ratios. `seconds`: how long surge's minute is."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        raise Failure(f"there is no bench {', '.join(unknown)}", f"one of: {', '.join(BENCHES)}")
    configure("WARNING")
    results: dict[str, dict[str, float]] = {}
    for name in names or list(BENCHES):
        for module in BENCHES[name]:
            options = {"seconds": seconds} if name == "surge" and seconds else {}
            ratios: dict[str, float] = importlib.import_module(module).run(**options)
            results.setdefault(name, {}).update({ratio: round(value, 3) for ratio, value in ratios.items()})
            if not as_json:
                for ratio, value in ratios.items():
                    print(f"{name:8} {ratio:18} {value:10.3f}", flush=True)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(results) + b"\n")
    return 1 if any(ratios.get("wrong") for ratios in results.values()) else 0


def say(text: str) -> None:
    """What was measured, for people: standard error, so that `--json` prints one object only."""
    print(text, file=sys.stderr, flush=True)

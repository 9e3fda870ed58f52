"""`./market bench`: measurements by name, each printed as ratios of two ways in the same run."""

from __future__ import annotations

import importlib
import sys

import orjson

from app.failure import Failure

BENCHES = {
    "append": ("bench.append", "bench.command"),
    "flow": ("bench.flow",),
    "publish": ("bench.publish",),
    "replay": ("bench.replay",),
    "rpc": ("bench.rpc",),
    "verify": ("bench.verify",),
}
"""Name → modules with `run() -> {ratio: number}`; what they measured is printed to standard error."""


def main(names: list[str], as_json: bool) -> int:
    """Run the benches named (all without names) and print their ratios."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        raise Failure(f"there is no bench {', '.join(unknown)}", f"one of: {', '.join(BENCHES)}")
    results: dict[str, dict[str, float]] = {}
    for name in names or list(BENCHES):
        for module in BENCHES[name]:
            ratios: dict[str, float] = importlib.import_module(module).run()
            results.setdefault(name, {}).update({ratio: round(value, 3) for ratio, value in ratios.items()})
            if not as_json:
                for ratio, value in ratios.items():
                    print(f"{name:8} {ratio:18} {value:10.3f}", flush=True)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(results) + b"\n")
    return 0


def say(text: str) -> None:
    """What was measured, for people: standard error, so that `--json` prints one object only."""
    print(text, file=sys.stderr, flush=True)

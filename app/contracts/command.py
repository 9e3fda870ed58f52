"""`./market contracts`: writes `contracts/`, or checks that it is fresh and breaks nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from app.contracts.compatible import breaking_changes
from app.contracts.examples import record
from app.contracts.generate import contract_files
from app.services import all_services
from kernel.settings import PROJECT, Settings

CONTRACTS = PROJECT / "contracts"
FROZEN = CONTRACTS / "frozen"
GENERATED = ("events", "rpc", "http")


def expected_files() -> dict[str, str]:
    """Everything that `contracts/` must hold but for the recorded examples."""
    _bootstrap_readers()
    services = all_services()
    files = contract_files(services)
    (CONTRACTS / "readers.json").write_text(files["readers.json"], encoding="utf-8")
    for path, text in files.items():  # the HTTP contract is made from the RPC contracts
        if path.startswith("rpc/"):
            _write(CONTRACTS / path, text)
    from services.gateway.openapi import openapi_text

    files["http/openapi.json"] = openapi_text(CONTRACTS, Settings())
    return files


def stale_files() -> list[str]:
    """Files of `contracts/` that aren't what the code says, or that it no longer makes. Writes nothing."""
    services = all_services()
    files = contract_files(services)
    from services.gateway.openapi import openapi_text

    files["http/openapi.json"] = openapi_text(CONTRACTS, Settings())
    stale = [p for p, text in files.items() if not _same(CONTRACTS / p, text)]
    return sorted(stale + _orphans(files))


def main(check: bool = False, bundle: Path | None = None, release: bool = False) -> int:
    """Write the contracts, or with `check` say what is stale; exit status 0 only when all is fresh.

    `bundle`: record examples of event types that have none yet from this bundle. `release`: freeze event versions
    that aren't frozen yet.
    """
    if release:
        print("\n".join(freeze()) or "every event version is frozen")
        return 0
    if bundle is not None:
        added = record(bundle, CONTRACTS)
        print("\n".join(added) if added else "every event type of the bundle has its example")
        return 0
    if check:
        stale, broken = stale_files(), breaking_changes_since_frozen()
        for path in stale:
            print(f"stale: contracts/{path}", file=sys.stderr)
        for problem in broken:
            print(f"breaks a frozen version: {problem}", file=sys.stderr)
        if stale:
            print("run ./market contracts and commit what it changes", file=sys.stderr)
        return 1 if stale or broken else 0
    files = expected_files()
    for path, text in files.items():
        _write(CONTRACTS / path, text)
    for path in _orphans(files):
        (CONTRACTS / path).unlink()
    print(f"contracts: {len(files)} files")
    return 0


def freeze() -> list[str]:
    """Keep the schemas of event versions that aren't frozen yet, as a release does; their names. Old ones stay."""
    added = []
    for path in sorted((CONTRACTS / "events").rglob("*.json")):
        kept = FROZEN / path.relative_to(CONTRACTS / "events")
        if not kept.exists():
            _write(kept, path.read_text(encoding="utf-8"))
            added.append(kept.stem)
    return added


def breaking_changes_since_frozen() -> list[str]:
    """What the contracts of today no longer keep of the versions that were frozen."""
    problems = []
    for kept in sorted(FROZEN.rglob("*.json")):
        now = CONTRACTS / "events" / kept.relative_to(FROZEN)
        if not now.exists():
            problems.append(f"{now.name}: the contract was removed, and old logs hold such events")
            continue
        old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (kept, now))
        problems += [f"{now.name}{place}" for place in breaking_changes(old, new)]
    return problems


def _bootstrap_readers() -> None:
    path = CONTRACTS / "readers.json"
    if not path.exists():
        _write(path, "{}\n")


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _orphans(files: dict[str, str]) -> list[str]:
    found = []
    for folder in GENERATED:
        for path in sorted((CONTRACTS / folder).rglob("*")):
            name = path.relative_to(CONTRACTS).as_posix()
            if path.is_file() and name not in files:
                found.append(name)
    return found

"""The bodies of `./market audit …`."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from app.audit.bundle import VerifyError, verify_bundle
from app.audit.receipt import describe, verify_receipt
from app.failure import Failure
from kernel.instants import from_text
from kernel.settings import Settings

SHOWN = 50


def bundle(file: Path) -> int:
    """Write the bundle of the installation's history."""
    from app.audit.export import export_bundle
    from app.postgres import database_url

    settings = Settings()
    entries, since = export_bundle(database_url(settings), settings, file)
    print(f"{file}: {entries:,} entries under the last checkpoint, {file.stat().st_size:,} bytes")
    if since:
        print(f"{since:,} entries were sealed since that checkpoint: take another bundle later", file=sys.stderr)
    return 0


def verify(file: Path, trust: str | None, as_json: bool) -> int:
    """Check a bundle offline."""
    try:
        report = verify_bundle(file, _log_key(trusted_key(trust)))
    except VerifyError as problem:
        if as_json:
            _print({"verified": False, "place": problem.place, "problem": problem.what})
        raise Failure(
            f"{file} does not verify: {problem}", "keep it as evidence, and ask for the log again"
        ) from problem
    if as_json:
        found = {"verified": True, "trusted": report.trusted, "key": str(report.key), "entries": report.entries}
        _print({**found, "handovers": report.handovers})
    else:
        print(report)
    return 0


def replay(file: Path, at: str | None, against_live: bool, as_json: bool) -> int:
    """Fold a bundle again and compare."""
    from app.postgres import database_url
    from app.replay.run import replay as run

    if at and against_live:
        raise Failure("--at and --against-live exclude each other", "the live system stands at its own end")
    try:
        report = run(file, from_text(at) if at else None, database_url(Settings()) if against_live else None)
    except VerifyError as problem:
        raise Failure(f"{file} can't be read: {problem}", f"run ./market audit verify {file}") from problem
    except ValueError as problem:
        raise Failure(f"--at {at}: {problem}", "give an instant such as 2027-03-01T12:00:00Z") from problem
    if as_json:
        _print(
            {
                "entries": report.entries,
                "bids_opened": report.bids_opened,
                "deadlines_counted": report.deadlines_counted,
                "state": report.state,
                "outcome": report.outcome,
                "differences": [_difference(d) for d in report.differences],
            }
        )
    else:
        show(report, against_live)
    for difference in report.differences[:SHOWN]:
        print(f"differs: {difference}", file=sys.stderr)
    if len(report.differences) > SHOWN:
        print(f"… and {len(report.differences) - SHOWN} more", file=sys.stderr)
    return 1 if report.differences else 0


def show(report: Any, against_live: bool) -> None:
    """The digests as a table, and the verdict."""
    console = Console()
    console.print("Outcome, SHA-256 by kind: business facts, equal between two runs of one season")
    for kind, digest in report.outcome.items():
        print(f"  {kind:13} {digest}")
    whole = orjson.dumps(report.state, option=orjson.OPT_SORT_KEYS)
    console.print(f"State, {len(report.state)} tables (each with --json)")
    print(f"  {'all':13} {hashlib.sha256(whole).hexdigest()}")
    console.print(
        f"{report.entries:,} entries folded, {report.bids_opened:,} sealed bids opened again, "
        f"{report.deadlines_counted:,} deadlines counted again"
    )
    if report.live_entries_after:
        console.print(f"the live log goes on from the bundle by {report.live_entries_after:,} entries")
    if not report.differences:
        verdict = "the live system is what the log says, row by row" if against_live else "everything computed is right"
        console.print(f"[green]{verdict}[/green]")


def receipt(file: Path, trust: str | None, as_json: bool) -> int:
    """Check a receipt offline."""
    try:
        report = verify_receipt(file, trusted_key(trust))
    except VerifyError as problem:
        if as_json:
            _print({"verified": False, "place": problem.place, "problem": problem.what})
        raise Failure(f"{file} does not verify: {problem}", "ask for the receipt again, and keep this one") from problem
    if as_json:
        _print(
            {"verified": True, "trusted": report.trusted, "event_id": report.event_id, "receivedat": report.receivedat}
        )
    else:
        print(describe(report))
    return 0


def trusted_key(trust: str | None) -> str | None:
    """The verifier key that was given, or that stands in the file that was given."""
    if trust is None or "+" in trust:
        return trust
    path = Path(trust)
    if not path.is_file():
        raise Failure(
            f"--trust {trust} is neither a verifier key nor a file", "give name+hash+base64, or a file with it"
        )
    return path.read_text(encoding="utf-8").strip()


def _log_key(keys: str | None) -> str | None:
    """Of several published keys the log's: services sign receipts under `market/<service>`."""
    found = [key for key in (keys or "").split() if not key.startswith("market/")]
    return found[0] if found else keys


def _difference(found: Any) -> dict[str, Any]:
    return {
        "table": found.table, "key": found.key, "field": found.field,
        "replayed": found.replayed, "found": found.found,
    }  # fmt: skip


def _print(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")

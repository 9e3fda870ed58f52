"""`./market audit …`: what an auditor holds and checks, most of it without the market."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands import run_body

BODIES = "app.audit.commands"

ExistingFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
AsJson = Annotated[bool, typer.Option("--json", help="print the result as one JSON object")]
Trust = Annotated[
    str | None, typer.Option(metavar="KEY", help="the log's published verifier key, or a file that holds it")
]

application = typer.Typer(no_args_is_help=True, help="Bundle, verify and replay the market's history.")


@application.command("bundle")
def bundle(file: Annotated[Path, typer.Argument(help="the zip file to write", dir_okay=False)]) -> None:
    """Write everything that an auditor needs into one file: logs, checkpoints, proofs, the region's configuration.

    Example: ./market audit bundle season.zip
    """
    run_body(f"{BODIES}:bundle", file=file)


@application.command("verify")
def verify(file: ExistingFile, trust: Trust = None, as_json: AsJson = False) -> None:
    """Check a bundle offline: chains, tree, signatures. Exit status 1 and the place, if anything is wrong.

    Without --trust a bundle can only be shown consistent with itself; compare the key it names with the published one.

    Example: ./market audit verify season.zip --trust market.pub
    """
    run_body(f"{BODIES}:verify", file=file, trust=trust, as_json=as_json)


@application.command("replay")
def replay(
    file: ExistingFile,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="cut each log after the last entry sealed by TIME (RFC 3339)")
    ] = None,
    against_live: Annotated[
        bool, typer.Option("--against-live", help="compare with the running market's tables; name each difference")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fold a bundle into state again, compute again what was computed, and print the digests.

    Example: ./market audit replay season.zip --at 2027-03-01T12:00:00Z
    """
    run_body(f"{BODIES}:replay", file=file, at=at, against_live=against_live, as_json=as_json)


@application.command("receipt")
def receipt(file: ExistingFile, trust: Trust = None, as_json: AsJson = False) -> None:
    """Check a receipt: that the event stood in the log, and before when.

    Example: ./market audit receipt bid.receipt.json --trust market.pub
    """
    run_body(f"{BODIES}:receipt", file=file, trust=trust, as_json=as_json)

"""`./market bench`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="all without it")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one object {bench: {ratio: number}}")] = False,
    seconds: Annotated[
        float | None, typer.Option(min=5, max=600, help="surge: a last minute of so many seconds, for a quick look")
    ] = None,
) -> None:
    """Measure and print ratios, each of two ways in the same run.

    Example: ./market bench append replay --json
    """
    run_body("bench.run:main", names=names or [], as_json=as_json, seconds=seconds)

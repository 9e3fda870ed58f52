"""`./market contracts`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands import run_body


def contracts(
    check: Annotated[
        bool, typer.Option("--check", help="write nothing; fail when the files are stale or break an older version")
    ] = False,
    examples: Annotated[
        Path | None,
        typer.Option(metavar="BUNDLE", exists=True, dir_okay=False, help="record examples of new events from a bundle"),
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="freeze the schemas of event versions that aren't frozen yet")
    ] = False,
) -> None:
    """Generate contracts/ from the code: event and RPC schemas, examples, subscriptions, OpenAPI, AsyncAPI.

    Example: ./market contracts --check
    """
    run_body("app.contracts.command:main", check=check, bundle=examples, release=release)

"""`./market test`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def test(
    layers: Annotated[list[str] | None, typer.Argument(metavar="[LAYER]...", help="folders of tests/")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="install what is missing (Debian, as root) and fail on anything skipped")
    ] = False,
) -> None:
    """Run the tests: all layers that this machine can run, or those named.

    The layer architecture also runs ruff, mypy and the import rules. PostgreSQL is that of MARKET_DATABASE_URL
    (a superuser's DSN; databases are created and dropped), else the embedded one.

    Example: ./market test unit component
    """
    run_body("app.testing:main", layers=layers or [], everything=everything)

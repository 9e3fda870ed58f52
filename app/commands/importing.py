"""`./market import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands import run_body


def import_(
    file: Annotated[Path, typer.Argument(help="a register as CSV", exists=True, dir_okay=False, readable=True)],
    as_json: Annotated[bool, typer.Option("--json", help="print the report as one JSON object")] = False,
) -> None:
    """Import a register of organisations row by row, with a report of what was taken and what a person must add.

    Example: ./market import register.csv --json
    """
    run_body("app.importing:main", file=file, as_json=as_json)

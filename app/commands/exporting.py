"""`./market export …`: what leaves the market as files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands import run_body

application = typer.Typer(no_args_is_help=True, help="Write the market's data as files for other tools.")


@application.command("journal")
def journal(file: Annotated[Path, typer.Argument(help="the text file to write", dir_okay=False)]) -> None:
    """Write the whole journal of the ledger as plain-text accounting: hledger or ledger then prove that it balances.

    Example: ./market export journal season.journal && hledger -f season.journal balance
    """
    run_body("app.exporting:journal", file=file)

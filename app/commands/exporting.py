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


@application.command("ocds")
def ocds(
    out: Annotated[Path, typer.Option("--out", help="the folder to make", file_okay=False)],
) -> None:
    """Write all contracting processes as OCDS 1.1.5: release packages, record packages and the extensions they use.

    Example: ./market export ocds --out season-ocds
    """
    run_body("app.ocds:main", out=out)


@application.command("hsds")
def hsds(
    out: Annotated[Path, typer.Option("--out", help="the file: .json, .geojson or .csv", dir_okay=False)],
) -> None:
    """Write the register of providers: as HSDS 3.0 into a .json, as a map into a .geojson, as a table into a .csv.

    Example: ./market export hsds --out register.json
    """
    run_body("app.hsds:main", file=out)

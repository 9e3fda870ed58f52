"""`./market keys …`: the private keys of an installation, and changing them."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body

AsJson = Annotated[bool, typer.Option("--json", help="print the result as JSON")]

application = typer.Typer(no_args_is_help=True, help="The keys of an installation: which there are, and changing them.")


@application.command("list")
def list_(as_json: AsJson = False) -> None:
    """Name the keys in $MARKET_HOME/keys: what each is for, since when it is, and whether a change was cut off.

    Example: ./market keys list --json
    """
    run_body("app.keys.commands:list_keys", as_json=as_json)


@application.command("rotate")
def rotate(
    name: Annotated[str, typer.Argument(help="a file's name, such as vault.kek: see ./market keys list")],
    as_json: AsJson = False,
) -> None:
    """Put a new key in the place of one in $MARKET_HOME/keys, so that everything under the old one is under the new.

    A change that was cut off is ended by the same command. docs/operations/keys.md says what to stop before and what
    to start again after.

    Example: ./market keys rotate vault.kek
    """
    run_body("app.keys.commands:rotate", name=name, as_json=as_json)

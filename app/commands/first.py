"""`./market administrator`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def administrator(
    login: Annotated[str, typer.Argument(help="what the first administrator signs in with")],
) -> None:
    """Make the first account of a new installation, an administrator's; asks for a password (or reads it from a pipe).

    Whoever can run this holds the installation's keys. It works once: further accounts are made by administrators.

    Example: ./market administrator anna.petrova
    """
    run_body("app.administrator:main", login=login)

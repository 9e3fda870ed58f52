"""`./market rebuild`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def rebuild(
    service: Annotated[str, typer.Argument(help="name of a folder of services/")],
    tables: Annotated[list[str] | None, typer.Argument(metavar="[TABLE]...", help="all without it")] = None,
) -> None:
    """Fill a service's read tables anew from the log while commands go on, then swap them in.

    Example: ./market rebuild orders
    """
    run_body("app.rebuild:main", service=service, tables=tables or [])

"""`./market run`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def run(service: Annotated[str, typer.Argument(help="name of a folder of services/")]) -> None:
    """Run one service in a process of its own, until SIGTERM.

    Example: ./market run orders
    """
    run_body("app.run:main", service=service)

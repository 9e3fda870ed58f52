"""`./market up`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def up(
    port: Annotated[int, typer.Option(help="port on this machine for pages and API", min=1, max=65535)] = 8000,
) -> None:
    """Serve the pages and the API, all services in one process; Ctrl-C stops everything in order.

    Example: ./market up --port 8080
    """
    run_body("app.up:main", port=port)

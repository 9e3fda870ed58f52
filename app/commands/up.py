"""`./market up`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def up(
    port: Annotated[int, typer.Option(help="port on this machine for pages and API", min=1, max=65535)] = 8000,
    rabbit: Annotated[
        bool, typer.Option("--rabbit", help="over RabbitMQ, every service in processes of its own")
    ] = False,
    replicas: Annotated[int, typer.Option(help="with --rabbit: processes of each service", min=1, max=2)] = 2,
) -> None:
    """Serve the pages and the API, all services in one process or many; Ctrl-C stops everything in order.

    With --rabbit the broker is that of MARKET_AMQP_URL, else a private one of the RabbitMQ installed here; what died is
    started again.

    Example: ./market up --port 8080
    """
    if rabbit:
        run_body("app.up:over_rabbit", port=port, replicas=replicas)
    run_body("app.up:main", port=port)

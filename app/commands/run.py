"""`./market run`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def run(
    service: Annotated[str, typer.Argument(help="name of a service, or gateway")],
    host: Annotated[str, typer.Option(help="gateway only: the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="gateway only: the port; 0 takes a free one")] = 8000,
) -> None:
    """Run one service, or the gateway, in a process of its own, until SIGTERM.

    With MARKET_AMQP_URL a service answers on RabbitMQ; without it, it only does what stands in its database. The gateway
    needs the broker.

    Example: ./market run orders
    """
    if service == "gateway":
        run_body("app.gateway_process:main", host=host, port=port)
    run_body("app.run:main", service=service)

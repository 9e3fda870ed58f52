"""`./market demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="print the counts and digests as one JSON object")] = False,
    rabbit: Annotated[
        bool, typer.Option("--rabbit", help="over RabbitMQ, each service in two processes, some killed, some frozen")
    ] = False,
) -> None:
    """Play a region's season from the register to the payments, then verify and replay its own log.

    Needs nothing but Python: the database is the embedded one (or that of MARKET_DATABASE_URL). What it leaves is
    served by ./market up. A former demonstration is replaced; any other installation is left alone.

    With --rabbit the broker is that of MARKET_AMQP_URL, else a private one of the RabbitMQ installed here.

    Example: ./market demo
    """
    run_body("app.demo.run:main", as_json=as_json, rabbit=rabbit)

"""`./market topology`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body


def topology(
    as_json: Annotated[bool, typer.Option("--json", help="print what was found and made as one JSON object")] = False,
) -> None:
    """Declare in RabbitMQ the exchanges and queues that contracts/subscriptions.yaml names; harmless when repeated.

    A queue that exists with other arguments is an error that names it. Services never declare; they use what is there.

    Example: MARKET_AMQP_URL=amqp://market@broker/ ./market topology
    """
    run_body("app.topology:main", as_json=as_json)

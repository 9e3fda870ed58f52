"""`./market secrets FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands import run_body


def secrets(
    folder: Annotated[Path, typer.Argument(help="a folder that nobody else may read; made where it is missing")],
    database: Annotated[str, typer.Option(help="host of PostgreSQL, as the processes see it")] = "postgres",
    broker: Annotated[str, typer.Option(help="host of RabbitMQ, as the processes see it")] = "rabbitmq",
    database_ca: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="CA of PostgreSQL's certificate, as the processes see it: TLS only"),
    ] = None,
    broker_ca: Annotated[
        str | None, typer.Option(metavar="FILE", help="CA of RabbitMQ's certificate, as the processes see it: TLS only")
    ] = None,
    renew: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="a password to renew, such as orders/market_role_password")
    ] = None,
) -> None:
    """Make the passwords and keys of an installation of many processes, a folder for each; what is there stays.

    Example: ./market secrets secrets
    """
    run_body(
        "app.deploy.secrets:main",
        folder=folder,
        database=database,
        broker=broker,
        database_ca=database_ca,
        broker_ca=broker_ca,
        renew=renew or [],
    )

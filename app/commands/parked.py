"""`./market parked …`: streams that wait at a subscription because their first event could not be handled."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import run_body

application = typer.Typer(no_args_is_help=True, help="Streams that wait because an event could not be handled.")


@application.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="print them as one JSON array")] = False) -> None:
    """Name every parked stream: service, source, subject, how many events wait, since when, and the first one's error.

    Example: ./market parked list --json
    """
    run_body("app.parked:list_parked", as_json=as_json)


@application.command("retry")
def retry(
    service: Annotated[str | None, typer.Argument(help="only this service's; all without it")] = None,
) -> None:
    """Try the parked streams again, each from its first event. Exit status 1 when some still wait.

    Example: ./market parked retry billing
    """
    run_body("app.parked:retry", service=service)

"""The command line. Every command exits with 0 only when it did what it says; what goes wrong is said on stderr."""

from __future__ import annotations

import sys

import typer

from app.commands import test
from app.failure import Failure

application = typer.Typer(
    name="market",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@application.callback()
def _group() -> None:
    """A regional market of social services whose whole history can be checked from outside."""


application.command("test")(test.test)


def main() -> None:
    """Runs the command that `sys.argv` names and exits."""
    try:
        application(prog_name="./market")
    except Failure as failure:
        sys.exit(f"market: {failure}")

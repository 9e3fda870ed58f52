"""The command line. Every command exits with 0 only when it did what it says; what goes wrong is said on stderr."""

from __future__ import annotations

import sys

import typer

from app.commands import (
    audit,
    bench,
    contracts,
    demo,
    exporting,
    first,
    importing,
    keys,
    migrate,
    parked,
    rebuild,
    run,
    secrets,
    test,
    topology,
    up,
)
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


application.command("demo")(demo.demo)
application.command("up")(up.up)
application.command("run")(run.run)
application.command("test")(test.test)
application.command("bench")(bench.bench)
application.command("migrate")(migrate.migrate)
application.command("topology")(topology.topology)
application.command("secrets")(secrets.secrets)
application.command("administrator")(first.administrator)
application.command("import")(importing.import_)
application.add_typer(exporting.application, name="export")
application.add_typer(audit.application, name="audit")
application.add_typer(parked.application, name="parked")
application.add_typer(keys.application, name="keys")
application.command("rebuild")(rebuild.rebuild)
application.command("contracts")(contracts.contracts)


def main() -> None:
    """Runs the command that `sys.argv` names and exits."""
    try:
        application(prog_name="./market")
    except Exception as problem:
        failure = as_failure(problem)
        if failure is None:
            raise  # a defect: its traceback is what helps
        sys.exit(f"market: {failure}")


def as_failure(problem: Exception) -> Failure | None:
    """What a person can act on in `problem`; None for a defect. Imports nothing that the command did not need."""
    if isinstance(problem, Failure):
        return problem
    psycopg, pydantic = sys.modules.get("psycopg"), sys.modules.get("pydantic")
    origin = getattr(problem, "orig", problem)  # SQLAlchemy wraps the driver's error
    if psycopg is not None and isinstance(origin, psycopg.OperationalError) and origin.sqlstate is None:
        return Failure(f"the database does not answer: {origin}", "start it, or correct MARKET_DATABASE_URL")
    if pydantic is not None and isinstance(problem, pydantic.ValidationError) and problem.title == "Settings":
        wrong = [f"MARKET_{str(error['loc'][0]).upper()}: {error['msg']}" for error in problem.errors()]
        return Failure(f"wrong settings: {'; '.join(wrong)}", "correct these variables of the environment")
    sources = sys.modules.get("pydantic_settings")
    if sources is not None and isinstance(problem, sources.SettingsError):
        return Failure(f"wrong settings: {problem}", "correct the environment, or the files of MARKET_SECRETS_DIR")
    return None

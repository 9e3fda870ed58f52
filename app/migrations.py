"""Migrations: alembic, a folder and a version table per service, run inside the caller's transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from kernel.service import Service

VERSION_TABLE = "schema_version"


def scripts_of(service: Service) -> ScriptDirectory:
    """The service's migration scripts. Several custodians share one folder."""
    assert service.folder is not None, f"{service.name} has no folder"
    config = Config()
    config.set_main_option("script_location", str(service.folder / "migrations"))
    config.set_main_option("version_locations", str(service.folder / "migrations" / "versions"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def upgrade(connection: Connection, service: Service) -> list[str]:
    """Apply what is missing of a service's migrations; their names."""
    scripts = scripts_of(service)
    applied: list[str] = []

    def steps(heads: Any, context: MigrationContext) -> Any:
        found = scripts._upgrade_revs("head", heads)
        applied.extend(f"{service.name}: {step.revision.revision} {step.revision.doc}" for step in found)
        return found

    # Scripts name no schema: the same ones serve each custodian.
    connection.exec_driver_sql(f'SET LOCAL search_path = "{service.name}"')
    context = MigrationContext.configure(
        connection, opts={"fn": steps, "version_table": VERSION_TABLE, "version_table_schema": service.name}
    )
    with Operations.context(context):
        context.run_migrations()
    connection.exec_driver_sql("SET LOCAL search_path = DEFAULT")
    return applied


def versions_folder(service: Service) -> Path:
    assert service.folder is not None
    return service.folder / "migrations" / "versions"

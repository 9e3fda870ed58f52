"""Migrations: alembic, a folder and a version table per service, run inside the caller's transaction."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
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

    def steps(revision: tuple[str, ...], context: MigrationContext) -> list[RevisionStep]:
        found = scripts._upgrade_revs("head", revision)
        applied.extend(f"{service.name}: {step.revision.revision} {step.revision.doc}" for step in found)
        return found  # type: ignore[return-value]

    environment = EnvironmentContext(Config(), scripts, fn=steps)
    environment.configure(
        connection=connection,
        version_table=VERSION_TABLE,
        version_table_schema=service.name,
        include_schemas=True,
        opts={"schema": service.name},
    )
    # Scripts name no schema: the same ones serve each custodian.
    connection.exec_driver_sql(f'SET LOCAL search_path = "{service.name}"')
    environment.run_migrations(schema=service.name)
    connection.exec_driver_sql("RESET search_path")
    return applied


def versions_folder(service: Service) -> Path:
    assert service.folder is not None
    return service.folder / "migrations" / "versions"

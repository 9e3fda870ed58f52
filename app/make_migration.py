"""For developers: `python -m app.make_migration "message" [SERVICE…]` writes the migrations that the tables need.

Brings a scratch database up by the migrations that exist, compares it with the declarations by alembic's autogenerate,
and writes what is missing. Read what it wrote: types and data are a person's business.
"""

from __future__ import annotations

import re
import sys
import uuid
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url

from app.migrations import VERSION_TABLE, scripts_of, upgrade, versions_folder
from app.postgres import database_url
from app.services import all_services
from kernel.database import admin_url
from kernel.schema import create_roles, create_schema
from kernel.service import Service
from kernel.settings import Settings

TEMPLATE = '''"""{message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
{body}
'''


def missing_operations(connection: Connection, service: Service) -> str:
    """Python code of the operations that lead from the migrated schema to the declared tables; "" when none."""

    def wanted(name: str | None, kind: str, parents: object) -> bool:
        return name == service.name if kind == "schema" else name != VERSION_TABLE

    context = MigrationContext.configure(
        connection, opts={"include_schemas": True, "include_name": wanted, "compare_type": True}
    )
    script = produce_migrations(context, service.metadata)
    if script.upgrade_ops is None or script.upgrade_ops.is_empty():
        return ""
    return _without_schema(str(render_python_code(script.upgrade_ops)), service.name)


def _without_schema(code: str, schema: str) -> str:
    """The same operations in whatever schema the search path names: one script serves all three custodians."""
    code = re.sub(rf",\s*schema='{schema}'", "", code)
    return re.sub(rf"(?<![\w.]){schema}\.(?=\w+['\"])", "", code)


def write_migration(connection: Connection, service: Service, message: str) -> Path | None:
    """Write the next migration of a service; None where nothing is missing."""
    folder = versions_folder(service)
    folder.mkdir(parents=True, exist_ok=True)
    body = missing_operations(connection, service)
    if not body:
        return None
    head = scripts_of(service).get_current_head()
    revision = f"{int(head or 0) + 1:04d}"
    lines = [line for line in body.splitlines() if "commands auto generated" not in line and "end Alembic" not in line]
    down = f'"{head}"' if head else "None"
    text = TEMPLATE.format(message=message, revision=revision, down=down, body="\n".join(lines))
    path = folder / f"{revision}_{re.sub(r'[^a-z0-9]+', '_', message.lower()).strip('_')}.py"
    path.write_text(text, encoding="utf-8")
    return path


def main(message: str, names: list[str]) -> None:
    settings = Settings()
    server = create_engine(admin_url(database_url(settings)), isolation_level="AUTOCOMMIT")
    scratch = f"market_scratch_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{scratch}"')
    engine = create_engine(make_url(server.url).set(database=scratch))
    try:
        done: set[str] = set()
        for service in all_services():
            if service.family in done or (names and service.family not in names):
                continue
            done.add(service.family)
            with engine.begin() as connection:
                create_roles(connection, [service], settings)
                create_schema(connection, service)
                versions_folder(service).mkdir(parents=True, exist_ok=True)
                upgrade(connection, service)
                path = write_migration(connection, service, message)
            print(f"{service.family}: {path or 'up to date'}")
    finally:
        engine.dispose()
        with server.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{scratch}" WITH (FORCE)')
        server.dispose()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

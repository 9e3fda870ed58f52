"""Schemas, roles and rights of an installation's database, made by its owner and never by a service.

A schema and a role per service. A service may read and write its own read tables, and of `log` only insert and read.
Of other services it may read the log it subscribes to, that log's head, and the tables that they publish to it:
nothing else, so a cross-schema read fails in a test and not in a review.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Table

from kernel.database import role_of
from kernel.service import Service
from kernel.settings import Settings

OWNER = "market_owner"
ZERO_HASH = "0" * 64
INSERT_ONLY = frozenset({"log"})


def create_roles(connection: Connection, services: Iterable[Service], settings: Settings) -> None:
    """The owner (can't log in) and a login role per service. Roles belong to the server: existing ones stay."""
    statements = [_role(OWNER, "NOLOGIN", None)]
    statements += [_role(role_of(s.name), "LOGIN", settings.password_of(s.name)) for s in services]
    for statement in statements:
        connection.exec_driver_sql(statement)


def _role(name: str, login: str, password: str | None) -> str:
    secret = "" if password is None else f" PASSWORD {_literal(password)}"
    # Two set-ups at once may both find no role: the loser's error means that it exists now.
    return f"""
    DO $$ BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{name}') THEN
            CREATE ROLE {name} {login}{secret} NOSUPERUSER NOCREATEDB NOCREATEROLE;
        {f"ELSE ALTER ROLE {name} {login}{secret};" if secret else ""}
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$
    """


def create_market(connection: Connection, sandbox_from: datetime | None) -> None:
    """The common schema: whether this is a sandbox. That is settled once, before the first event."""
    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS market")
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS market.sandbox ("
        "one boolean PRIMARY KEY DEFAULT true CHECK (one), instant timestamptz NOT NULL)"
    )
    connection.exec_driver_sql("GRANT USAGE ON SCHEMA market TO PUBLIC")
    connection.exec_driver_sql("GRANT SELECT ON market.sandbox TO PUBLIC")
    if sandbox_from is not None:
        connection.exec_driver_sql(
            "INSERT INTO market.sandbox (instant) VALUES (%s) ON CONFLICT (one) DO NOTHING", (sandbox_from,)
        )


def create_schema(connection: Connection, service: Service) -> None:
    connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{service.name}"')


def create_tables(connection: Connection, service: Service) -> None:
    """All tables of a service that don't exist yet, straight from its declarations (tests and benches).

    An installation gets them from the service's migrations, and a test holds the two against each other.
    """
    service.metadata.create_all(connection)


def prepare_log(connection: Connection, service: Service) -> None:
    """The head and cursor rows, the checkpoint rows, and the trigger that refuses to change the log."""
    schema = service.name
    connection.exec_driver_sql(
        f"""
        CREATE OR REPLACE FUNCTION "{schema}".refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the log is only added to'; END $$;
        DROP TRIGGER IF EXISTS log_is_final ON "{schema}".log;
        CREATE TRIGGER log_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON "{schema}".log
            FOR EACH STATEMENT EXECUTE FUNCTION "{schema}".refuse_change();
        INSERT INTO "{schema}".log_head (sequence, hash, sealed_at) VALUES (0, '{ZERO_HASH}', '') ON CONFLICT DO NOTHING;
        INSERT INTO "{schema}".publication (sequence) VALUES (0) ON CONFLICT DO NOTHING;
        """
    )
    for source in service.sources:
        connection.exec_driver_sql(
            f'INSERT INTO "{schema}".subscription (source, sequence) VALUES (%s, 0) ON CONFLICT DO NOTHING', (source,)
        )


def grants(services: Sequence[Service]) -> list[str]:
    """Every GRANT of the installation, in a stable order: also what `deploy/postgres/roles.sql` holds."""
    statements: list[str] = []
    names = {service.name for service in services}
    for service in services:
        role = role_of(service.name)
        statements.append(f'REVOKE ALL ON SCHEMA "{service.name}" FROM PUBLIC')
        statements.append(f'GRANT USAGE ON SCHEMA "{service.name}" TO {role}')
        for table in service.metadata.sorted_tables:
            rights = "SELECT, INSERT" if table.name in INSERT_ONLY else "SELECT, INSERT, UPDATE, DELETE"
            statements.append(f"GRANT {rights} ON {_name(table)} TO {role}")
        statements.append(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{service.name}" TO {role}')
    for service in services:
        for source in service.sources:
            statements += _readable(source, ("log", "log_head"), service.name)
        for published, consumers in service.published.items():
            for consumer in sorted(names.intersection(consumers)):  # the others have no role here
                statements += _readable(service.name, (published,), consumer)
    return list(dict.fromkeys(statements))


def _readable(owner: str, tables: tuple[str, ...], reader: str) -> list[str]:
    role = role_of(reader)
    return [f'GRANT USAGE ON SCHEMA "{owner}" TO {role}'] + [
        f'GRANT SELECT ON "{owner}"."{table}" TO {role}' for table in tables
    ]


def take_ownership(connection: Connection, service: Service) -> None:
    """Everything in the schema belongs to the owner, which can't log in: no service can change its own rights."""
    connection.exec_driver_sql(f'ALTER SCHEMA "{service.name}" OWNER TO {OWNER}')
    for table in service.metadata.sorted_tables:
        connection.exec_driver_sql(f"ALTER TABLE {_name(table)} OWNER TO {OWNER}")


def setup(
    connection: Connection, services: Sequence[Service], settings: Settings, sandbox_from: datetime | None = None
) -> None:
    """A whole installation from the declarations, in one transaction: for tests and benches."""
    create_roles(connection, services, settings)
    create_market(connection, sandbox_from)
    for service in services:
        create_schema(connection, service)
        create_tables(connection, service)
    finish(connection, services)


def finish(connection: Connection, services: Sequence[Service]) -> None:
    """After tables are there: logs' rows and triggers, owners, rights. Safe to run again."""
    for service in services:
        prepare_log(connection, service)
        take_ownership(connection, service)
    for statement in grants(services):
        connection.exec_driver_sql(statement)


def _name(table: Table) -> str:
    return f'"{table.schema}"."{table.name}"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

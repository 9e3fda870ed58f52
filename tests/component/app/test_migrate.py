"""Migrations make exactly the tables that the code declares, on an empty database and again on a full one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from app.make_migration import missing_operations
from app.migrate import ensure_ready, is_sandbox
from app.services import all_services
from kernel.database import admin_url
from kernel.schema import setup
from kernel.settings import Settings

SHAPES = {
    "columns": "SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default "
    "FROM information_schema.columns WHERE table_schema = ANY(%s) ORDER BY 1, 2, 3",
    "indexes": "SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname = ANY(%s) ORDER BY 1, 2",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace::regnamespace::text = ANY(%s) AND conrelid <> 0 ORDER BY 1, 2",
    "rights": "SELECT table_schema, table_name, grantee, privilege_type FROM information_schema.role_table_grants "
    "WHERE table_schema = ANY(%s) AND grantee LIKE 'market%%' AND grantee <> 'market_owner' ORDER BY 1, 2, 3, 4",
    "owners": "SELECT schemaname, tablename, tableowner FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1, 2",
    "triggers": "SELECT event_object_schema, event_object_table, trigger_name, event_manipulation "
    "FROM information_schema.triggers WHERE event_object_schema = ANY(%s) ORDER BY 1, 2, 3, 4",
}


def shape(url: str) -> dict[str, list[Any]]:
    """Everything about the services' schemas that the database enforces."""
    names = [service.name for service in all_services()]
    engine = create_engine(admin_url(url))
    with engine.connect() as connection:
        found = {
            what: [tuple(row) for row in connection.exec_driver_sql(sql, (names,)) if "schema_version" not in row]
            for what, sql in SHAPES.items()
        }
    engine.dispose()
    found["indexes"] = [row for row in found["indexes"] if "schema_version" not in row[1]]
    found["constraints"] = [row for row in found["constraints"] if "schema_version" not in row[0]]
    return found


def test_migrated_equals_declared(new_database: Callable[[str | None], str], tmp_path: Path) -> None:
    migrated, declared = new_database(None), new_database(None)
    settings = Settings(home=tmp_path)
    assert len(ensure_ready(migrated, settings)) >= len(all_services())
    engine = create_engine(admin_url(declared))
    with engine.begin() as connection:
        setup(connection, all_services(), settings)
    engine.dispose()
    one, other = shape(migrated), shape(declared)
    for what in SHAPES:
        assert one[what] == other[what], what
    assert ensure_ready(migrated, settings) == [], "a second run has nothing to do"
    assert shape(migrated) == one


def test_nothing_is_missing_in_the_migrations(fresh_database: str, tmp_path: Path) -> None:
    ensure_ready(fresh_database, Settings(home=tmp_path))
    engine = create_engine(admin_url(fresh_database))
    with engine.connect() as connection:
        missing = {s.name: missing_operations(connection, s) for s in all_services()}
    engine.dispose()
    assert not any(missing.values()), f"python -m app.make_migration … : {missing}"


def test_a_production_installation_never_becomes_a_sandbox(fresh_database: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    ensure_ready(fresh_database, settings)
    assert not is_sandbox(fresh_database)
    with pytest.raises(ValueError, match="can't become one"):
        ensure_ready(fresh_database, settings, sandbox_from=datetime(2027, 1, 11, tzinfo=UTC))
    assert not is_sandbox(fresh_database)

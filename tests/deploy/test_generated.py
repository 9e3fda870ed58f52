"""What deploy/ holds is what the code says, and the rights on paper are the rights in the database."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine

from app.deploy.broker import VHOST, definitions, password_hash, subscriptions, users
from app.deploy.dashboard import expressions
from app.deploy.generate import DEPLOY, deploy_files, stale_files, write_files
from app.services import all_services
from kernel.bus.topology import exchange_of, queue_of
from kernel.database import admin_url, role_of
from kernel.schema import setup
from kernel.settings import Settings

RIGHTS = """
SELECT table_schema, table_name, grantee, privilege_type FROM information_schema.role_table_grants
WHERE grantee LIKE 'market\\_%%' AND grantee <> 'market_owner'
UNION ALL SELECT nspname, 'schema', (aclexplode(nspacl)).grantee::regrole::text, (aclexplode(nspacl)).privilege_type
FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY 1, 2, 3, 4
"""


def test_files_made_from_the_code_are_fresh() -> None:
    assert stale_files() == [], "run python -m app.deploy and commit what it changes"


def test_a_changed_or_missing_file_is_found_and_repaired(tmp_path: Path) -> None:
    assert (
        write_files(tmp_path) == sorted(deploy_files(), key=list(deploy_files()).index) and stale_files(tmp_path) == []
    )
    (tmp_path / "postgres" / "roles.sql").write_text("GRANT ALL")
    (tmp_path / "rabbitmq" / "definitions.json").unlink()
    assert write_files(tmp_path) == ["postgres/roles.sql", "rabbitmq/definitions.json"]
    assert stale_files(tmp_path) == []


# -- PostgreSQL -------------------------------------------------------------------------------------------------------


def rights(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(RIGHTS, ([s.name for s in all_services()],)).fetchall()


def test_roles_sql_gives_back_exactly_the_rights_of_the_installation(fresh_database: str) -> None:
    services = all_services()
    engine = create_engine(admin_url(fresh_database))
    with engine.begin() as connection:
        setup(connection, services, Settings())
    engine.dispose()
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        before = rights(connection)
        assert len(before) > 300
        for service in services:
            for reader in services:
                connection.execute(f'REVOKE ALL ON ALL TABLES IN SCHEMA "{service.name}" FROM {role_of(reader.name)}')
                connection.execute(f'REVOKE ALL ON SCHEMA "{service.name}" FROM {role_of(reader.name)}')
        assert len(rights(connection)) < len(before) / 2  # what is left is the owner's
        connection.execute((DEPLOY / "postgres" / "roles.sql").read_text().encode())
        assert rights(connection) == before


def test_the_log_of_another_service_is_read_by_its_subscribers_alone() -> None:
    text = (DEPLOY / "postgres" / "roles.sql").read_text()
    readers: dict[str, set[str]] = {}
    for source, reader in re.findall(r'^GRANT SELECT ON "(\w+)"\."log" TO market_(\w+);$', text, re.MULTILINE):
        readers.setdefault(source, set()).add(reader)
    wanted: dict[str, set[str]] = {}
    for line in subscriptions():
        wanted.setdefault(line["source"], set()).add(line["consumer"])
    assert readers == wanted


# -- RabbitMQ ---------------------------------------------------------------------------------------------------------


def may(user: str, what: str, name: str) -> bool:
    (found,) = [p for p in definitions()["permissions"] if p["user"] == user]
    return re.search(found[what], name) is not None


@pytest.mark.parametrize("line", subscriptions(), ids=lambda line: str(line["queue"]))
def test_a_queue_is_read_by_its_consumer_and_an_exchange_written_by_its_source(line: dict[str, Any]) -> None:
    queue, exchange = line["queue"], line["exchange"]
    assert (queue, exchange) == (queue_of(line["consumer"], line["source"]), exchange_of(line["source"]))
    ordinary = [user for user in users() if user not in {"operator", "topology"}]
    assert [user for user in ordinary if may(user, "read", queue)] == [line["consumer"]]
    assert [user for user in ordinary if may(user, "write", exchange)] == [line["source"]]
    assert [user for user in ordinary if may(user, "configure", queue) or may(user, "configure", exchange)] == []


def test_every_name_is_matched_whole() -> None:
    for permission in definitions()["permissions"]:
        if permission["user"] != "operator":
            for what in ("configure", "write", "read"):
                assert permission[what].startswith("^") and permission[what].endswith("$")
                assert re.search(permission[what], "xorders.events") is None or permission["user"] == "topology"
    assert {p["vhost"] for p in definitions()["permissions"]} == {VHOST}


def test_the_file_in_the_repository_lets_nobody_in() -> None:
    kept = json.loads((DEPLOY / "rabbitmq" / "definitions.json").read_text())
    assert {user["password_hash"] for user in kept["users"]} == {""}
    assert "guest" not in users()


def test_a_hash_is_salted() -> None:
    """The form is the broker's: base64(salt, SHA-256(salt, password)); tests of the rights sign in with such hashes."""
    assert password_hash("p", b"1234") != password_hash("p", b"1235")
    with pytest.raises(ValueError, match="4 bytes"):
        password_hash("p", b"12")


# -- Prometheus and Grafana -------------------------------------------------------------------------------------------


@pytest.mark.needs("promtool")
def test_every_graph_asks_something_that_prometheus_understands(tmp_path: Path) -> None:
    groups = [{"record": f"r{n}", "expr": e.replace("$__rate_interval", "1m")} for n, e in enumerate(expressions())]
    rules = tmp_path / "graphs.yml"
    rules.write_text(json.dumps({"groups": [{"name": "graphs", "rules": groups}]}))
    promtool = shutil.which("promtool")
    assert promtool is not None
    checked = subprocess.run([promtool, "check", "rules", str(rules)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr

"""Processes started as the deployment starts them, from the files of `./market secrets` and nothing else, over TLS.

PostgreSQL takes passwords over TLS alone, RabbitMQ speaks TLS alone; jobs, a service and the gateway do their work. Who
trusts another authority, or has another's password, is let in nowhere.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest
import trustme
from amqp.exceptions import AccessRefused

from app.deploy.generate import DEPLOY
from app.deploy.secrets import Places, make_secrets
from app.machine import PARTS
from app.rabbit_node import scripts
from kernel.bus.broker import connect, drop
from kernel.settings import PROJECT
from tests.deploy.broker import DeployedNode
from tests.deploy.postgres import TlsPostgres
from tests.support import eventually

pytestmark = [pytest.mark.needs("rabbitmq"), pytest.mark.needs("postgresql"), pytest.mark.timeout(240)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as tried:
        return int(tried.getsockname()[1])


@dataclass
class Deployment:
    """Database, broker, and the secrets' folder that everybody is given his part of."""

    folder: Path
    database: str
    node: DeployedNode
    places: Places

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """What docker-compose.yml gives the process `name`, with these places."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MARKET_", "PG"))}
        return {
            **kept,
            "PYTHONPATH": str(PROJECT),
            "PYTHONSAFEPATH": "1",  # as in the image
            "MARKET_SECRETS_DIR": str(self.folder / "secrets" / name),
            "MARKET_HOME": str(self.folder / "secrets" / name),  # its keys are in keys/
            **more,
        }

    def start(self, *arguments: str, name: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "app", *arguments], cwd=PROJECT, env=self.environment(name, **more),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def job(self, *arguments: str, name: str, **more: str) -> tuple[int, str]:
        """The status of a job, and what it said."""
        process = self.start(*arguments, name=name, **more)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    if scripts() is None:
        pytest.skip(PARTS["rabbitmq"].gap)
    folder = Path(tempfile.mkdtemp(prefix="market-deployed-"))
    folder.chmod(0o755)  # started by root, the server runs under another account
    authority, another = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    another.cert_pem.write_to_path(folder / "another.crt")
    issued = authority.issue_cert("localhost")
    chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
    (folder / "server.crt").write_bytes(chain)
    issued.private_key_pem.write_to_path(folder / "server.key")
    ca, broker_port = str(folder / "ca.crt"), free_port()
    password = folder / "secrets" / "postgres" / "password"
    make_secrets(folder / "secrets", Places("localhost", f"localhost:{broker_port}", ca, ca))
    postgres = TlsPostgres(folder / "server", chain, issued.private_key_pem.bytes(), password.read_text())
    places = Places(f"localhost:{postgres.port}", f"localhost:{broker_port}", ca, ca)
    make_secrets(folder / "secrets", places)
    owner = (folder / "secrets" / "migrate" / "market_database_url").read_text()
    home = folder / "broker"
    home.mkdir()
    listeners = (DEPLOY / "rabbitmq" / "tls.conf").read_text().replace("= 5671", f"= 127.0.0.1:{broker_port}")
    for name, path in (("ca", ca), ("server", str(folder / "server"))):
        listeners = listeners.replace(f"/run/tls/{name}.crt", f"{path.removesuffix('.crt')}.crt")
    node = DeployedNode(home, folder / "secrets", listeners.replace("/run/tls/server.key", f"{folder / 'server.key'}"))
    try:
        postgres.start(owner)
        node.start()
        database = f"postgresql://localhost:{postgres.port}/market?sslmode=verify-full&sslrootcert={ca}"
        yield Deployment(folder, database, node, places)
    finally:
        node.close()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_jobs_a_service_and_the_gateway_do_their_work_over_tls(deployment: Deployment) -> None:
    status, said = deployment.job("migrate", name="migrate")
    assert status == 0, said
    assert not list((deployment.folder / "secrets" / "migrate" / "keys").glob("*.key"))  # and it made none
    status, said = deployment.job("topology", name="topology")
    assert status == 0, said
    probes, pages = free_port(), free_port()
    service = deployment.start(
        "run", "audit", name="audit", MARKET_DATABASE_URL=deployment.database, MARKET_METRICS_PORT=str(probes)
    )
    gateway = deployment.start("run", "gateway", "--port", str(pages), name="gateway")
    try:
        eventually(lambda: asked(probes, "/readyz")[0] == 200, timeout_s=40)
        assert asked(probes, "/healthz")[0] == 200
        assert b"market_outbox_events" in asked(probes, "/metrics")[1]
        eventually(lambda: asked(pages, "/healthz")[0] == 200, timeout_s=40)
        parts = json.loads(asked(pages, "/readyz")[1])["parts"]
        assert parts["audit"] == "ok" and parts["orders"] != "ok"  # who was started, and who wasn't
    finally:
        for process in (gateway, service):
            process.send_signal(signal.SIGTERM)
        ends = [process.communicate(timeout=40)[0] for process in (gateway, service)]
        print(*ends, sep="\n")  # what pytest shows of a failure
    assert (gateway.returncode, service.returncode) == (0, 0), ends
    assert not any(word in text for text in ends for word in secrets_of(deployment))


def asked(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except HTTPError as problem:
        return problem.code, problem.read()
    except OSError:
        return 0, b""


def secrets_of(deployment: Deployment) -> list[str]:
    return [path.read_text().strip() for path in (deployment.folder / "secrets").glob("*/*password*")]


def test_whoever_trusts_another_authority_gets_nowhere(deployment: Deployment) -> None:
    for name, variable, path in (
        ("migrate", "MARKET_DATABASE_URL", "market_database_url"),
        ("topology", "MARKET_AMQP_URL", "market_amqp_url"),
    ):
        url = (deployment.folder / "secrets" / name / path).read_text().replace("/ca.crt", "/another.crt")
        status, said = deployment.job(name, name=name, **{variable: url})
        assert status == 1 and "certificate verify failed" in said and "Traceback" not in said
    wrong_name = deployment.database.replace("localhost", "127.0.0.1")
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        psycopg.connect(wrong_name, user="market_orders")


def test_a_password_opens_one_role_and_nothing_without_tls(deployment: Deployment) -> None:
    assert deployment.job("migrate", name="migrate")[0] == 0
    password = (deployment.folder / "secrets" / "orders" / "market_role_password").read_text()
    with psycopg.connect(deployment.database, user="market_orders", password=password) as connection:
        assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(deployment.database, user="market_vault", password=password)
    plain = deployment.database.partition("?")[0] + "?sslmode=disable"
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
        psycopg.connect(plain, user="market_orders", password=password)


def test_renewed_passwords_open_and_those_of_before_open_nothing(deployment: Deployment) -> None:
    """As docs/operations/keys.md says it."""
    secrets = deployment.folder / "secrets"
    assert deployment.job("migrate", name="migrate")[0] == 0

    def given() -> tuple[str, str]:
        return (secrets / "orders" / "market_role_password").read_text(), deployment.node.url_of("orders")

    before = given()
    psycopg.connect(deployment.database, user="market_orders", password=before[0]).close()
    make_secrets(secrets, deployment.places, ["orders/market_role_password", "orders/market_amqp_url"])
    assert deployment.job("migrate", name="migrate")[0] == 0
    deployment.node.stop()
    deployment.node.start()
    after = given()
    psycopg.connect(deployment.database, user="market_orders", password=after[0]).close()
    drop(connect(after[1], "renewed"), politely=True)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(deployment.database, user="market_orders", password=before[0])
    with pytest.raises(AccessRefused):
        connect(before[1], "of before")

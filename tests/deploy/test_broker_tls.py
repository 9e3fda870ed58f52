"""Calls and events over TLS, on a broker that a client believes only by its certificate.

Every way to the broker is tried: the gateway's client, a service's calls, its publisher and its subscriptions. With a
certificate of another authority, for another name or past its time none of them gets through; events go on by the logs.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from app.deploy.generate import DEPLOY
from app.machine import PARTS
from app.rabbit_node import RabbitNode, scripts
from kernel.bus.address import Address
from kernel.bus.broker import connect
from kernel.bus.line import Line
from kernel.ids import new_id
from tests.deploy.test_started import free_port
from tests.integration.events.post import Post
from tests.integration.rpc.street import Street
from tests.rabbit import declare_for
from tests.support import market
from tests.toy.services import box_service, mirror_service

pytestmark = [pytest.mark.needs("rabbitmq"), pytest.mark.timeout(240)]
SERVICES = (box_service, mirror_service)
HOST = "localhost"


@dataclass
class TlsNode:
    """A private node that also listens with TLS as deploy/rabbitmq/tls.conf says; its authority, and another one."""

    node: RabbitNode
    folder: Path
    port: int
    authority: trustme.CA

    def url(self, ca: str = "ca.crt", host: str = HOST) -> str:
        return f"amqps://guest:guest@{host}:{self.port}/%2f?cafile={self.folder / ca}"

    def show(self, *names: str, until: datetime | None = None) -> None:
        """Let the node show a new certificate from now on."""
        issued = self.authority.issue_cert(*names, not_after=until)
        (self.folder / "server.crt").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(self.folder / "server.key")
        self.node.rabbitmqctl("eval", "ssl:clear_pem_cache().")


@pytest.fixture(scope="module")
def tls() -> Iterator[TlsNode]:
    if scripts() is None:
        pytest.skip(PARTS["rabbitmq"].gap)
    folder = Path(tempfile.mkdtemp(prefix="market-tls-"))
    authority, port = trustme.CA(), free_port()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    trustme.CA().cert_pem.write_to_path(folder / "another.crt")
    node = RabbitNode(folder)
    conf = (DEPLOY / "rabbitmq" / "tls.conf").read_text()
    conf = conf.replace("listeners.tcp = none\n", "").replace("= 5671", f"= 127.0.0.1:{port}")
    with (folder / "rabbitmq.conf").open("a") as file:
        file.write(conf.replace("/run/tls/", f"{folder}/"))
    made = TlsNode(node, folder, port, authority)
    issued = authority.issue_cert(HOST)
    (folder / "server.crt").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(folder / "server.key")
    try:
        node.start()
        yield made
    finally:
        node.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_calls_and_events_go_over_tls(tls: TlsNode, fresh_database: str, tmp_path: Path) -> None:
    services = [service() for service in SERVICES]
    declare_for(tls.url(), services)
    with market(services, fresh_database, tmp_path / "home") as toys:
        street, post = Street(toys, tls.url(), tmp_path), Post(toys, tls.url(), tmp_path)
        try:
            street.start("box")  # answers calls and publishes, in a process as production has it
            mirror = post.attach("mirror")
            post.until(mirror.consumer.well)
            box = street.box()

            async def story() -> None:
                async with street.bus() as bus:
                    answers = [await street.do(bus, "put", {"id": box, "amount": 1}) for _ in range(50)]
                    assert not [answer for answer in answers if "refused" in answer]

            anyio.run(story)
            post.put = 50
            post.everything_has_arrived()
            assert post.brought() >= 50, "it came by the log, not by the broker"
            assert encrypted(tls) >= {"market mirror consumer", "market box publisher"}
        finally:
            post.close()
            street.close()


def encrypted(tls: TlsNode) -> set[str]:
    """The connections that the broker has, by name; all of them with TLS."""
    rows = tls.node.rabbitmqctl("list_connections", "ssl", "ssl_protocol", "client_properties", "--no-table-headers")
    found = set()
    for row in rows.splitlines():
        if "connection_name" in row:
            assert row.startswith("true\ttlsv1."), row
            found.add(row.split('"connection_name","')[1].split('"')[0])
    return found


WRONG = {
    "another authority": "self.signed certificate|unable to get local issuer certificate",
    "another name": "Hostname mismatch|doesn't match",
    "past its time": "certificate has expired",
}


@pytest.fixture(params=WRONG)
def wrong(tls: TlsNode, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """(URL, what is said of the certificate)."""
    if request.param == "another name":
        tls.show("rabbitmq.example")
    if request.param == "past its time":
        tls.show(HOST, until=datetime.now(UTC) - timedelta(days=1))
    yield tls.url("another.crt" if request.param == "another authority" else "ca.crt"), WRONG[request.param]
    tls.show(HOST)
    connect(tls.url(), "it is right again").close()


def test_whom_the_certificate_does_not_prove_gets_no_word(
    wrong: tuple[str, str], tls: TlsNode, fresh_database: str, tmp_path: Path, capsys: Any
) -> None:
    url, why = wrong
    for way in (lambda: connect(url, "test"), lambda: Line(Address.of(url), "test", ())):
        with pytest.raises(OSError, match=f"certificate verify failed.*({why})"):
            way()
    services = [service() for service in SERVICES]
    with market(services, fresh_database, tmp_path / "home") as toys:
        street, post = Street(toys, url, tmp_path), Post(toys, url, tmp_path)
        try:
            refused_within_the_deadline(street)
            attached = [post.attach("box"), post.attach("mirror")]
            post.fill(post.open_boxes(), 20)
            post.everything_has_arrived()  # by the logs
            assert post.brought() == 0 or not attached[1].consumer.connected
            assert not attached[1].consumer.well() and attached[0].health()["unpublished"] > 0
        finally:
            post.close()
    assert tls.node.rabbitmqctl("list_connections", "name", "--no-table-headers").strip() == ""


def refused_within_the_deadline(street: Street) -> None:
    async def story() -> None:
        async with street.bus() as bus:
            began = time.monotonic()
            answer = await street.do(bus, "open_box", {"id": new_id(), "colour": "red"}, within=2.0)
            assert answer["refused"]["code"] == "unavailable" and time.monotonic() - began < 5

    anyio.run(story)

"""The gateway behind a real HTTP server: what only bytes on a socket can show."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from app.gateway import serving
from kernel.ids import new_id
from services.gateway.app import create_app
from services.gateway.options import UNLIMITED, Options
from tests.component.gateway.conftest import KEEPER, ROUTES, Site


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[tuple[str, int]]:
    app = create_app(
        site.market.installation.bus,
        site.market.settings,
        routes=ROUTES,
        contracts=site.contracts,
        options=Options(rates=UNLIMITED),
    )
    with serving(app) as url:
        parts = urlsplit(url)
        yield parts.hostname or "", parts.port or 0


def head(site: Site, path: str, length: int) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: market.test",
        f"Authorization: Bearer {site.market.token(KEEPER)}",
        f"Idempotency-Key: {new_id()}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def test_ten_megabytes_are_refused_without_being_read(site: Site, address: tuple[str, int]) -> None:
    size = 10 * 1024 * 1024
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(head(site, "/api/v1/boxes", size))
        answer = b""  # not a byte of the body was sent
        while b"body_too_large" not in answer and (part := connection.recv(65_536)):
            answer += part
    assert b" 413 " in answer.split(b"\r\n")[0] and b"body_too_large" in answer


def test_a_body_that_is_longer_than_announced_or_never_comes(site: Site, address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(head(site, "/api/v1/boxes", 18) + b'{"colour": "pink"}{"colour": "more"}')
        assert b" 201 " in connection.recv(65_536).split(b"\r\n")[0]
    before = site.market.sql("SELECT count(*) FROM box.box")
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(head(site, "/api/v1/boxes", 100) + b'{"colour": "pi')
    time.sleep(0.2)
    assert site.market.sql("SELECT count(*) FROM box.box") == before


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"y" * 2_000_000 + b"\r\n\r\n",
        b"POST /api/v1/boxes HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/boxes HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["HTTP/0.9", "TLS", "a huge header", "a negative length", "two lengths"],
)
def test_what_is_not_http_hurts_nobody(site: Site, address: tuple[str, int], raw: bytes) -> None:
    with socket.create_connection(address, timeout=5) as connection:
        try:
            connection.sendall(raw)
            first = connection.recv(4096).split(b"\r\n")[0]
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            first = b""
    assert b" 20" not in first and b"Traceback" not in first
    well = http.client.HTTPConnection(*address, timeout=5)
    well.request("GET", "/healthz")
    assert well.getresponse().status == 200


def test_many_clients_at_once_are_all_answered(site: Site, address: tuple[str, int]) -> None:
    box = site.box("violet")
    statuses: list[int] = []

    def client() -> None:
        connection = http.client.HTTPConnection(*address, timeout=20)
        for _ in range(5):
            headers = site.headers() | {"Content-Type": "application/json"}
            connection.request("POST", f"/api/v1/boxes/{box}/things", json.dumps({"amount": 1}), headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)

    threads = [threading.Thread(target=client) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 60
    assert site.market.sql("SELECT version FROM box.box WHERE id = %s", (box,)) == [(61,)]


def test_forwarding_headers_are_not_believed(site: Site, address: tuple[str, int]) -> None:
    connection = http.client.HTTPConnection(*address, timeout=5)
    connection.request("GET", "/healthz", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"})
    answer = connection.getresponse()
    assert answer.getheader("strict-transport-security") is None and answer.getheader("server") is None


def test_a_page_can_be_asked_for_its_head_alone(site: Site, address: tuple[str, int]) -> None:
    connection = http.client.HTTPConnection(*address, timeout=5)
    connection.request("HEAD", "/docs")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")

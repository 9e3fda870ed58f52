"""A TCP proxy before PostgreSQL that passes everything until it is told to lose a COMMIT or its answer."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Literal

import psycopg
from sqlalchemy.engine import URL, make_url

COMMIT_SENT = b"COMMIT\x00"  # in a Parse message of the client
COMMIT_ANSWERED = b"C\x00\x00\x00\x0bCOMMIT\x00"  # CommandComplete of the server
Loss = Literal["commit", "answer"]


class Proxy:
    """`url` is the database behind this proxy. `lose(what)` arms it for the next COMMIT only; `lost` counts."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            host, port = connection.info.host, connection.info.port
        self._target = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._armed: list[Loss] = []
        self._sockets: list[socket.socket] = []
        self.lost = 0
        # Without encryption, or the proxy couldn't see what it passes.
        query = {"sslmode": "disable", "gssencmode": "disable"}
        made: URL = make_url(url).set(host="127.0.0.1", port=self._listener.getsockname()[1], query=query)
        self.url = made.render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, what: Loss) -> None:
        self._armed = [what]

    def close(self) -> None:
        self._listener.close()
        for one in self._sockets:
            with suppress(OSError):
                one.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listener.accept()
                server = self._to_server()
                self._sockets += [client, server]
                threading.Thread(target=self._pass, args=(client, server, "commit"), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, "answer"), daemon=True).start()

    def _to_server(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
        made.connect(self._target)
        return made

    def _pass(self, source: socket.socket, target: socket.socket, direction: Loss) -> None:
        mark = COMMIT_SENT if direction == "commit" else COMMIT_ANSWERED
        passed = b""
        with suppress(OSError):
            while chunk := source.recv(65536):
                passed = passed[-len(mark) :] + chunk
                if mark in passed and self._armed == [direction]:
                    self._armed = []
                    self.lost += 1
                    break
                target.sendall(chunk)
        for one in (source, target):
            _reset(one)


def _reset(one: socket.socket) -> None:
    """End it with RST, as a broken network does."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
        one.close()

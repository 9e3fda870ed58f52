"""TCP proxies before the database and the broker: networks that lose an answer, are slow, or swallow everything."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Literal

import psycopg
from sqlalchemy.engine import URL, make_url

COMMIT_SENT = b"COMMIT\x00"  # in a Parse message of the client
COMMIT_ANSWERED = b"C\x00\x00\x00\x0bCOMMIT\x00"  # CommandComplete of the server
DEEDS = (b"UPDATE", b"INSERT", b"DELETE", b"COMMIT")  # as a connection sends them the first time, by their text
Loss = Literal["commit", "answer"]
Direction = Literal["there", "back"]
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
_DROP_ALL = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0), 8)  # one instruction: return 0 bytes


class Link:
    """Passes everything to `target` until told otherwise; `port` is its own, on 127.0.0.1."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        """`target`: host and port, or the path of a socket."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._clients: list[socket.socket] = []
        self._servers: list[socket.socket] = []
        self._open = threading.Event()
        self._open.set()
        self.delay_s = 0.0
        """How much later each end hears what the other says."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._open.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # which ends `accept`; closing alone doesn't
        self._listener.close()
        for one in (*self._clients, *self._servers):
            with suppress(OSError):
                one.close()

    def swallow(self) -> set[int]:
        """From now on it is a network that drops every packet: not even an acknowledgement comes. Clients' ports.

        The kernel itself drops what arrives, by a filter on each socket, so clients meet what a dead network does.
        """
        self._open.clear()
        for one in (self._listener, *self._clients):
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", 1, ctypes.addressof(_DROP_ALL)))
        return {port for one in self._clients if (port := _port_of_peer(one))}

    def heal(self) -> None:
        """A network again. What was open has ended: its ends have given up on each other, or soon will."""
        for one in (self._listener, *self._clients):
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        for one in (*self._clients, *self._servers):
            reset(one)
        self._clients.clear()
        self._servers.clear()
        self._open.set()

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listener.accept()
                try:
                    server = self._to_server()
                except OSError:  # the server is away
                    reset(client)
                    continue
                self._clients.append(client)
                self._servers.append(server)
                for pair in ((client, server, "there"), (server, client, "back")):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _to_server(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
        made.connect(self._target)
        return made

    def _pass(self, source: socket.socket, target: socket.socket, direction: Direction) -> None:
        passed = b""
        with suppress(OSError):
            while chunk := source.recv(65536):
                passed = passed[-32:] + chunk
                if self._loses(passed, direction):
                    break
                if self.delay_s:
                    time.sleep(self.delay_s)
                self._open.wait()
                target.sendall(chunk)
        self._open.wait()
        for one in (source, target):
            reset(one)

    def _loses(self, passed: bytes, direction: Direction) -> bool:
        """Whether the connection breaks before the end of `passed` goes on."""
        return False


class Proxy(Link):
    """`url` is the database behind this proxy."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            host, port = connection.info.host, connection.info.port
        self._armed: list[Loss] = []
        self.lost = 0
        """How many of them it has lost."""
        self._victim = (0, 0)  # how many messages it may send yet, and its process
        self._counting = threading.Lock()
        self.felled = False
        super().__init__(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port))
        # Without encryption, or the proxy couldn't see what it passes.
        query = {"sslmode": "disable", "gssencmode": "disable"}
        made: URL = make_url(url).set(host="127.0.0.1", port=self.port, query=query)
        self.url = made.render_as_string(hide_password=False)

    def lose(self, what: Loss) -> None:
        """Of the next COMMIT, itself or its answer."""
        self._armed = [what]

    def fell(self, number: int, process: int) -> None:
        """Kill `process` in place of the `number`-th message from now on that locks, writes or commits."""
        self.felled, self._victim = False, (number, process)

    def spare(self) -> bool:
        """Whether it was felled; from now on everybody is heard."""
        with self._counting:
            was, self.felled, self._victim = self.felled, False, (0, 0)
            return was

    def _fells(self, message: bytes) -> bool:
        with self._counting:
            left, process = self._victim
            if process and any(word in message for word in DEEDS):
                self._victim = (left - 1, process)
                if left == 1:
                    os.kill(process, signal.SIGKILL)
                    self.felled = True
            return self.felled

    def _loses(self, passed: bytes, direction: Direction) -> bool:
        if direction == "there" and self._fells(passed):
            return True
        what: Loss = "commit" if direction == "there" else "answer"
        if (COMMIT_SENT if what == "commit" else COMMIT_ANSWERED) not in passed or self._armed != [what]:
            return False
        self._armed = []
        self.lost += 1
        return True


def reset(one: socket.socket) -> None:
    """End it with RST, as a broken network does."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
        one.close()


def _port_of_peer(one: socket.socket) -> int:
    try:
        return int(one.getpeername()[1])
    except OSError:
        return 0

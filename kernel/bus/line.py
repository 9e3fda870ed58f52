"""A session over a socket of this process's green threads: one reads, all write, and what they write leaves together."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import suppress

import eventlet
from pamqp.base import Frame

from kernel.bus.address import Address
from kernel.bus.session import Broken, Message, Session

OPEN_S = 10.0
LOOK_S = 0.5  # how long one wait for the socket lasts: a heartbeat is late by this at most
SEND_S = 20.0


class Line:
    """An open connection whose set-up was granted. One green thread calls `read`; any may write to `session`."""

    def __init__(self, address: Address, name: str, setup: Sequence[Frame]) -> None:
        """Raises OSError (Broken is one) when the broker isn't there, or refuses."""
        self.session = Session(address, name, setup)
        self._sending = False
        self._socket = socket.create_connection((address.host, address.port), timeout=OPEN_S)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls:
                self._socket = address.tls.wrap_socket(self._socket, server_hostname=address.host)
            until = time.monotonic() + OPEN_S
            self.early: list[Message] = []
            while not self.session.ready:
                self._socket.sendall(self.session.taken())
                self.early += self.read()
                if time.monotonic() > until:
                    raise Broken(f"the broker didn't answer within {OPEN_S:.0f} s")
        except BaseException:
            self.drop()
            raise

    def read(self) -> list[Message]:
        """What has come by now or comes within `LOOK_S`. Raises OSError when the connection is lost."""
        self._socket.settimeout(LOOK_S)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            came: list[Message] = []
        else:
            if not data:
                raise Broken("the broker closed the connection")
            came = self.session.feed(data)
        self.session.tick()
        self.flush()
        return came

    def flush(self) -> None:
        """Send what was written, in a moment and in the background: what others write until then goes along."""
        if self.session.out and not self._sending:
            self._sending = True
            eventlet.spawn_n(self._send)

    def _send(self) -> None:
        try:
            while self.session.out:
                self._socket.settimeout(SEND_S)
                self._socket.sendall(self.session.taken())
        except OSError:
            self.drop()  # the reader finds out
        finally:
            self._sending = False

    def close(self) -> None:
        """Send what waits, say good-bye and hang up."""
        with suppress(OSError):
            self.session.close()
            while self._sending:
                eventlet.sleep(0.001)
            self._socket.sendall(self.session.taken())
        self.drop()

    def drop(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._socket.close()

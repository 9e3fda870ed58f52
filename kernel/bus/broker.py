"""A connection to RabbitMQ on which nothing waits for ever, whoever uses it.

Every read and write ends within `WAIT_S`: a broker that is frozen or hidden behind a dead network is an error like one
that is gone. One connection belongs to one thread (or green thread).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from amqp import Connection
from amqp.exceptions import AMQPError

from kernel.bus.address import Address

WAIT_S = 10.0
CONNECT_S = 5.0
HEARTBEAT_S = 10
CLOSE_S = 1.0
#: What a broker or the way to it can do to whoever uses a connection.
ERRORS = (AMQPError, OSError)


class BrokerError(ConnectionError):
    """The broker didn't do what was asked of it; the text says what."""


def connect(url: str, name: str, heartbeat_s: int = 0, on_blocked: Any = None) -> Connection:
    """An open connection, shown to the broker's operator under `name`. Raises one of `ERRORS`."""
    address = Address.of(url)
    connection = Connection(
        host=f"{address.host}:{address.port}",
        userid=address.user,
        password=address.password,
        login_method="PLAIN",
        virtual_host=address.vhost,
        ssl=dict(address.tls_options) if address.tls_options else False,
        client_properties={"connection_name": name},
        connect_timeout=CONNECT_S,
        heartbeat=heartbeat_s,
        on_blocked=on_blocked,
    )
    connection.connect()
    # The library waits without limit where nobody says how long; the socket's own limit holds everywhere.
    connection.sock.settimeout(WAIT_S)
    return connection


def drop(connection: Connection | None, politely: bool = False) -> None:
    """Close it, whatever state it is in. `politely` tells the broker, if that listens within `CLOSE_S`."""
    if connection is None:
        return
    with suppress(*ERRORS, AttributeError):  # a connection that was lost has parts that are None
        if politely:
            connection.sock.settimeout(CLOSE_S)
            connection.close()
    with suppress(*ERRORS, AttributeError):
        connection.collect()

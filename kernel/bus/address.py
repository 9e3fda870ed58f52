"""Where the broker is, as `MARKET_AMQP_URL` says it: `amqp://user:password@host:port/vhost`, or `amqps://` for TLS.

Certificates are named in the URL, as libraries of AMQP do: `?cafile=…&certfile=…&keyfile=…`. Without `cafile` the
broker's certificate is checked against the system's authorities; it is always checked.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Address:
    """A broker's host, port, virtual host and account, and the TLS to it, if any.

    TLS stands here twice, as asyncio and bare sockets take it and as py-amqp does, which makes a context of its own.
    """

    host: str
    port: int
    vhost: str
    user: str
    password: str = field(repr=False)
    tls: ssl.SSLContext | None = None
    tls_options: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, url: str) -> Address:
        """ValueError for what is no such URL; OSError for certificates that can't be read."""
        parts = urlsplit(url)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise ValueError("a broker's address is amqp://user:password@host:port/vhost or amqps://…")
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        tls, options = None, None
        if parts.scheme == "amqps":
            authority, certificate, key = (given.get(name) for name in ("cafile", "certfile", "keyfile"))
            tls = ssl.create_default_context(cafile=authority)
            if certificate:
                tls.load_cert_chain(certificate, key)
            options = {
                "ca_certs": authority,
                "certfile": certificate,
                "keyfile": key,
                "cert_reqs": ssl.CERT_REQUIRED,
                "server_hostname": parts.hostname,
            }
        return cls(
            parts.hostname,
            parts.port or (5671 if tls else 5672),
            unquote(parts.path[1:]) or "/",
            unquote(parts.username or "guest"),
            unquote(parts.password or "guest"),
            tls,
            options,
        )

    def __str__(self) -> str:
        """As it may be shown to people: without account and password."""
        return f"{self.host}:{self.port}/{self.vhost.removeprefix('/')}"

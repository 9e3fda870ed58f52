"""`deploy/rabbitmq/definitions.json`: the broker's users and what each may touch, from contracts/subscriptions.yaml.

One user per service, limited to its own names: it serves its own RPC queue, publishes to its own events exchange, reads
its own subscriptions. Of RPC it may only answer (a reply's routing key is a random id) and never ask, so that a service
that was taken over can't give commands in the gateway's place. Exchanges and queues are declared by `./market topology`
alone, whose user no running process has. Passwords aren't in the file: a user without one can't sign in, and
`./market secrets` fills them in.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from app.services import all_services
from kernel.bus.wire import EXCHANGE as RPC_EXCHANGE
from kernel.bus.wire import queue_of as rpc_queue_of
from kernel.settings import PROJECT

VHOST = "market"
NOTHING = "^$"
RANDOM_ID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
GATEWAY, TOPOLOGY, SCALER, OPERATOR = "gateway", "topology", "scaler", "operator"


@cache
def subscriptions() -> tuple[Mapping[str, Any], ...]:
    """The lines of contracts/subscriptions.yaml."""
    return tuple(yaml.safe_load((PROJECT / "contracts" / "subscriptions.yaml").read_text(encoding="utf-8")))


def broker_services() -> list[str]:
    """Every service, by name: each is asked over the broker, also one that neither reads events nor has any."""
    return sorted(service.name for service in all_services())


def exchange_of(source: str) -> str | None:
    """Where a service's events go; None for one without events."""
    return next((s["exchange"] for s in subscriptions() if s["source"] == source), None)


def queues_of(consumer: str) -> list[str]:
    return sorted(s["queue"] for s in subscriptions() if s["consumer"] == consumer)


def users() -> list[str]:
    """Everybody with a password, in a stable order."""
    return [*broker_services(), GATEWAY, TOPOLOGY, SCALER, OPERATOR]


def definitions(password_hashes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What RabbitMQ imports at its start. `password_hashes`: user → salted SHA-256 in the broker's form."""
    known = password_hashes or {}
    tags = {OPERATOR: ["administrator"], SCALER: ["monitoring"]}
    services = broker_services()
    return {
        "vhosts": [{"name": VHOST}],
        "users": [
            {
                "name": name,
                "password_hash": known.get(name, ""),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": tags.get(name, []),
            }
            for name in users()
        ],
        "permissions": [
            *(_permission(name, *_of_service(name)) for name in services),
            _permission(GATEWAY, *_of_gateway()),
            _permission(TOPOLOGY, *[_names("market\\..*", "[a-z0-9_]+\\.events")] * 3),
            _permission(SCALER, NOTHING, NOTHING, NOTHING),
            _permission(OPERATOR, ".*", ".*", ".*"),
        ],
        # The one exchange of calls; running processes look that it is there and may not make it.
        "exchanges": [
            {"name": RPC_EXCHANGE, "vhost": VHOST, "type": "topic", "durable": True, "auto_delete": False}
            | {"internal": False, "arguments": {}}
        ],
        "topic_permissions": [
            *(_topics(name, write=RANDOM_ID, read=f"^{re.escape(name)}\\..*$") for name in services),
            _topics(GATEWAY, write=f"^({'|'.join(services)})\\.[a-z_]+$", read=RANDOM_ID),
        ],
    }


def _of_service(name: str) -> tuple[str, str, str]:
    """Configure, write, read."""
    rpc = re.escape(rpc_queue_of(name))
    events = exchange_of(name)
    return (
        _names(rpc),
        _names(rpc, RPC_EXCHANGE, *([re.escape(events)] if events else [])),
        _names(rpc, RPC_EXCHANGE, *map(re.escape, queues_of(name))),
    )


def _of_gateway() -> tuple[str, str, str]:
    replies = "rpc\\.reply-gateway-.*"
    return _names(replies), _names(replies, RPC_EXCHANGE), _names(replies, RPC_EXCHANGE)


def _names(*patterns: str) -> str:
    return f"^({'|'.join(patterns)})$"


def _permission(user: str, configure: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "vhost": VHOST, "configure": configure, "write": write, "read": read}


def _topics(user: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "vhost": VHOST, "exchange": RPC_EXCHANGE, "write": write, "read": read}


def password_hash(password: str, salt: bytes) -> str:
    """The broker's stored form of a password: base64 of a 4-byte salt and SHA-256 over salt and password."""
    if len(salt) != 4:
        raise ValueError("the salt has 4 bytes")
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()

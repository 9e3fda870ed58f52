"""The keys that an installation has, by the names of their files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.services import all_services
from services.custodian.service import NAMES as CUSTODIANS


class Kind(Enum):
    """What a key does, which is how it is changed."""

    LOG = "signs the log"
    PAIR = "signs"
    WRAPPING = "encrypts"


@dataclass(frozen=True)
class Key:
    """A key's file `name`; `owner`: the process that alone holds it; `then`: what a change asks for."""

    name: str
    kind: Kind
    owner: str
    purpose: str
    then: str


def known_keys() -> dict[str, Key]:
    """Every key of an installation by its name."""
    found = [
        Key(
            "log.key",
            Kind.LOG,
            "audit",
            "signs checkpoints and bundles",
            "publish the new public key; start gateway again, whose pages show it",
        ),
        Key("access.key", Kind.PAIR, "access", "signs actor tokens", "start every process again; all sessions end"),
        Key("gateway.key", Kind.PAIR, "gateway", "signs when a call was received", "start every process again"),
    ]
    found += [
        Key(f"service-{s.name}.key", Kind.PAIR, s.name, f"signs receipts of {s.name}", f"start {s.name} again")
        for s in all_services()
    ]
    found += [
        Key("vault.kek", Kind.WRAPPING, "vault", "encrypts the keys of personal data and drafts", "start vault"),
        Key("access.kek", Kind.WRAPPING, "access", "encrypts the key of logins and names", "start access"),
    ]
    found += [
        Key(f"{name}.kek", Kind.WRAPPING, name, f"encrypts the private keys of {name}", f"start {name}")
        for name in CUSTODIANS
    ]
    return {key.name: key for key in found}

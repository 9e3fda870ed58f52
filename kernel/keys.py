"""Public keys of an installation: who signs tokens, stamps, receipts and the log.

Private keys are files of the services that own them (`<home>/keys/…\u200b.key`, 0600). Where services run on machines of
their own, each has its own private files and the public ones (`….pub`, 32 raw bytes) of the others.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from kernel.identity import SigningKey

ROLES = ("access", "gateway", "log")
RETIRED = ".retired.pub"  # the public keys that a service's receipts were signed by before, 32 bytes each
NEXT = ".next"  # a new key that is on its way into the place of the one beside it


class HalfChanged(RuntimeError):
    """A change of this key was begun and has not ended."""


def make_keys(folder: Path, services: tuple[str, ...]) -> None:
    """Make what is missing of an installation's keys, private and public. Existing keys stay.

    A public key without its private one is that of a service elsewhere: nothing is made beside it.
    """
    for name in (*ROLES, *(f"service-{service}" for service in services)):
        public = folder / f"{name}.pub"
        if not public.exists():
            public.write_bytes(SigningKey.at(folder / f"{name}.key").public)


def secret_at(path: Path, size: int = 32) -> bytes:
    """The `size` random bytes in `path` (0600), made there on first use. Two may race: the first file wins.

    Raises HalfChanged while the key is being changed: what is written now under the old one might never be opened.
    """
    if path.with_name(path.name + NEXT).exists():
        raise HalfChanged(f"{path} is being changed: finish it by ./market keys rotate {path.name}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(size))
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # somebody else was first: use theirs
        temporary.unlink()
    found = path.read_bytes()
    if len(found) != size:
        raise ValueError(f"the secret {path} must hold {size} bytes, it holds {len(found)}")
    return found


class PublicKeys:
    """The public keys in a folder, read once each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, bytes] = {}

    def of(self, name: str) -> bytes:
        """The raw Ed25519 public key of `access`, `gateway`, `log` or `service-<name>`; FileNotFoundError says which."""
        if name not in self._known:
            path = self._folder / f"{name}.pub"
            if not path.exists():
                raise FileNotFoundError(f"the public key {path} is missing: run `./market migrate`, which makes keys")
            self._known[name] = path.read_bytes()
        return self._known[name]

    def all_of(self, name: str) -> list[bytes]:
        """`of(name)`, and behind it those that were replaced: what they signed stays signed."""
        path = self._folder / f"{name}{RETIRED}"
        retired = path.read_bytes() if path.exists() else b""
        return [self.of(name), *(retired[at : at + 32] for at in range(0, len(retired), 32))]

    @staticmethod
    def signer_name(service: str) -> str:
        """The name under which a service signs receipts."""
        return f"market/{service}"

"""How the vault keeps things: AES-256-GCM, a key per person and per organisation, all keys under one key in a file.

A dump of the database holds ciphertexts and wrapped keys; without `keys/vault.kek` it opens nothing. Every ciphertext
is bound to its own row, so that one put in another's place doesn't open. What is erased takes its keys with it, and the
commitment in the log can no longer be tried against guesses.
"""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import sodium_pad, sodium_unpad

from kernel import canonical
from kernel.keys import secret_at

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D; random, which is safe for 2^32 uses of one key
STEP_BYTES = 4_096  # a length is only told in such steps, as for bids (kernel/sealing.py)


class CantOpen(ValueError):
    """A ciphertext, a wrapped key or their place is not what was written."""


class Safe:
    """Seals and opens under the installation's key-encryption key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @staticmethod
    def at(keys: Path) -> Safe:
        """The safe of the installation whose keys are in the folder `keys`."""
        return Safe(secret_at(keys / "vault.kek", KEY_BYTES))  # read each time: it may have been changed

    def rewrapped(self, wrapped: bytes, about: str, new: Safe) -> bytes:
        """The same keys closed under `new`; unchanged where they are already. Raises CantOpen."""
        try:
            new.unwrap(wrapped, about)
        except CantOpen:
            return new.wrap(self.unwrap(wrapped, about), about)
        return wrapped

    def wrap(self, keys: bytes, about: str) -> bytes:
        """`keys` closed under the key-encryption key, bound to `about`."""
        return _seal(self._key, keys, f"keys/{about}")

    def unwrap(self, wrapped: bytes, about: str) -> bytes:
        """Raises CantOpen."""
        return _open(self._key, wrapped, f"keys/{about}")


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, value: Any, about: str) -> bytes:
    """A JSON value (canonical, padded) closed under `key` and bound to `about`."""
    return _seal(key, bytes(sodium_pad(canonical.dumps(value), STEP_BYTES)), about)


def unseal(key: bytes, sealed: bytes, about: str) -> Any:
    """The value that was sealed. Raises CantOpen."""
    return canonical.loads(bytes(sodium_unpad(_open(key, sealed, about), STEP_BYTES)))


def commitment(key: bytes, about: str, value: Any) -> str:
    """HMAC-SHA256 (hex) of a value under the record's own key: fixes it, and tells nothing once the key is gone."""
    return hmac.digest(key, f"{about}\0".encode() + canonical.dumps(value), "sha256").hex()


def _seal(key: bytes, content: bytes, about: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, about.encode())


def _open(key: bytes, sealed: bytes, about: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError) as wrong:
        raise CantOpen(f"{about} does not open") from wrong

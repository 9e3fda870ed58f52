"""What access keeps beside the log: logins and names under a key in a file, passwords as Argon2id.

A dump of the database shows neither who has an account nor a password: logins are looked up by a keyed hash, login and
name are AES-256-GCM, a password is only its Argon2id (RFC 9106) hash with parameters as OWASP asks at least.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jws
from sqlalchemy import Connection

from kernel import canonical
from kernel.identity import Actor, SigningKey, TokenIssuer
from kernel.keys import secret_at
from kernel.offload import offload
from services.access.domain.session import Issued

# Second of OWASP's equal choices (19 MiB, 2 passes, 1 lane): some 20 ms, so that signing in stays quick on a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
NONCE_BYTES = 12
ROOT = "market/access/root"  # what the wrapped key is bound to


class CantOpen(ValueError):
    """A credential's ciphertext is not what was written."""


@dataclass(frozen=True)
class Credential:
    """A row of the secret table."""

    account_id: str
    login_mac: bytes
    sealed: bytes
    password_hash: str


class Safe:
    """Seals and opens credentials under the key that `keys/access.kek` is, or opens once that file was changed."""

    def __init__(self, key: bytes) -> None:
        self._sealing = hmac.digest(key, b"market/access/sealing", "sha256")
        self._lookup = hmac.digest(key, b"market/access/login", "sha256")
        self._commitments = hmac.digest(key, b"market/access/commitment", "sha256")

    @staticmethod
    def at(connection: Connection, keys: Path) -> Safe:
        """Raises CantOpen where the file is not the one that the database was left under."""
        wrapped = connection.exec_driver_sql("SELECT wrapped FROM access.root_key").scalar_one_or_none()
        return _safe_of(secret_at(keys / "access.kek"), None if wrapped is None else bytes(wrapped))

    def login_mac(self, login: str) -> bytes:
        return hmac.digest(self._lookup, login.strip().casefold().encode(), "sha256")

    def seal(self, account_id: str, login: str, display_name: str) -> bytes:
        return _seal(self._sealing, canonical.dumps({"login": login, "display_name": display_name}), account_id)

    def open(self, account_id: str, sealed: bytes) -> dict[str, str]:
        """{"login", "display_name"}. Raises CantOpen."""
        content = _open(self._sealing, sealed, account_id, f"the credential of {account_id} does not open")
        opened: dict[str, str] = canonical.loads(content)
        return opened

    def commitment(self, credential: Credential) -> str:
        """What an event says of a credential: fixes every field of the row, and tells nothing without the key."""
        fields = {
            "account_id": credential.account_id,
            "login_mac": credential.login_mac.hex(),
            "sealed": credential.sealed.hex(),
            "password_hash": credential.password_hash,
        }
        return hmac.digest(self._commitments, canonical.dumps(fields), "sha256").hex()


@lru_cache(maxsize=8)
def _safe_of(key: bytes, wrapped: bytes | None) -> Safe:
    return Safe(key if wrapped is None else _open(key, wrapped, ROOT, "access.kek is not the key of this database"))


def rewrap(connection: Connection, old: bytes, new: bytes) -> int:
    """Close the key of all credentials under `new` instead of `old`; 1, the number of such keys. Safe to run again.

    Raises CantOpen where neither opens it.
    """
    wrapped = connection.exec_driver_sql("SELECT wrapped FROM access.root_key FOR UPDATE").scalar_one_or_none()
    if wrapped is None:
        root = old
    else:
        try:
            _open(new, bytes(wrapped), ROOT, "not yet")
            return 1
        except CantOpen:
            root = _open(old, bytes(wrapped), ROOT, "access.kek is not the key of this database")
    connection.exec_driver_sql(
        "INSERT INTO access.root_key (wrapped) VALUES (%s) ON CONFLICT (one) DO UPDATE SET wrapped = excluded.wrapped",
        (_seal(new, root, ROOT),),
    )
    return 1


def _seal(key: bytes, content: bytes, about: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, about.encode())


def _open(key: bytes, sealed: bytes, about: str, otherwise: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError) as wrong:
        raise CantOpen(otherwise) from wrong


def hash_of(password: str) -> str:
    return offload(_HASHER.hash, password)


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether the password is right. Without a hash (an unknown login) as much work is done, and the answer is no."""
    try:
        return offload(_HASHER.verify, password_hash or _nobody(), password) and password_hash is not None
    except (Argon2Error, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    return offload(_HASHER.hash, secrets.token_urlsafe(32))


def issue(keys: Path, actor: Actor, lifetime: timedelta) -> Issued:
    """A token for `actor`, signed with `keys/access.key`."""
    token = _issuer_at(keys / "access.key").issue(actor, int(lifetime.total_seconds()))
    claims = canonical.loads(jws.extract_compact(token.encode()).payload)
    return Issued(token, token_hash(token), datetime.fromtimestamp(claims["exp"], UTC))


def token_hash(token: str) -> str:
    """The name under which a token is known to the revocation list: SHA-256, hex."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=8)
def _issuer_at(path: Path) -> TokenIssuer:
    return TokenIssuer(SigningKey.at(path))

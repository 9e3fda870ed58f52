"""A custodian's private keys: one per competition, encrypted under a key in a file of this custodian alone.

A dump of the database shows nothing without that file, and the file nothing without the database. No private key
ever leaves this module but to open a layer.
"""

from __future__ import annotations

from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random
from sqlalchemy import Connection

from kernel.keys import secret_at
from kernel.sealing import generate_keypair


class CantOpen(ValueError):
    """A private key is under neither of the keys that were tried."""


def _box(keys: Path, name: str) -> SecretBox:
    return SecretBox(secret_at(keys / f"{name}.kek", SecretBox.KEY_SIZE))


def make(connection: Connection, keys: Path, name: str, competition_id: str) -> bytes:
    """Make and keep a key pair for a competition; its public key. A second call finds the first pair."""
    pair = generate_keypair()
    kept = connection.exec_driver_sql(
        "INSERT INTO private_key (competition_id, encrypted) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING 1",
        (competition_id, _box(keys, name).encrypt(pair.private, random(SecretBox.NONCE_SIZE))),
    ).one_or_none()
    if kept is None:
        raise ValueError(f"{name} has a key for competition {competition_id} already")
    return pair.public


def private(connection: Connection, keys: Path, name: str, competition_id: str) -> bytes:
    """The private key of a competition; LookupError where this custodian has none."""
    encrypted = connection.exec_driver_sql(
        "SELECT encrypted FROM private_key WHERE competition_id = %s", (competition_id,)
    ).scalar_one_or_none()
    if encrypted is None:
        raise LookupError(f"{name} has no key for competition {competition_id}")
    return _box(keys, name).decrypt(bytes(encrypted))


def rewrap(connection: Connection, name: str, old: bytes, new: bytes) -> int:
    """Encrypt this custodian's private keys under `new` instead of `old`; how many there are. Safe to run again.

    Raises CantOpen for one that opens under neither.
    """
    table = f'"{name}".private_key'
    rows = connection.exec_driver_sql(f"SELECT competition_id::text, encrypted FROM {table}").all()
    for competition_id, encrypted in rows:
        try:
            SecretBox(new).decrypt(bytes(encrypted))
        except CryptoError:
            again = SecretBox(new).encrypt(_opened(old, bytes(encrypted), competition_id), random(SecretBox.NONCE_SIZE))
            connection.exec_driver_sql(
                f"UPDATE {table} SET encrypted = %s WHERE competition_id = %s", (again, competition_id)
            )
    return len(rows)


def _opened(key: bytes, encrypted: bytes, competition_id: str) -> bytes:
    try:
        return SecretBox(key).decrypt(encrypted)
    except CryptoError as wrong:
        raise CantOpen(f"the key for competition {competition_id} does not open") from wrong

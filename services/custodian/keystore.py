"""A custodian's private keys: one per competition, encrypted under a key in a file of this custodian alone.

A dump of the database shows nothing without that file, and the file nothing without the database. No private key
ever leaves this module but to open a layer.
"""

from __future__ import annotations

import os
from pathlib import Path

from nacl.secret import SecretBox
from nacl.utils import random
from sqlalchemy import Connection

from kernel.sealing import generate_keypair


def _box(keys: Path, name: str) -> SecretBox:
    path = keys / f"{name}.kek"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_bytes(random(SecretBox.KEY_SIZE))
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process of this custodian was first: its key holds
        temporary.unlink()
    return SecretBox(path.read_bytes())


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

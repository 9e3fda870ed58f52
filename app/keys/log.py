"""Changing the log's key: the old one names the new one by a note that both sign, and the log goes on.

The note is written under the tree's lock, so it names the last checkpoint that the old key signed and none is signed
meanwhile. From its commit on the signer takes nothing but the new key; until the file is in its place it says so and
waits. The audit service may run on.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from app.failure import Failure
from app.keys.files import begun, ended, write
from kernel.failpoints import failpoint
from kernel.identity import SigningKey
from kernel.log_keys import LogKeys, hand_over
from kernel.merkle import CompactRange
from kernel.note import Checkpoint, NoteError, Signer, Verifier


def rotate_log_key(engine: Engine, path: Path, origin: str) -> Verifier:
    """A new key in the place of the log's in `path`; its public half, which is to be published."""
    old = Signer(origin, SigningKey.at(path).private)
    seed = begun(path, lambda: Ed25519PrivateKey.generate().private_bytes_raw())
    new = Signer(origin, Ed25519PrivateKey.from_private_bytes(seed))
    failpoint("keys.begun")
    with engine.begin() as connection:
        _name(connection, old, new)
    public = path.with_suffix(".pub")
    write(public, new.verifier.public_key, like=public if public.exists() else path)
    failpoint("keys.done")
    ended(path)
    return new.verifier


def _name(connection: Connection, old: Signer, new: Signer) -> None:
    row = connection.exec_driver_sql("SELECT frontier FROM audit.tree FOR UPDATE").one_or_none()
    notes = connection.exec_driver_sql("SELECT note FROM audit.handover ORDER BY number").scalars().all()
    try:
        newest = LogKeys(old.verifier, notes).newest
    except NoteError as problem:
        raise Failure(f"log.key is not this log's: {problem}", "put the log's own key into its place") from problem
    if newest == new.verifier:
        return  # an earlier run was cut off behind its commit
    if newest != old.verifier:
        raise Failure(f"log.key was replaced by {newest}", "run this where the present key is")
    last = connection.exec_driver_sql("SELECT note FROM audit.checkpoint ORDER BY size DESC LIMIT 1").scalar()
    if last is None:
        if row is not None and CompactRange.from_bytes(bytes(row[0])).size:
            raise Failure("the log has no checkpoint yet", "let audit sign one first")
        checkpoint = Checkpoint(old.verifier.name, 0, CompactRange().root())
    else:
        checkpoint = LogKeys(old.verifier, notes).open_checkpoint(last)
    connection.exec_driver_sql(
        "INSERT INTO audit.handover (number, note) VALUES (%s, %s)",
        (len(notes) + 1, hand_over(checkpoint, old, new)),
    )

"""Changing the log's key: the old one names the new one by a note that both sign, and the log goes on.

The note is written under the tree's lock, so it names the last checkpoint that the old key signed and none is signed
meanwhile. From its commit on the signer takes nothing but the new key; until the file is in its place it says so and
waits. The audit service may run on.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    with engine.begin() as connection:
        last, notes = _standing(connection, old.verifier)
        new = Signer(origin, Ed25519PrivateKey.from_private_bytes(begun(path, _seed)))
        failpoint("keys.begun")
        _name(connection, last, notes, old, new)
    public = path.with_suffix(".pub")
    write(public, new.verifier.public_key, like=public if public.exists() else path)
    failpoint("keys.done")
    ended(path)
    return new.verifier


def _seed() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes_raw()


def _standing(connection: Connection, old: Verifier) -> tuple[Checkpoint, Sequence[str]]:
    """The last checkpoint, which nothing follows before the transaction's end, and the handovers until now.

    Raises Failure where `old` is not one of this log's keys.
    """
    row = connection.exec_driver_sql("SELECT frontier FROM audit.tree FOR UPDATE").one_or_none()
    notes = connection.exec_driver_sql("SELECT note FROM audit.handover ORDER BY number").scalars().all()
    last = connection.exec_driver_sql("SELECT note FROM audit.checkpoint ORDER BY size DESC LIMIT 1").scalar()
    if last is None and row is not None and CompactRange.from_bytes(bytes(row[0])).size:
        raise Failure("the log has no checkpoint yet", "let audit sign one first")
    try:
        keys = LogKeys(old, notes)
        return keys.open_checkpoint(last) if last else Checkpoint(old.name, 0, CompactRange().root()), notes
    except NoteError as problem:
        mend = "put the log's own key into its place, and its name into MARKET_ORIGIN"
        raise Failure(f"{old} is not this log's key: {problem}", mend) from problem


def _name(connection: Connection, last: Checkpoint, notes: Sequence[str], old: Signer, new: Signer) -> None:
    newest = LogKeys(old.verifier, notes).newest
    if newest == new.verifier:
        return  # an earlier run was cut off behind its commit
    if newest != old.verifier:
        raise Failure(f"log.key was replaced by {newest}", "run this where the present key is")
    connection.exec_driver_sql(
        "INSERT INTO audit.handover (number, note) VALUES (%s, %s)", (len(notes) + 1, hand_over(last, old, new))
    )

"""Signing checkpoints: only of a tree that goes on from the last one signed.

What was signed last is kept in a file, outside the database, so that a database put back to yesterday can't make the
signer take back what it said: it refuses a smaller tree and a forked one, and says so until a person looks. Replicas
sign one after the other under the tree's lock, and share the file (`MARKET_SIGNED`). They sign by the log's present key
alone: a process that was left with an older one says so instead.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import orjson
from sqlalchemy import Connection

from kernel.host import Host
from kernel.identity import SigningKey
from kernel.keys import PublicKeys
from kernel.log_keys import LogKeys
from kernel.merkle import CompactRange, root_at
from kernel.note import Checkpoint, Signer, Verifier, sign_checkpoint

EVERY_S = 0.2


class ForkedTree(Exception):
    """The tree isn't a continuation of what was signed before."""


class WrongKey(Exception):
    """`log.key` is not the key that the log is signed by now."""


class CheckpointSigner:
    """Signs at most every `EVERY_S` seconds, whenever the tree has grown."""

    __name__ = "checkpoint"

    def __init__(self) -> None:
        self._looked = 0.0
        self._signed_size = -1

    def __call__(self, host: Host) -> bool:
        if time.monotonic() - self._looked < EVERY_S:
            return False
        self._looked = time.monotonic()
        with host.engine.connect() as connection, connection.begin():
            row = connection.exec_driver_sql("SELECT frontier FROM tree").one_or_none()
            size = CompactRange.from_bytes(bytes(row[0])).size if row else 0
            if size == 0 or size == self._signed_size:
                return False
            self._sign(connection, host)
        return True

    def _sign(self, connection: Connection, host: Host) -> None:
        row = connection.exec_driver_sql("SELECT frontier FROM tree FOR UPDATE").one()
        frontier = CompactRange.from_bytes(bytes(row[0]))
        memory = host.settings.signed or host.settings.keys / "log.signed"
        _continues(connection, frontier, memory)
        origin = host.settings.origin
        signer = _signer(connection, host)
        note = sign_checkpoint(Checkpoint(origin, frontier.size, frontier.root()), signer)
        connection.exec_driver_sql(
            "INSERT INTO checkpoint (size, root, note) VALUES (%s, %s, %s) ON CONFLICT (size) DO NOTHING",
            (frontier.size, frontier.root(), note),
        )
        _remember(memory, frontier)
        self._signed_size = frontier.size


def _signer(connection: Connection, host: Host) -> Signer:
    signer = Signer(host.settings.origin, SigningKey.at(host.settings.keys / "log.key").private)
    newest = log_keys(connection, host.settings.origin, host.settings.keys).newest
    if signer.verifier != newest:
        raise WrongKey(
            f"log.key is {signer.verifier}, but the log is signed by {newest}: give this process the present key, or"
            " finish a change that was cut off by ./market keys rotate log.key"
        )
    return signer


def log_keys(connection: Connection, origin: str, keys: Path) -> LogKeys:
    """The log's keys, led to from the public one in the folder `keys`. Raises NoteError."""
    notes = connection.exec_driver_sql("SELECT note FROM audit.handover ORDER BY number").scalars().all()
    return LogKeys(Verifier(origin, PublicKeys(keys).of("log")), notes)


def _continues(connection: Connection, frontier: CompactRange, memory: Path) -> None:
    size, root = _remembered(memory)
    if not size:
        return
    if frontier.size < size:
        raise ForkedTree(f"the tree has {frontier.size} leaves, but one of {size} was signed: is this an old copy?")
    if root_at(size, node_of(connection)) != root:
        raise ForkedTree(f"the first {size} leaves are not those that were signed")


def _remembered(memory: Path) -> tuple[int, bytes]:
    """Size and root of the tree that was signed last; a size of 0 where none was."""
    if not memory.exists():
        return 0, b""
    signed = orjson.loads(memory.read_bytes())
    return signed["size"], bytes.fromhex(signed["root"])


def _remember(memory: Path, frontier: CompactRange) -> None:
    """On the disk before the checkpoint is: a power cut may forget what was not said, never what was."""
    if _remembered(memory)[0] > frontier.size:
        return  # this process was frozen, has lost the lock, and another one has signed since
    temporary = memory.with_name(f".{memory.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(orjson.dumps({"size": frontier.size, "root": frontier.root().hex()}))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, memory)


def node_of(connection: Connection, schema: str = "audit"):  # type: ignore[no-untyped-def]
    """The getter of stored nodes that `kernel.merkle` takes."""

    def node(level: int, index: int) -> bytes:
        found = connection.exec_driver_sql(
            f'SELECT hash FROM "{schema}".node WHERE level = %s AND "index" = %s', (level, index)
        ).scalar_one()
        return bytes(found)

    return node

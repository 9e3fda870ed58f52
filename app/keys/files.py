"""A key's file and the new one beside it, each whole or not there at all.

`NAME.next` is made first and takes the place of `NAME` last, by a rename: while it lies there a change is under way, and
the same command goes on with the same new key.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.failure import Failure
from kernel.keys import NEXT


def next_of(path: Path) -> Path:
    return path.with_name(path.name + NEXT)


def begun(path: Path, make: Callable[[], bytes]) -> bytes:
    """The new key's bytes: those of a change that was cut off, else of `make`."""
    new = next_of(path)
    if not new.exists():
        write(new, make(), like=path)
    return new.read_bytes()


def forgotten(path: Path) -> None:
    """The new key goes again: nothing came to be under it."""
    next_of(path).unlink()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other change of a key in `folder` meanwhile; the lock is gone with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as problem:
        raise Failure(f"a key in {folder} is being changed", "wait for the end of that") from problem
    finally:
        os.close(handle)


def ended(path: Path) -> None:
    """The new key takes the old one's place; the old one is gone."""
    next_of(path).replace(path)
    _settle(path.parent)


def write(path: Path, content: bytes, like: Path) -> None:
    """Whole or not at all, on the disk when this returns, and readable by whoever may read `like`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(stat.S_IMODE(like.stat().st_mode))
        temporary.replace(path)
        _settle(path.parent)
    except PermissionError as problem:
        raise Failure(f"{path.parent} can't be written to", "run this as the owner of that folder") from problem


def _settle(folder: Path) -> None:
    """A rename is on the disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

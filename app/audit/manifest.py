"""The manifest of a bundle: what the signature covers, and through it every byte.

Canonical JSON that names each member in the container's order. A log's member is covered by its chain: `head` is the
hash of its last entry, which holds the hash of the one before, and so on to the first; so its bytes needn't be hashed
a third time beside chain and tree. Every other member is covered by its SHA-256. The note `manifest.note` signs the
SHA-256 of the manifest's bytes. Where the log's key was changed, `handovers` holds the notes that say so, oldest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kernel import canonical
from kernel.chain import NO_HASH
from kernel.log_keys import LogKeys
from kernel.note import NoteError, Verifier

FORMAT = "market-bundle-1"
MANIFEST, NOTE, TREE, CHECKPOINTS = "manifest.json", "manifest.note", "tree.txt", "checkpoints.txt"
REGION = "region/"

_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,59}")
_HASH = re.compile(r"[0-9a-f]{64}")
_RUN = re.compile(rb"([a-z][a-z0-9_-]{0,59}) ([1-9][0-9]{0,15}) ([1-9][0-9]{0,15})")


def log_name(source: str) -> str:
    """The member that holds a source's log; ValueError when no source is called so."""
    if not _SOURCE.fullmatch(source):
        raise ValueError(f"a source's name is lower-case ASCII: {source!r}")
    return f"log/{source}.jsonl"


@dataclass(frozen=True, slots=True)
class LogMember:
    """A source's log: sequences `first` to `last` (last is 0 when it is empty), `head` the hash of the last entry."""

    source: str
    size: int
    crc: int
    last: int
    head: str
    first: int = 1

    @property
    def name(self) -> str:
        return log_name(self.source)


@dataclass(frozen=True, slots=True)
class FileMember:
    """Any other member, covered by its SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds. `key` is the log's present verifier key, `handovers` the notes of `kernel.log_keys` that lead
    to it; members are in the container's order.
    """

    origin: str
    key: Verifier
    logs: tuple[LogMember, ...]
    files: tuple[FileMember, ...]
    handovers: tuple[str, ...] = ()

    @property
    def entries(self) -> int:
        """How many entries all logs have together."""
        return sum(log.last for log in self.logs)

    @property
    def names(self) -> list[str]:
        """The names of all members, the manifest's own included, in the container's order."""
        return [*(log.name for log in self.logs), *(file.name for file in self.files), MANIFEST, NOTE]

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.dumps(
            {
                "format": FORMAT,
                "origin": self.origin,
                "key": str(self.key),
                "logs": [
                    {
                        "source": log.source,
                        "size": log.size,
                        "crc32": log.crc,
                        "first": log.first,
                        "last": log.last,
                        "head": log.head,
                    }
                    for log in self.logs
                ],
                "files": [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in self.files],
                **({"handovers": list(self.handovers)} if self.handovers else {}),
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Read `to_bytes`; whatever `to_bytes` wouldn't write is a ValueError."""
        try:
            value = canonical.loads(data)
            if value["format"] != FORMAT:
                raise ValueError(f"the format is {value['format']!r}, this program reads {FORMAT}")
            manifest = cls(
                value["origin"],
                Verifier.parse(value["key"]),
                tuple(_log(item) for item in value["logs"]),
                tuple(FileMember(item["name"], item["size"], item["sha256"]) for item in value["files"]),
                tuple(value.get("handovers", ())),
            )
            manifest._check()
            written = manifest.to_bytes()
        except (KeyError, TypeError, AttributeError, NoteError) as error:
            raise ValueError(f"it isn't a manifest: {error}") from None
        if written != data:
            raise ValueError("it isn't in its canonical form")
        return manifest

    def _check(self) -> None:
        """Pair of what the writer does: order, names and values are such as it writes."""
        if type(self.origin) is not str:
            raise ValueError("the origin is not text")
        if LogKeys(self.key, self.handovers).newest != self.key:
            raise ValueError(f"its handovers lead to another key than {self.key}")
        sources = [log.source for log in self.logs]
        if sources != sorted(set(sources)):
            raise ValueError("the logs aren't each there once, in the order of their names")
        region = [file.name for file in self.files[2:]]
        if [file.name for file in self.files[:2]] != [TREE, CHECKPOINTS] or region != sorted(set(region)):
            raise ValueError("the files aren't each there once, in order")
        if not all(name.startswith(REGION) for name in region):
            raise ValueError("there are files that no bundle holds")
        for log in self.logs:
            log_name(log.source)
            numbers = (log.size, log.crc, log.first, log.last)
            if any(type(number) is not int or number < 0 for number in numbers) or log.first != 1:
                raise ValueError(f"the numbers of {log.name} are no bundle's")
            if not _HASH.fullmatch(log.head) or (log.last == 0) != (log.head == NO_HASH):
                raise ValueError(f"the head of {log.name} is not a hash")
        for file in self.files:
            if type(file.size) is not int or file.size < 0 or not _HASH.fullmatch(file.sha256):
                raise ValueError(f"{file.name} has no size and hash")


def note_text(manifest: bytes) -> str:
    """What `manifest.note` signs."""
    return f"market bundle\n{sha256(manifest).hexdigest()}\n"


def format_run(source: str, first: int, last: int) -> bytes:
    """A line of `tree.txt`: the next leaves are the entries `first` to `last` of `source`."""
    return f"{source} {first} {last}\n".encode()


def parse_run(line: bytes) -> tuple[str, int, int]:
    """Read a line of `tree.txt` (without its newline); ValueError when it is none."""
    match = _RUN.fullmatch(line)
    if match is not None:
        source, first, last = match.groups()
        begins, ends = int(first), int(last)
        if begins <= ends:
            return source.decode(), begins, ends
    raise ValueError(f"not a run of leaves: {line[:80]!r}")


def split_checkpoints(lines: Iterator[bytes]) -> Iterator[str]:
    """The notes of `checkpoints.txt`, which stand one behind the other with an empty line after each.

    Raises ValueError when lines are left over.
    """
    note: list[bytes] = []
    gaps = 0
    for line in lines:
        gaps += not line
        if gaps == 2:  # the first stands inside the note, before its signatures
            yield (b"\n".join(note) + b"\n").decode()
            note, gaps = [], 0
        else:
            note.append(line)
    if note:
        raise ValueError("the last checkpoint isn't ended by an empty line")


def _log(item: dict[str, Any]) -> LogMember:
    return LogMember(item["source"], item["size"], item["crc32"], item["last"], item["head"], item["first"])

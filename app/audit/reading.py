"""Reading a bundle: its members as blocks and lines, never as a whole, so that a million entries need no memory.

`open_bundle` compares the container's headers and reads the manifest; it trusts nothing else. What is read through it
is proven by `app.audit.verify`, or isn't.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from zlib import crc32

from app.audit.container import Member, VerifyError, read_members
from app.audit.manifest import (
    CHECKPOINTS,
    MANIFEST,
    NOTE,
    REGION,
    TREE,
    Manifest,
    note_text,
    parse_run,
    split_checkpoints,
)
from kernel.chain import MAX_ENTRY_BYTES
from kernel.note import NoteError, split

BLOCK = 1 << 20
#: Manifest, note and a region's files are read at once.
MAX_SMALL_MEMBER = 64 << 20


class Bundle:
    """An open bundle. Close it, or use it as a context manager. Every method raises VerifyError with the place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise VerifyError(str(path), error.strerror or str(error)) from None
        try:
            self.members: dict[str, Member] = {member.name: member for member in read_members(self._file)}
            self.manifest_note = self._note()
            self.manifest = self._manifest()
            self._compare_members()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def sources(self) -> list[str]:
        """The sources that have a log here, in the order of their names."""
        return [log.source for log in self.manifest.logs]

    def read(self, name: str) -> bytes:
        """A small member as a whole, its CRC compared."""
        member = self.members[name]
        if member.size > MAX_SMALL_MEMBER:
            raise VerifyError(member.place, f"{member.size} bytes are more than {MAX_SMALL_MEMBER}")
        data = b"".join(self.blocks(name))
        if crc32(data) != member.crc:
            raise VerifyError(member.place, "its contents don't have the CRC that its header says")
        return data

    def blocks(self, name: str, start: int = 0) -> Iterator[bytes]:
        """A member's bytes from `start` in blocks. Readings may be mixed: each keeps its own place."""
        member = self.members[name]
        position = member.starts + start
        while position < member.ends:
            self._file.seek(position)
            block = self._file.read(min(BLOCK, member.ends - position))
            if not block:
                raise VerifyError(member.place, "the file ends inside it")
            yield block
            position += len(block)

    def lines(self, name: str, start: int = 0) -> Iterator[bytes]:
        """A member's lines without their newlines; every line must have one and fit an entry."""
        rest = b""
        for block in self.blocks(name, start):
            lines = block.split(b"\n")
            lines[0] = rest + lines[0]
            rest = lines.pop()
            yield from lines
            if len(rest) > MAX_ENTRY_BYTES:
                raise VerifyError(self.members[name].place, f"a line is longer than {MAX_ENTRY_BYTES} bytes")
        if rest:
            raise VerifyError(self.members[name].place, "the last line has no newline")

    def entries(self, source: str) -> Iterator[bytes]:
        """The entries of a source's log, in sequence."""
        return self.lines(f"log/{source}.jsonl")

    def runs(self) -> Iterator[tuple[str, int, int]]:
        """The tree's leaves in order, as runs: source, first and last sequence."""
        for number, line in enumerate(self.lines(TREE), 1):
            try:
                yield parse_run(line)
            except ValueError as error:
                raise VerifyError(f"{TREE}, line {number}", str(error)) from None

    def in_tree_order(self) -> Iterator[tuple[str, bytes]]:
        """Every entry with its source, in the order of the tree's leaves: the order in which to replay."""
        logs = {source: self.entries(source) for source in self.sources}
        for source, first, last in self.runs():
            for sequence in range(first, last + 1):
                entry = next(logs.get(source, iter(())), None)
                if entry is None:
                    raise VerifyError(TREE, f"there is no entry {sequence} of {source}")
                yield source, entry

    def checkpoints(self) -> Iterator[str]:
        """The signed checkpoints, oldest first."""
        try:
            yield from split_checkpoints(self.lines(CHECKPOINTS))
        except ValueError as error:
            raise VerifyError(self.members[CHECKPOINTS].place, str(error)) from None

    def region_files(self) -> dict[str, bytes]:
        """The region's configuration by path (without `region/`), as it was when the bundle was made."""
        names = (file.name for file in self.manifest.files if file.name.startswith(REGION))
        return {name.removeprefix(REGION): self.read(name) for name in names}

    def _note(self) -> str:
        if NOTE not in self.members or MANIFEST not in self.members:
            raise VerifyError("directory", f"a bundle has a {MANIFEST} and a {NOTE}")
        try:
            note = self.read(NOTE).decode()
            split(note)
        except (UnicodeDecodeError, NoteError) as error:
            raise VerifyError(self.members[NOTE].place, str(error)) from None
        return note

    def _manifest(self) -> Manifest:
        data = self.read(MANIFEST)
        place = self.members[MANIFEST].place
        if split(self.manifest_note)[0] != note_text(data):
            raise VerifyError(place, f"its SHA-256 is {sha256(data).hexdigest()}, which {NOTE} doesn't sign")
        try:
            return Manifest.parse(data)
        except ValueError as error:
            raise VerifyError(place, str(error)) from None

    def _compare_members(self) -> None:
        """The container holds what the manifest names, in its order, with its sizes and CRCs."""
        names, found = self.manifest.names, list(self.members)
        if names != found:
            at = next((i for i, pair in enumerate(zip(names, found, strict=False)) if pair[0] != pair[1]), len(found))
            said = names[at] if at < len(names) else "nothing"
            raise VerifyError(f"member {at + 1}", f"the manifest names {said} there, the directory other members")
        sizes = {log.name: log.size for log in self.manifest.logs}
        sizes |= {file.name: file.size for file in self.manifest.files}
        for name, size in sizes.items():
            if self.members[name].size != size:
                raise VerifyError(self.members[name].place, f"the manifest says {size} bytes")
        for log in self.manifest.logs:
            if self.members[log.name].crc != log.crc:
                raise VerifyError(f"header of {log.name}", "its CRC is not the one in the manifest")


def open_bundle(path: str | Path) -> Bundle:
    """Open a bundle for reading. Verify it first (`verify_bundle`) when it comes from somebody else."""
    return Bundle(Path(path))

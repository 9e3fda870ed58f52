"""Verifying a bundle offline: whatever was changed after signing is found, and the place is named.

In order: the container's headers; the manifest's signature; every member's contents; every log's chain, gap-free from
the first entry to the signed last one; the tree, whose leaves are the entries of all logs, each exactly once and each
source's in sequence; the root at every checkpoint, so that each tree is the beginning of the next; and the last
checkpoint covers all. One key signs everything; where it was changed, each checkpoint is signed by the key of its time
and the manifest by the last. Memory is bounded, whatever the size.

Without a trusted key a bundle can only be consistent with itself: who rewrites all and signs anew passes. The report
says so. Whether the events mean what the market computed is the replay's question.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NoReturn
from zlib import crc32

from app.audit.container import VerifyError
from app.audit.manifest import TREE, LogMember
from app.audit.pieces import Piece, Result, check_pieces, processes_for
from app.audit.reading import Bundle, open_bundle
from kernel.chain import MAX_ENTRY_BYTES, START, ChainError, Link, take_apart, verify_chain
from kernel.log_keys import LogKeys
from kernel.merkle import HASH_SIZE, CompactRange, hashes_in
from kernel.note import Checkpoint, NoteError, Verifier, open_note

PIECE_BYTES = 8 << 20
#: Leaves hashed into the tree at once.
_LEAVES = 8192


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was verified. `trusted`: the key is the one that the caller trusts or that it leads to, not merely the one
    named inside. `handovers`: how often the log's key was changed.
    """

    origin: str
    key: Verifier
    trusted: bool
    entries: dict[str, int]
    checkpoints: int
    last_checkpoint: Checkpoint
    region_files: int
    handovers: int = 0

    def __str__(self) -> str:
        counts = ", ".join(f"{source} {count}" for source, count in self.entries.items())
        if not self.trusted:
            verdict = f"consistent with itself, signed by {self.key}; compare with the published key"
        elif self.handovers:
            verdict = f"verified, signed by {self.key}, to which the trusted key leads"
        else:
            verdict = f"verified, signed by the trusted key {self.key}"
        return (
            f"{self.origin}: {verdict}\n"
            f"{sum(self.entries.values())} entries ({counts}), {self.checkpoints} checkpoints,"
            f" {self.region_files} files of the region; root {self.last_checkpoint.root.hex()}"
            + f"\nchanges of the log's key, each by a note that both keys signed: {self.handovers}"
            * bool(self.handovers)
        )


def verify_bundle(path: str | Path, trust: str | None = None, processes: int | None = None) -> VerifyReport:
    """Verify the bundle in `path`; `trust` is the published verifier key (`name+hash+base64`).

    Raises VerifyError with the first place that fails. `processes`: how many may work beside each other; by
    default as many as the size is worth.
    """
    with open_bundle(path) as bundle, tempfile.TemporaryDirectory(prefix="market-verify-") as folder:
        keys = _check_signature(bundle, trust)
        _check_files(bundle)
        _check_logs(bundle, Path(folder), processes)
        count, last = _check_tree(bundle, Path(folder), keys)
        return VerifyReport(
            bundle.manifest.origin,
            keys.newest,
            trust is not None,
            {log.source: log.last for log in bundle.manifest.logs},
            count,
            last,
            len(bundle.manifest.files) - 2,
            len(keys.handovers),
        )


def _check_signature(bundle: Bundle, trust: str | None) -> LogKeys:
    """The log's keys, the last of which signs the bundle; the trusted one, where there is one, is among them."""
    key = trusted = bundle.manifest.key
    if trust is not None:
        try:
            trusted = Verifier.parse(trust)
        except NoteError as error:
            raise VerifyError("the trusted key", str(error)) from None
    try:
        keys = LogKeys(trusted, bundle.manifest.handovers)
    except NoteError as error:
        raise VerifyError("manifest.json, handovers", str(error)) from None
    if keys.newest != key:
        raise VerifyError("manifest.json, key", f"signed by {key}, which is not the trusted key {trusted}")
    try:
        note = open_note(bundle.manifest_note, [key])
    except NoteError as error:
        raise VerifyError(bundle.members["manifest.note"].place, str(error)) from None
    if note.unknown:
        raise VerifyError(bundle.members["manifest.note"].place, "it has signatures of other keys")
    return keys


def _check_files(bundle: Bundle) -> None:
    """Every member but the logs has the SHA-256 and the CRC that it must have."""
    for file in bundle.manifest.files:
        digest, crc = sha256(), 0
        for block in bundle.blocks(file.name):
            digest.update(block)
            crc = crc32(block, crc)
        member = bundle.members[file.name]
        if digest.hexdigest() != file.sha256:
            raise VerifyError(member.place, f"its SHA-256 is {digest.hexdigest()}, the manifest says {file.sha256}")
        if crc != member.crc:
            raise VerifyError(f"header of {file.name}", "its CRC is not that of the contents")


def _leaf_file(folder: Path, source: str) -> Path:
    return folder / f"{source}.leaves"


def _check_logs(bundle: Bundle, folder: Path, processes: int | None) -> None:
    """Check every chain and leave the leaf hashes in `folder`."""
    total = sum(log.size for log in bundle.manifest.logs)
    work: list[tuple[LogMember, list[Piece]]] = []
    for log in bundle.manifest.logs:
        with _leaf_file(folder, log.source).open("wb"):
            pass
        work.append((log, list(_cut(bundle, log, str(_leaf_file(folder, log.source))))))
    pieces = [piece for _, of_log in work for piece in of_log]
    results = iter(check_pieces(pieces, processes_for(total) if processes is None else processes))
    for log, of_log in work:
        if not _joined(log, [(piece, next(results)) for piece in of_log]):
            _diagnose(bundle, log)


def _cut(bundle: Bundle, log: LogMember, leaves: str) -> Iterator[Piece]:
    """Pieces of a log at entries near every PIECE_BYTES. Each but the first says itself where it belongs."""
    member, link, start = bundle.members[log.name], START, 0
    while start < log.size:
        end = log.size
        following = None
        if log.size - start > 2 * PIECE_BYTES:
            end = _next_entry(bundle, log, start + PIECE_BYTES)
            following = _claimed_link(bundle, log, end)
        path = str(bundle.path)
        yield Piece(path, member.starts + start, member.starts + end, link.sequence, link.hash, leaves)
        start = end
        link = following or link


def _next_entry(bundle: Bundle, log: LogMember, position: int) -> int:
    """Where in the log the first entry behind `position` starts."""
    block = next(bundle.blocks(log.name, position))
    newline = block.find(b"\n", 0, MAX_ENTRY_BYTES + 1)
    if newline < 0:
        _diagnose(bundle, log)
    return position + newline + 1


def _claimed_link(bundle: Bundle, log: LogMember, start: int) -> Link:
    """The link that the entry at `start` says it stands behind."""
    try:
        parts = take_apart(next(bundle.lines(log.name, start)))
    except ValueError:
        _diagnose(bundle, log)
    if parts.sequence > log.last:  # else a changed digit would make the leaf file as large as it likes
        _diagnose(bundle, log)
    return Link(parts.sequence - 1, parts.prevhash)


def _joined(log: LogMember, checked: list[tuple[Piece, Result]]) -> bool:
    """Whether the pieces of a log hold, and each stands where it claims to."""
    link = START
    for piece, result in checked:
        behind = (piece.sequence, piece.prevhash) == (link.sequence, link.hash)
        if result.broken or not behind or result.first_sealedat < link.sealedat:
            return False
        link = Link(result.sequence, result.hash, result.sealedat)
    return (link.sequence, link.hash) == (log.last, log.head)


def _diagnose(bundle: Bundle, log: LogMember) -> NoReturn:
    """A log that doesn't hold: go through it from the first entry and name the one that was changed."""
    try:
        link = verify_chain(bundle.entries(log.source), START, log.head)
    except ChainError as error:
        offset, entries = 0, bundle.entries(log.source)
        for _ in range(1, error.sequence):
            offset += len(next(entries)) + 1
        at = bundle.members[log.name].starts + offset
        place = f"{log.source}, entry {error.sequence} ({log.name}, from byte {at} of the file)"
        raise VerifyError(place, error.what) from None
    place = bundle.members[log.name].place
    raise VerifyError(place, f"it ends at entry {link.sequence}, the manifest says {log.last}")


def _check_tree(bundle: Bundle, folder: Path, keys: LogKeys) -> tuple[int, Checkpoint]:
    """Build the tree from the leaf hashes, comparing the root at each checkpoint; how many there are, and the last."""
    witness = _Checkpoints(bundle, keys)
    frontier = CompactRange()
    with ExitStack() as stack:
        leaves = {
            log.source: stack.enter_context(_leaf_file(folder, log.source).open("rb")).read
            for log in bundle.manifest.logs
        }
        waiting: list[bytes] = []  # leaves of several short runs go into the tree together
        room = witness.compare(frontier)
        for source, count in _checked_runs(bundle):
            while count >= room:
                waiting.append(leaves[source](room * HASH_SIZE))
                frontier.extend(hashes_in(b"".join(waiting)))
                waiting, count = [], count - room
                room = witness.compare(frontier)
            waiting.append(leaves[source](count * HASH_SIZE))
            room -= count
        frontier.extend(hashes_in(b"".join(waiting)))
    return witness.finish(frontier)


def _checked_runs(bundle: Bundle) -> Iterator[tuple[str, int]]:
    """Runs of leaves as (source, count): each entry of each log is a leaf once, a source's in its sequence."""
    last = {log.source: log.last for log in bundle.manifest.logs}
    done = dict.fromkeys(last, 0)
    for number, (source, first, end) in enumerate(bundle.runs(), 1):
        place = f"{TREE}, line {number}"
        if source not in last:
            raise VerifyError(place, f"there is no log of {source}")
        if first != done[source] + 1:
            raise VerifyError(place, f"the leaf of {source} behind entry {done[source]} is entry {first}")
        if end > last[source]:
            raise VerifyError(place, f"the log of {source} ends at entry {last[source]}")
        done[source] = end
        yield source, end - first + 1
    for source, end in done.items():
        if end != last[source]:
            raise VerifyError(TREE, f"entry {end + 1} of {source} is no leaf of the tree")


class _Checkpoints:
    """The bundle's checkpoints, compared one after the other with the growing tree."""

    def __init__(self, bundle: Bundle, keys: LogKeys) -> None:
        self._notes = enumerate(bundle.checkpoints(), 1)
        self._origin = bundle.manifest.origin
        self._keys = keys
        self._count = 0
        self._last: Checkpoint | None = None
        self._next = self._open()

    def _open(self) -> Checkpoint | None:
        number, note = next(self._notes, (0, ""))
        if not number:
            return None
        try:
            checkpoint = self._keys.open_checkpoint(note, self._origin)
        except NoteError as error:
            raise VerifyError(f"checkpoint {number}", str(error)) from None
        if self._last is not None and checkpoint.size < self._last.size:
            raise VerifyError(f"checkpoint {number}", f"{checkpoint.size} leaves, the one before has {self._last.size}")
        return checkpoint

    def compare(self, frontier: CompactRange) -> int:
        """Compare the checkpoints of the tree's present size; how many leaves may be added before the next look."""
        while self._next is not None and self._next.size == frontier.size:
            self._count += 1
            if self._next.root != frontier.root():
                raise VerifyError(
                    f"checkpoint {self._count} (of {self._next.size} leaves)",
                    f"it signs the root {self._next.root.hex()}, the entries have {frontier.root().hex()}",
                )
            self._last = self._next
            self._next = self._open()
        return min(_LEAVES, self._next.size - frontier.size) if self._next else _LEAVES

    def finish(self, frontier: CompactRange) -> tuple[int, Checkpoint]:
        """Nothing is left over on either side."""
        self.compare(frontier)
        size = frontier.size
        if self._next is not None:
            place = f"checkpoint {self._count + 1}"
            raise VerifyError(place, f"it signs {self._next.size} leaves, the bundle has {size}")
        if self._last is None:
            raise VerifyError("checkpoints.txt", "there is no checkpoint")
        if self._last.size != size:
            place = f"checkpoint {self._count}"
            raise VerifyError(place, f"the last one signs {self._last.size} leaves, the bundle has {size}")
        return self._count, self._last

"""The auditor's bundle: one file with all that is needed to check the market's history offline.

Members, in this order, each covered by a signature:

    log/<source>.jsonl   every entry of the source's log, one a line, in sequence
    tree.txt             the leaves' order: "<source> <first> <last>" a line, the next leaves are these entries
    checkpoints.txt      every signed checkpoint, oldest first, an empty line after each
    region/…             the region's configuration
    manifest.json        what is here: sizes, hashes, the logs' ends, the key (`app.audit.manifest`)
    manifest.note        the log key's signature of the manifest (C2SP signed note)

The container is a plain zip of one possible form (`app.audit.container`). Writing copies what it is given, also what
is broken: a bundle is evidence, and the verification says what of.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path

from app.audit.container import VerifyError, Writer
from app.audit.manifest import (
    CHECKPOINTS,
    MANIFEST,
    NOTE,
    REGION,
    TREE,
    FileMember,
    LogMember,
    Manifest,
    format_run,
    log_name,
    note_text,
)
from app.audit.reading import Bundle, open_bundle
from app.audit.verify import VerifyReport, verify_bundle
from kernel.chain import NO_HASH, entry_hash
from kernel.note import Signer, sign

__all__ = ["Bundle", "VerifyError", "VerifyReport", "open_bundle", "verify_bundle", "write_bundle"]

_ENTRIES_AT_ONCE = 500


def write_bundle(
    path: str | Path,
    logs: Mapping[str, Iterable[bytes]],
    leaves: Iterable[tuple[str, int]],
    checkpoints: Iterable[str],
    region_files: Mapping[str, bytes],
    signer: Signer,
    origin: str,
    handovers: Sequence[str] = (),
) -> None:
    """Write a bundle to `path`, which appears whole or not at all. Everything is streamed but the region's files.

    `logs`: source → its entries in sequence from 1. `leaves`: (source, sequence) of each leaf of the tree in order.
    `checkpoints`: signed notes, oldest first. `region_files`: path under `region/` → contents. `signer`: the log
    key. `origin`: the checkpoints' origin. `handovers`: the notes that led to this key, oldest first. Raises
    ValueError for names that no bundle can hold.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            writer = Writer(file)
            written_logs = tuple(_write_log(writer, source, logs[source]) for source in sorted(logs))
            files = [_write_file(writer, TREE, _runs(leaves))]
            files.append(_write_file(writer, CHECKPOINTS, (f"{note}\n".encode() for note in checkpoints)))
            for name in sorted(region_files):
                files.append(_write_file(writer, REGION + name, [region_files[name]]))
            manifest = Manifest(origin, signer.verifier, written_logs, tuple(files), tuple(handovers)).to_bytes()
            _write_file(writer, MANIFEST, [manifest])
            _write_file(writer, NOTE, [sign(note_text(manifest), signer).encode()])
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _write_log(writer: Writer, source: str, entries: Iterable[bytes]) -> LogMember:
    """Write a source's entries, one a line. The head is the last one's hash, whether or not the chain holds."""
    stream, count, last = iter(entries), 0, b""
    with writer.member(log_name(source)) as sink:
        while batch := list(islice(stream, _ENTRIES_AT_ONCE)):
            sink.write(b"\n".join(batch) + b"\n")
            count += len(batch)
            last = batch[-1]
    return LogMember(source, sink.size, sink.crc, count, entry_hash(last) if count else NO_HASH)


def _write_file(writer: Writer, name: str, blocks: Iterable[bytes]) -> FileMember:
    digest = sha256()
    with writer.member(name) as sink:
        for block in blocks:
            sink.write(block)
            digest.update(block)
    return FileMember(name, sink.size, digest.hexdigest())


def _runs(leaves: Iterable[tuple[str, int]]) -> Iterator[bytes]:
    """The lines of `tree.txt`: neighbouring entries of one source make one line."""
    source, first, last = "", 0, -1
    for of, sequence in leaves:
        if of == source and sequence == last + 1:
            last = sequence
            continue
        if source:
            yield format_run(source, first, last)
        source, first, last = of, sequence, sequence
    if source:
        yield format_run(source, first, last)

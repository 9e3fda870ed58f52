"""A log's bytes checked piece by piece, by as many processes as there are processors.

Checking costs two hashes an entry, its chain's and its leaf's. A piece starts at any entry, which says itself what
must stand before it; whether that did stand there is asked when the pieces are joined. Leaf hashes go to a file, 32
bytes at (sequence - 1)·32, so memory is bounded whatever the size.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.chain import MAX_ENTRY_BYTES, ChainError, Link, take_apart, verify_chain
from kernel.merkle import HASH_SIZE, leaf_hashes

#: Smaller blocks stay in the processor's cache between the two hashes.
_BLOCK = 1 << 16
#: Below this another process costs more than it gives.
_WORTH_A_PROCESS = 16 << 20
MAX_PROCESSES = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `start` to `end` of the file `path`: whole lines of one log, behind the link that they claim."""

    path: str
    start: int
    end: int
    sequence: int
    prevhash: str
    leaves: str

    @property
    def link(self) -> Link:
        return Link(self.sequence, self.prevhash)


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a piece's chain, its first and last `sealedat`; `broken` when it doesn't hold."""

    sequence: int = 0
    hash: str = ""
    first_sealedat: str = ""
    sealedat: str = ""
    broken: bool = False


def check_piece(piece: Piece) -> Result:
    """Check a piece's chain and write its leaf hashes to the file `piece.leaves`."""
    link, first, rest = piece.link, "", b""
    try:
        with open(piece.path, "rb") as file, open(piece.leaves, "r+b") as leaves:
            file.seek(piece.start)
            leaves.seek(piece.sequence * HASH_SIZE)
            position = piece.start
            while position < piece.end:
                block = file.read(min(_BLOCK, piece.end - position))
                position += len(block)
                entries = block.split(b"\n")
                entries[0] = rest + entries[0]
                rest = entries.pop()
                if not block or len(rest) > MAX_ENTRY_BYTES:
                    return Result(broken=True)
                if entries:
                    first = first or take_apart(entries[0]).sealedat
                    link = verify_chain(entries, link)
                    leaves.write(b"".join(leaf_hashes(entries)))
    except (ChainError, ValueError):
        return Result(broken=True)
    return Result(link.sequence, link.hash, first, link.sealedat, broken=bool(rest))


def check_pieces(pieces: Sequence[Piece], processes: int) -> list[Result]:
    """The results in the pieces' order, worked out by up to `processes` processes beside each other."""
    if processes <= 1 or len(pieces) <= 1:
        return [check_piece(piece) for piece in pieces]
    with multiprocessing.get_context("fork").Pool(min(processes, len(pieces))) as pool:
        return pool.map(check_piece, pieces, chunksize=1)


def processes_for(size: int) -> int:
    """How many processes are worth their start for `size` bytes of log.

    A forked child has only the thread that forked, and what the others had locked stays locked in it for ever; so a
    process with several threads works alone.
    """
    if threading.active_count() > 1 or sys.platform != "linux":
        return 1
    return max(1, min(len(os.sched_getaffinity(0)), MAX_PROCESSES, size // _WORTH_A_PROCESS))

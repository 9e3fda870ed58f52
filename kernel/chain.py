"""The entry: an event with its place in a service's log, and the chain that holds the places together.

    {"event":<canonical bytes>,"prevhash":"<hex>","sealedat":"2027-01-01T00:00:00.000000Z","sequence":1}

`prevhash` is the SHA-256 of the previous entry's bytes (64 zeros before the first), `sequence` counts from 1 without
a gap, `sealedat` never decreases. An entry is made by concatenation around bytes that are canonical already, so it is
canonical too, and it is taken apart by slicing: its end has a fixed shape.

Verification compares bytes and hashes; it parses no JSON. That is enough: each entry's hash covers all of its bytes,
so nothing can stand in an entry that the chain doesn't hold. Whether the event is canonical JSON is asked by whoever
interprets it (`canonical.loads_canonical(event_bytes(entry))`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from itertools import chain, islice
from typing import NamedTuple

from kernel.canonical import MAX_INTEGER

#: The largest entry; larger things are stored as documents and named by hash.
MAX_ENTRY_BYTES = 60_000
#: What the first entry holds instead of a previous hash.
NO_HASH = "0" * 64

_HEAD = b'{"event":'
_BEFORE_HASH = b',"prevhash":"'
_BEFORE_INSTANT = b'","sealedat":"'
_BEFORE_SEQUENCE = b'","sequence":'
_INSTANT_SIZE = len("2027-01-01T00:00:00.000000Z")
_HASH_AT = len(_BEFORE_HASH)
_INSTANT_AT = _HASH_AT + len(NO_HASH) + len(_BEFORE_INSTANT)
_SEQUENCE_AT = _INSTANT_AT + _INSTANT_SIZE + len(_BEFORE_SEQUENCE)
#: How every entry begins: its event is an object.
_BEGINS = _HEAD + b"{"

#: So many entries are verified at once: their bytes stay in the processor's cache from one pass to the next.
_AT_ONCE = 256
_ANY_INSTANT = b"0000-00-00T00:00:00.000000Z"
_SECONDS_AT = len("2027-01-01T00:00:")
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")

_HASH = re.compile(r"[0-9a-f]{64}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_TAIL = re.compile(rb',"prevhash":"([0-9a-f]{64})","sealedat":"([0-9T:.Z-]{27})","sequence":([1-9][0-9]{0,15})\}')


class ChainError(ValueError):
    """The chain is broken: `sequence` names the entry that was changed (0: the log as a whole), `what` says how."""

    def __init__(self, sequence: int, what: str) -> None:
        super().__init__(f"entry {sequence}: {what}")
        self.sequence = sequence
        self.what = what


class Link(NamedTuple):
    """The end of a verified chain: sequence of the last entry, its hash (hex), its `sealedat`."""

    sequence: int = 0
    hash: str = NO_HASH
    sealedat: str = ""


START = Link()


@dataclass(frozen=True, slots=True)
class Entry:
    """The four parts of an entry; `event` is the event's canonical bytes."""

    event: bytes
    prevhash: str
    sealedat: str
    sequence: int


def entry_hash(entry: bytes) -> str:
    """What the next entry carries as `prevhash`: SHA-256 of the entry's bytes, in hex."""
    return sha256(entry).hexdigest()


def make_entry(event: bytes, prevhash: str, sealedat: str, sequence: int) -> bytes:
    """The entry's bytes around an event's canonical bytes.

    Raises ValueError when the parts don't make an entry or the whole is over MAX_ENTRY_BYTES.
    """
    if not event.startswith(b"{") or not event.endswith(b"}") or b"\n" in event:
        raise ValueError("an event is one canonical JSON object")
    if not _HASH.fullmatch(prevhash):
        raise ValueError(f"prevhash is 64 hex digits: {prevhash!r}")
    if not is_instant(sealedat):
        raise ValueError(f"sealedat is an instant like 2027-01-01T00:00:00.000000Z: {sealedat!r}")
    if not 1 <= sequence <= MAX_INTEGER:
        raise ValueError(f"a sequence counts from 1: {sequence}")
    entry = b"".join((_HEAD, event, _tail(prevhash, sealedat, sequence)))
    if len(entry) > MAX_ENTRY_BYTES:
        raise ValueError(f"the entry has {len(entry)} bytes, over {MAX_ENTRY_BYTES}; store the large part by hash")
    return entry


def next_entry(link: Link, event: bytes, sealedat: str) -> tuple[bytes, Link]:
    """The entry of `event` behind `link`, and the link it makes. A clock that went back doesn't: time stands."""
    instant = max(sealedat, link.sealedat)
    entry = make_entry(event, link.hash, instant, link.sequence + 1)
    return entry, Link(link.sequence + 1, entry_hash(entry), instant)


def event_bytes(entry: bytes) -> bytes:
    """The event's bytes, cut out without parsing.

    Raises ValueError when the labels of the entry's end aren't in their places; what stands between the labels is
    the business of `take_apart` and `verify_chain`.
    """
    cut = entry.rfind(b":") + 1 - _SEQUENCE_AT
    if (
        cut <= len(_HEAD)
        or not entry.startswith(_HEAD)
        or not entry.startswith(_BEFORE_HASH, cut)
        or not entry.startswith(_BEFORE_SEQUENCE, cut + _SEQUENCE_AT - len(_BEFORE_SEQUENCE))
    ):
        raise ValueError("these bytes are not an entry")
    return entry[len(_HEAD) : cut]


def take_apart(entry: bytes) -> Entry:
    """All four parts of an entry. Raises ValueError when it hasn't the fixed shape."""
    event = event_bytes(entry)
    tail = _TAIL.fullmatch(entry, len(_HEAD) + len(event))
    if tail is None:
        raise ValueError("these bytes are not an entry")
    return Entry(event, tail[1].decode(), tail[2].decode(), int(tail[3]))


def verify_chain(entries: Iterable[bytes], start: Link = START, head: str | None = None) -> Link:
    """Verify entries that follow `start`, streaming; returns the link at the end.

    `head`, where given, is the hash that the last entry must have. Raises ChainError.
    """
    stream, link = iter(entries), start
    while batch := list(islice(stream, _AT_ONCE)):
        link = _verify_at_once(batch, link) or _verify_one_by_one(batch, link, stream, head)
    if head is not None and link.hash != head:
        raise ChainError(link.sequence, f"its hash is {link.hash}, not {head} as the log's end was signed")
    return link


def is_instant(text: str) -> bool:
    """Whether `text` is an instant in the one form that entries use (`kernel.instants`)."""
    if not _INSTANT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _tail(prevhash: str, sealedat: str, sequence: int) -> bytes:
    return f',"prevhash":"{prevhash}","sealedat":"{sealedat}","sequence":{sequence}}}'.encode()


def _verify_at_once(entries: Sequence[bytes], link: Link) -> Link | None:
    """The link behind `entries` when each is as it must be; None where they must be looked at one by one.

    One pass over all entries for each question takes a third of the time that all questions for each entry take.
    """
    count, first = len(entries), link.sequence + 1
    digits = len(str(first))
    if len(str(first + count - 1)) != digits or max(map(len, entries)) > MAX_ENTRY_BYTES:
        return None
    if b"".join([entry[: len(_BEGINS)] for entry in entries]) != _BEGINS * count:
        return None
    size = len("}") + _SEQUENCE_AT + digits + len("}")
    ends = b"".join([entry[-size:] for entry in entries]).decode("latin-1")
    instants = [ends[at : at + _INSTANT_SIZE] for at in range(len("}") + _INSTANT_AT, size * count, size)]
    hashed = sha256
    hashes = [link.hash, *[hashed(entry).hexdigest() for entry in entries]]
    expected = [
        f'}},"prevhash":"{previous}","sealedat":"{instant}","sequence":{sequence}}}'
        for previous, instant, sequence in zip(hashes, instants, range(first, first + count), strict=False)
    ]
    if ends != "".join(expected) or not _go_on(instants, link.sealedat):
        return None
    return Link(first + count - 1, hashes[-1], instants[-1])


def _go_on(instants: Sequence[str], since: str) -> bool:
    """Whether all of these are instants (`is_instant`), and none is before its predecessor or `since`."""
    joined = "".join(instants)
    return (
        since <= instants[0]
        and sorted(instants) == instants
        and joined.encode("latin-1").translate(_DIGITS_TO_ZERO) == _ANY_INSTANT * len(instants)
        and not joined[_SECONDS_AT::_INSTANT_SIZE].strip("012345")  # tens of seconds; all else is in the minute
        and all(map(_is_minute, {instant[: _SECONDS_AT - 1] for instant in instants}))
    )


@lru_cache(maxsize=4096)
def _is_minute(text: str) -> bool:
    return is_instant(f"{text}:00.000000Z")


def _verify_one_by_one(entries: Sequence[bytes], link: Link, following: Iterator[bytes], head: str | None) -> Link:
    """The link behind `entries`. Raises ChainError, which names the one that was changed."""
    stream = chain(entries, following)
    for entry in islice(stream, len(entries)):
        sealedat = _check_entry(entry, link, stream, head)
        link = Link(link.sequence + 1, entry_hash(entry), sealedat)
    return link


def _check_entry(entry: bytes, link: Link, following: Iterator[bytes], head: str | None) -> str:
    """The entry's `sealedat` when it stands behind `link`. Raises ChainError that says what is wrong otherwise."""
    sequence = link.sequence + 1
    if len(entry) > MAX_ENTRY_BYTES:
        raise ChainError(sequence, f"it has {len(entry)} bytes, over {MAX_ENTRY_BYTES}")
    try:
        parts = take_apart(entry)
    except ValueError:
        raise ChainError(sequence, "its bytes are not those of an entry") from None
    if parts.sequence != sequence:
        raise ChainError(sequence, f"the log has sequence {parts.sequence} in its place")
    if not parts.event.startswith(b"{") or not parts.event.endswith(b"}"):
        raise ChainError(sequence, "its event is not an object")
    if parts.prevhash != link.hash:
        raise _which_was_changed(entry, parts.prevhash, link, _hash_held_after(following, head))
    if not is_instant(parts.sealedat):
        raise ChainError(sequence, f"sealedat is not an instant: {parts.sealedat!r}")
    if parts.sealedat < link.sealedat:
        raise ChainError(sequence, f"sealed at {parts.sealedat}, before its predecessor at {link.sealedat}")
    return parts.sealedat


def _hash_held_after(following: Iterator[bytes], head: str | None) -> str | None:
    """The hash that the next entry (or, at the log's end, its signed head) holds of the one before it."""
    entry = next(following, None)
    if entry is None:
        return head
    try:
        return take_apart(entry).prevhash
    except ValueError:
        return None


def _which_was_changed(entry: bytes, prevhash: str, link: Link, held_after: str | None) -> ChainError:
    """Two neighbours don't fit: what comes after them knows whether the second is as it was written."""
    sequence = link.sequence + 1
    if link.sequence and held_after == entry_hash(entry):
        return ChainError(link.sequence, f"its hash is {link.hash}, but entry {sequence} holds {prevhash}")
    return ChainError(sequence, f"prevhash is {prevhash}, but the entry before has the hash {link.hash}")

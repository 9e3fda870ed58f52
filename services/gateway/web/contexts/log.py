"""The log's list, an entry with its proof, and an entry that its reader may not read."""

from typing import Literal, NotRequired, TypedDict

from services.gateway.web.contexts.common import Checkpoint, EntryRef
from services.gateway.web.text import Instant, Text


class LogRow(TypedDict):
    entry: EntryRef
    time: Instant
    type: str
    words: NotRequired[Text]
    subject: str


class Withheld(TypedDict):
    """Neighbouring places of the tree whose entries the reader may not see yet: between the rows, by their numbers."""

    withheld: int
    first: int
    last: int


class LogFilters(TypedDict):
    source: str
    type: str
    subject: str


class LogPage(TypedDict):
    """The browser of the log, newest first: ``log``."""

    filters: LogFilters
    sources: list[str]
    types: list[str]
    items: list[LogRow | Withheld]
    checkpoint: Checkpoint | None
    commands: list[str]  # exactly three: write the bundle, verify it, replay it
    newer_cursor: str | None
    older_cursor: str | None


class Cause(TypedDict):
    """A neighbour in the chain of causes; ``entry`` is None when the reader may not see it yet."""

    type: str
    words: NotRequired[Text]
    entry: EntryRef | None


class ProofStep(TypedDict):
    """One step up the tree: SHA-256 of 0x01, the left hash, the right hash."""

    side: Literal["left", "right"]  # where the neighbour stands
    neighbour: str
    result: str


class Proof(TypedDict):
    """The inclusion proof of RFC 6962 under a signed checkpoint (C2SP)."""

    leaf_index: int
    leaf_hash: str
    steps: list[ProofStep]  # the last result is the root, if all is right
    checkpoint: Checkpoint
    note: str  # the signed note, as it is


class LogEntryPage(TypedDict):
    """One entry: ``entry``."""

    entry: EntryRef
    type: str
    words: NotRequired[Text]
    id: str
    subject: str
    stream_version: int
    time: Instant
    received_at: Instant | None
    sealed_at: Instant
    actor: Text | None
    ground: Text | None
    correlation_id: str | None
    cause: Cause | None
    content: str  # the entry's JSON, indented
    raw_url: str
    prev_hash: str
    proof: Proof | None  # None until a checkpoint covers the entry
    commands: list[str]
    previous: EntryRef | None
    next: EntryRef | None


class ClosedEntryPage(TypedDict):
    """An entry that is in the log and that this reader may not read yet, or never: ``entry``."""

    entry: EntryRef
    previous: EntryRef | None
    next: EntryRef | None

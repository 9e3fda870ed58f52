"""What a bus that brings events gives to a worker (decision D4): letters per source, kept until they are settled.

A bus's own thread fills the boxes; the worker empties them at its own pace, in its own transactions. Nothing of it is
the truth: a letter that is lost, doubled or late is made up for by the source's log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol


class Letter(NamedTuple):
    """An entry as it was brought; `tag` is the bus's own name for the delivery."""

    sequence: int
    body: bytes
    tag: int


class Batch(NamedTuple):
    """The oldest letters of a source. `box` says over which way they came: that way may be gone when they are done."""

    source: str
    letters: Sequence[Letter]
    box: Any


class Mail(Protocol):
    """One service's incoming events."""

    def well(self) -> bool:
        """Whether every subscription is being brought what is published; else the logs must be watched closely."""

    def sources(self) -> set[str]:
        """From whom there is mail."""

    def look(self, source: str, limit: int) -> Batch:
        """The oldest letters from `source`; they stay until they are settled."""

    def settle(self, batch: Batch, checkpoint: int) -> None:
        """Everything up to `checkpoint` has had its effect. Letters above it aren't in the log: they are put away."""

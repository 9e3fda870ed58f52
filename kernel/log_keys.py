"""The keys of one log, each named by the one before it: so a key can be changed and every checkpoint stays verifiable.

A handover is a signed note (`kernel.note`) of six lines: `market log key`, origin, size and base64 root of the last
checkpoint that the old key signed, the old verifier key, the new one. Both keys sign it. Who trusts the old key is led
to the new one, and who trusts the new one learns which older checkpoints it answers for: those up to that size, none
after. Whoever has stolen a key can sign a handover too; then only a key that was published anew is to be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.note import Checkpoint, NoteError, Signer, Verifier, open_checkpoint, open_note, sign, split

_TITLE = "market log key"


@dataclass(frozen=True, slots=True)
class Handover:
    """From one key to the next: `last` is the last checkpoint that `old` answers for."""

    last: Checkpoint
    old: Verifier
    new: Verifier

    def text(self) -> str:
        """The six lines that both keys sign."""
        return f"{_TITLE}\n{self.last.text()}{self.old}\n{self.new}\n"

    @classmethod
    def parse(cls, note: str) -> Handover:
        """Read a note and verify that both keys signed it. Raises NoteError."""
        lines = split(note)[0].split("\n")
        if len(lines) != 7 or lines[0] != _TITLE:
            raise NoteError("a handover is six lines that begin with the words " + _TITLE)
        last = Checkpoint.parse("\n".join([*lines[1:4], ""]))
        handover = cls(last, Verifier.parse(lines[4]), Verifier.parse(lines[5]))
        if handover.old == handover.new:
            raise NoteError("a handover leads from a key to another one")
        opened = open_note(note, [handover.old, handover.new])
        if set(opened.signed_by) != {handover.old, handover.new}:
            raise NoteError("a handover is signed by the old key and the new one")
        return handover


def hand_over(last: Checkpoint, old: Signer, new: Signer) -> str:
    """The note by which `old` names `new`. Raises NoteError where both are one key."""
    note = sign(Handover(last, old.verifier, new.verifier).text(), old, new)
    Handover.parse(note)  # what couldn't be read isn't written
    return note


class LogKeys:
    """The keys of a log from the first to the present one, all vouched for by a trusted one."""

    def __init__(self, trusted: Verifier, notes: Sequence[str] = ()) -> None:
        """`notes`: the log's handovers, oldest first. Raises NoteError unless they are one chain that holds `trusted`."""
        self.handovers = [Handover.parse(note) for note in notes]
        self._keys = [self.handovers[0].old, *(h.new for h in self.handovers)] if self.handovers else [trusted]
        for one, following in zip(self.handovers, self.handovers[1:], strict=False):
            if following.old != one.new or following.last.origin != one.last.origin:
                raise NoteError(f"the handover to {following.new} does not go on from {one.new}")
            if following.last.size < one.last.size:
                raise NoteError(f"the handover to {following.new} is of a smaller tree than the one before")
        if trusted not in self._keys:
            raise NoteError(f"no handover leads to {self.newest} from the trusted key {trusted}, or back to it")

    @property
    def newest(self) -> Verifier:
        """The key that signs now."""
        return self._keys[-1]

    def of(self, size: int) -> Verifier:
        """The key that answers for the checkpoint of `size` leaves."""
        passed = sum(1 for handover in self.handovers if handover.last.size < size)
        return self._keys[passed]

    def open_checkpoint(self, note: str, origin: str | None = None) -> Checkpoint:
        """Verify a checkpoint by the key that answers for its size. Raises NoteError."""
        claimed = Checkpoint.parse(split(note)[0])
        checkpoint = open_checkpoint(note, [self.of(claimed.size)], origin)
        for handover in self.handovers:
            if handover.last.size == checkpoint.size and handover.last != checkpoint:
                raise NoteError(f"the handover to {handover.new} says another root of {checkpoint.size} leaves")
        return checkpoint

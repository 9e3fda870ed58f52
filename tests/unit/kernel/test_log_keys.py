"""A log's key is changed: the old one names the new one, and each answers for its own checkpoints alone."""

from __future__ import annotations

from hashlib import sha256

import pytest

from kernel.log_keys import Handover, LogKeys, hand_over
from kernel.note import Checkpoint, NoteError, Signer, cosign, sign, sign_checkpoint

ORIGIN = "market.example/log"
FIRST, SECOND, THIRD = (Signer.generate(ORIGIN) for _ in range(3))


def checkpoint(size: int, of: str = "tree") -> Checkpoint:
    return Checkpoint(ORIGIN, size, sha256(f"{of} {size}".encode()).digest())


CHAIN = [hand_over(checkpoint(10), FIRST, SECOND), hand_over(checkpoint(25), SECOND, THIRD)]


@pytest.mark.parametrize("trusted", [FIRST, SECOND, THIRD], ids=["first", "second", "third"])
def test_whichever_key_is_trusted_all_checkpoints_verify_by_the_key_of_their_time(trusted: Signer) -> None:
    keys = LogKeys(trusted.verifier, CHAIN)
    assert keys.newest == THIRD.verifier
    for size, signer in ((1, FIRST), (10, FIRST), (11, SECOND), (25, SECOND), (26, THIRD)):
        assert keys.open_checkpoint(sign_checkpoint(checkpoint(size), signer), ORIGIN) == checkpoint(size)


@pytest.mark.parametrize(("size", "signer"), [(11, FIRST), (26, SECOND), (10, SECOND), (25, THIRD)])
def test_a_key_signs_nothing_outside_its_time(size: int, signer: Signer) -> None:
    with pytest.raises(NoteError, match="no signature by a known key"):
        LogKeys(THIRD.verifier, CHAIN).open_checkpoint(sign_checkpoint(checkpoint(size), signer))


def test_without_handovers_the_trusted_key_is_the_only_one() -> None:
    keys = LogKeys(FIRST.verifier)
    assert keys.newest == keys.of(0) == keys.of(10**9) == FIRST.verifier


def test_a_key_that_the_chain_does_not_hold_is_led_nowhere() -> None:
    with pytest.raises(NoteError, match="from the trusted key"):
        LogKeys(Signer.generate(ORIGIN).verifier, CHAIN)


def test_the_checkpoint_at_a_handover_must_be_the_one_it_names() -> None:
    forked = sign_checkpoint(checkpoint(10, "fork"), FIRST)
    with pytest.raises(NoteError, match="another root"):
        LogKeys(FIRST.verifier, CHAIN).open_checkpoint(forked)


def test_handovers_in_another_order_or_with_one_missing_are_no_chain() -> None:
    fourth = Signer.generate(ORIGIN)
    for notes in (CHAIN[::-1], [CHAIN[0], hand_over(checkpoint(30), THIRD, fourth)]):
        with pytest.raises(NoteError, match="does not go on"):
            LogKeys(FIRST.verifier, notes)
    back = hand_over(checkpoint(9), SECOND, THIRD)
    with pytest.raises(NoteError, match="smaller tree"):
        LogKeys(FIRST.verifier, [CHAIN[0], back])


def test_a_handover_is_signed_by_both() -> None:
    text = Handover(checkpoint(10), FIRST.verifier, SECOND.verifier).text()
    for note in (sign(text, FIRST), sign(text, SECOND), cosign(sign(text, FIRST), THIRD)):
        with pytest.raises(NoteError, match="signed by the old key and the new one"):
            Handover.parse(note)
    with pytest.raises(NoteError, match="another one"):
        hand_over(checkpoint(10), FIRST, FIRST)


def test_every_changed_character_is_refused() -> None:
    note = CHAIN[0]
    for at in range(0, len(note), 7):
        changed = note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1 :]
        with pytest.raises(NoteError):
            LogKeys(FIRST.verifier, [changed])

"""Signed notes: what is signed opens, and nothing else does, down to the byte."""

from __future__ import annotations

from base64 import b64encode

import pytest

from kernel.note import (
    MAX_SIGNATURES,
    Checkpoint,
    NoteError,
    Signer,
    Verifier,
    cosign,
    open_checkpoint,
    open_note,
    sign,
    sign_checkpoint,
    split,
)

#: The example of Go's golang.org/x/mod/sumdb/note: a key and a note that another implementation made.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
GO_NOTE = f"{GO_TEXT}\n— PeterNeumann {GO_SIGNATURE}\n"


@pytest.fixture
def signer() -> Signer:
    return Signer.generate("market/log")


def test_a_note_made_by_go_opens_and_ours_is_the_same_bytes() -> None:
    assert open_note(GO_NOTE, [Verifier.parse(GO_VKEY)]).text == GO_TEXT
    signer = Signer.parse(GO_SKEY)
    assert str(signer.verifier) == GO_VKEY
    assert signer.secret() == GO_SKEY
    assert sign(GO_TEXT, signer) == GO_NOTE


def test_a_secret_does_not_show_by_accident(signer: Signer) -> None:
    assert signer.secret().split("+")[-1] not in repr(signer)
    assert str(signer.verifier) in repr(signer)
    with pytest.raises(NoteError) as refused:
        Signer.parse(signer.secret()[:-8])
    assert signer.secret().split("+")[-1][:10] not in str(refused.value)


def test_every_flipped_bit_of_a_note_is_refused(signer: Signer) -> None:
    note = sign_checkpoint(Checkpoint("market", 12, bytes(range(32))), signer).encode()
    for at in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[at] ^= 1 << bit
            try:
                text = changed.decode()
            except UnicodeDecodeError:
                continue
            with pytest.raises(NoteError):
                open_checkpoint(text, [signer.verifier])


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note[:-1],
        lambda note: note + "\n",
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("\n\n", "\n\n\n"),
        lambda note: note.replace("\n", "\r\n"),
        lambda note: note.replace("— ", "—  "),
        lambda note: note.replace("— ", "- "),
        lambda note: note[:-1] + " \n",
        lambda note: " " + note,
        lambda note: note + note.split("\n\n")[1],
        lambda note: note + "— other AAAA\n",
        lambda note: note.replace("=\n", "\n"),
        lambda note: "",
    ],
)
def test_a_second_spelling_of_a_note_is_refused(signer: Signer, damage: object) -> None:
    note = sign("hello\n", signer)
    with pytest.raises(NoteError):
        open_note(damage(note), [signer.verifier])  # type: ignore[operator]


def test_spare_bits_of_base64_are_refused(signer: Signer) -> None:
    text = "hello\n"
    encoded = sign(text, signer).splitlines()[2].split(" ")[2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    pads = encoded.count("=")
    assert pads, "68 bytes leave spare bits"
    last = encoded[-pads - 1]
    sibling = alphabet[alphabet.index(last) + 1]
    changed = encoded[: -pads - 1] + sibling + "=" * pads
    with pytest.raises(NoteError, match="canonical base64"):
        open_note(f"{text}\n— market/log {changed}\n", [signer.verifier])


def test_several_signatures_and_unknown_ones(signer: Signer) -> None:
    witness, stranger = Signer.generate("witness"), Signer.generate("stranger")
    note = cosign(sign("hello\n", signer), witness, stranger)
    assert [name for name, _, _ in split(note)[1]] == ["market/log", "witness", "stranger"]
    opened = open_note(note, [witness.verifier, signer.verifier])
    assert opened.signed_by == (signer.verifier, witness.verifier)
    assert opened.unknown == 1
    with pytest.raises(NoteError, match="no signature by a known key; the note is signed by market/log"):
        open_note(sign("hello\n", signer), [stranger.verifier])


def test_a_known_key_with_a_bad_signature_is_refused_beside_a_good_one(signer: Signer) -> None:
    witness = Signer.generate("witness")
    note = sign("hello\n", signer) + witness.signature_line("other\n")
    assert open_note(note, [signer.verifier]).unknown == 1
    with pytest.raises(NoteError, match="signature of witness"):
        open_note(note, [signer.verifier, witness.verifier])


def test_another_key_of_the_same_name_is_not_trusted(signer: Signer) -> None:
    impostor = Signer.generate("market/log")
    with pytest.raises(NoteError, match="no signature by a known key"):
        open_note(sign("hello\n", impostor), [signer.verifier])


@pytest.mark.parametrize("text", ["no newline", "tab\there\n", "cr\r\n", "nul\0\n", "\ud800\n"])
def test_texts_that_no_note_can_hold_are_not_signed(signer: Signer, text: str) -> None:
    with pytest.raises(NoteError):
        sign(text, signer)


def test_bounds(signer: Signer) -> None:
    line = signer.signature_line("hello\n")
    with pytest.raises(NoteError, match="at most"):
        split("hello\n\n" + line * (MAX_SIGNATURES + 1))
    with pytest.raises(NoteError, match="characters"):
        split("x" * 300_000)
    with pytest.raises(NoteError, match="needs a signature"):
        sign("hello\n")


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("PeterNeumann", "Peter Neumann"),
        GO_VKEY.replace("PeterNeumann", "PeterNewmann"),
        GO_VKEY[:-4],
        GO_VKEY + "\n",
        "n+00000000+" + b64encode(b"\x02" + bytes(32)).decode(),
        GO_VKEY.upper(),
    ],
)
def test_bad_keys_are_refused(vkey: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(vkey)


@pytest.mark.parametrize("name", ["", "two words", "plus+plus"])
def test_names_that_no_key_can_have(name: str) -> None:
    with pytest.raises(NoteError):
        Signer.generate(name)


ROOT = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize(
    "text",
    [
        f"market\n1\n{ROOT}\nextension\n",
        f"market\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"market\n01\n{ROOT}\n",
        f"market\n-1\n{ROOT}\n",
        f"market\n+1\n{ROOT}\n",
        f"market\n１\n{ROOT}\n",
        f"market\n9223372036854775808\n{ROOT}\n",
        "market\n1\nAAAA\n",
        f"market\n1\n{ROOT[:-2]}B=\n",
        f"market\n1\n {ROOT}\n",
    ],
)
def test_checkpoints_have_one_form(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_checkpoint_round_trip_and_origin(signer: Signer) -> None:
    checkpoint = Checkpoint("market.example/log", 2**63 - 1, bytes(32))
    assert Checkpoint.parse(checkpoint.text()) == checkpoint
    note = sign_checkpoint(checkpoint, signer)
    assert open_checkpoint(note, [signer.verifier], "market.example/log") == checkpoint
    with pytest.raises(NoteError, match="not of 'elsewhere'"):
        open_checkpoint(note, [signer.verifier], "elsewhere")
    for impossible in (Checkpoint("a\nb", 0, bytes(32)), Checkpoint("a", -1, bytes(32)), Checkpoint("a", 0, b"")):
        with pytest.raises(NoteError):
            sign_checkpoint(impossible, signer)

"""Two of three: any two open, no one alone can, and nothing can be changed or moved unseen."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.public import PublicKey, SealedBox

from kernel.sealing import (
    MAX_PLAINTEXT_BYTES,
    PAIRS,
    STEP_BYTES,
    Keeper,
    Sealed,
    SealError,
    check_key,
    commit,
    generate_keypair,
    new_key,
    open_inner,
    open_outer,
    seal,
    to_base64,
    unseal,
)

KEEPERS = [generate_keypair() for _ in range(3)]
PUBLIC = [pair.public for pair in KEEPERS]
PLACE = b"competition 7, provider 3, version 1"
TEXT = "Цена 398 000 ₽".encode()


def open_by(outer: Keeper, inner: Keeper, sealed: Sealed, associated: bytes = PLACE) -> bytes:
    layer = open_outer(KEEPERS[outer - 1].private, sealed.wrap(outer, inner))
    return unseal(open_inner(KEEPERS[inner - 1].private, layer), sealed, associated)


def code(call: Any, *arguments: Any) -> str:
    with pytest.raises(SealError) as error:
        call(*arguments)
    return error.value.refusal.code


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
@settings(max_examples=15, deadline=None)
@given(text=st.binary(max_size=MAX_PLAINTEXT_BYTES), place=st.binary(max_size=200))
def test_any_two_open(outer: Keeper, inner: Keeper, text: bytes, place: bytes) -> None:
    sealed = Sealed.from_dict(json.loads(json.dumps(seal(text, place, PUBLIC).to_dict())))
    assert open_by(outer, inner, sealed, place) == text


@pytest.mark.parametrize("alone", [1, 2, 3])
def test_no_one_alone_opens(alone: Keeper) -> None:
    """Whatever layers one keeper takes off, in any order and as often as it likes, K does not come out."""
    sealed = seal(TEXT, PLACE, PUBLIC)
    private = KEEPERS[alone - 1].private
    for outer, inner in PAIRS:
        wrap = sealed.wrap(outer, inner)
        if outer != alone:
            assert code(open_outer, private, wrap) == "wrong_key"
            continue
        layer = open_outer(private, wrap)
        assert code(open_inner, private, layer) == "wrong_key"
    stranger = generate_keypair().private
    assert {code(open_outer, stranger, sealed.wrap(*pair)) for pair in PAIRS} == {"wrong_key"}


def test_equal_keepers_are_refused_because_one_could_open_alone() -> None:
    assert code(seal, TEXT, PLACE, [PUBLIC[0], PUBLIC[0], PUBLIC[2]]) == "bad_encoding"
    assert code(seal, TEXT, PLACE, PUBLIC[:2]) == "bad_encoding"
    assert code(seal, TEXT, PLACE, [*PUBLIC[:2], b"short"]) == "bad_encoding"
    assert code(seal, TEXT, PLACE, [*PUBLIC[:2], bytes(32)]) == "bad_encoding"


def changed(text: str, position: int) -> str:
    data = bytearray(base64.b64decode(text))
    data[position % len(data)] ^= 1
    return to_base64(bytes(data))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["commitment", "nonce", "ciphertext"]), st.integers(0, 10_000))
def test_a_change_in_what_is_shared_stops_every_pair(field: str, position: int) -> None:
    form = seal(TEXT, PLACE, PUBLIC).to_dict()
    form[field] = changed(form[field], position)
    sealed = Sealed.from_dict(form)
    codes = {code(open_by, outer, inner, sealed) for outer, inner in PAIRS}
    assert codes == {"wrong_commitment" if field == "commitment" else "tampered"}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PAIRS), st.integers(0, 10_000))
def test_a_change_in_a_wrap_stops_that_pair_and_no_other(pair: tuple[Keeper, Keeper], position: int) -> None:
    form = seal(TEXT, PLACE, PUBLIC).to_dict()
    name = f"wrap_{pair[0]}{pair[1]}"
    form[name] = changed(form[name], position)
    sealed = Sealed.from_dict(form)
    for outer, inner in PAIRS:
        if (outer, inner) == pair:
            assert code(open_by, outer, inner, sealed) == "wrong_key"
        else:
            assert open_by(outer, inner, sealed) == TEXT


def test_shown_in_another_place_it_does_not_open() -> None:
    sealed = seal(TEXT, PLACE, PUBLIC)
    assert code(open_by, 1, 2, sealed, b"competition 8, provider 3, version 1") == "wrong_commitment"
    # Even with a commitment made anew for the other place, the cipher itself is bound to the first.
    key = open_inner(KEEPERS[1].private, open_outer(KEEPERS[0].private, sealed.wrap_12))
    moved = sealed.model_copy(update={"commitment": to_base64(commit(key, b"elsewhere"))})
    assert code(unseal, key, moved, b"elsewhere") == "tampered"


def test_a_lying_pair_box_is_found_by_the_commitment() -> None:
    """A bidder who gives the pairs different keys could choose later which text is opened."""
    lie = new_key()
    box_1, box_3 = (SealedBox(PublicKey(PUBLIC[index])) for index in (0, 2))
    sealed = seal(TEXT, PLACE, PUBLIC).model_copy(update={"wrap_13": to_base64(box_1.encrypt(box_3.encrypt(lie)))})
    got = open_inner(KEEPERS[2].private, open_outer(KEEPERS[0].private, sealed.wrap_13))
    assert got == lie
    assert code(check_key, got, PLACE, sealed.commitment) == "wrong_commitment"
    assert code(open_by, 1, 3, sealed) == "wrong_commitment"
    assert open_by(1, 2, sealed) == open_by(2, 3, sealed) == TEXT


def test_lengths_within_a_step_look_equal() -> None:
    def length(size: int) -> int:
        return len(json.dumps(seal(b"x" * size, PLACE, PUBLIC).to_dict()))

    assert length(0) == length(1) == length(STEP_BYTES - 1)
    assert length(STEP_BYTES) == length(2 * STEP_BYTES - 1) > length(STEP_BYTES - 1)
    assert length(MAX_PLAINTEXT_BYTES) < 40_000  # an entry of the log holds 60,000 bytes


def test_sealing_twice_shows_nothing_in_common() -> None:
    first, second = seal(TEXT, PLACE, PUBLIC).to_dict(), seal(TEXT, PLACE, PUBLIC).to_dict()
    assert {name for name in first if first[name] == second[name]} == {"scheme"}


def test_own_key_is_the_fallback_and_serves_several_texts() -> None:
    key = new_key()
    form, annex = seal(TEXT, PLACE, PUBLIC, key), seal(b"annex", PLACE + b" annex 1", PUBLIC, key)
    assert unseal(key, form, PLACE) == TEXT
    assert unseal(key, annex, PLACE + b" annex 1") == b"annex"
    assert form.nonce != annex.nonce
    assert code(unseal, new_key(), form, PLACE) == "wrong_commitment"


def test_too_large_is_refused_before_anything_is_done() -> None:
    seal(b"x" * MAX_PLAINTEXT_BYTES, PLACE, PUBLIC)
    assert code(seal, b"x" * (MAX_PLAINTEXT_BYTES + 1), PLACE, PUBLIC) == "too_large"


@pytest.mark.parametrize("bad", [b"", b"x" * 31, b"x" * 33])
def test_keys_of_a_wrong_length_are_refused(bad: bytes) -> None:
    assert code(seal, TEXT, PLACE, PUBLIC, bad) == "bad_encoding"
    assert code(open_outer, bad, seal(TEXT, PLACE, PUBLIC).wrap_12) == "bad_encoding"


FORM = seal(TEXT, PLACE, PUBLIC).to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"scheme": "two-of-three-v2"},
        {"surprise": ""},
        {"nonce": FORM["nonce"][:-4]},
        {"nonce": 5},
        {"nonce": FORM["nonce"] + "\n"},
        {"commitment": "é" * 44},
        {"commitment": FORM["commitment"][:-2] + chr(ord(FORM["commitment"][-2]) + 1) + "="},
        {"wrap_12": "AAAA"},
        {"ciphertext": to_base64(b"x" * 5000)},
        {"ciphertext": to_base64(b"x" * 16)},
        {"ciphertext": to_base64(b"x" * (8 * STEP_BYTES + 16))},
    ],
)
def test_the_written_form_is_strict(change: dict[str, Any]) -> None:
    assert code(Sealed.from_dict, {**FORM, **change}) == "bad_encoding"


@pytest.mark.parametrize("missing", sorted(FORM))
def test_every_field_is_needed(missing: str) -> None:
    assert code(Sealed.from_dict, {name: FORM[name] for name in FORM if name != missing}) == "bad_encoding"


def test_wraps_are_named_by_their_keepers_in_order() -> None:
    sealed = Sealed.from_dict(FORM)
    assert [sealed.wrap(*pair) for pair in PAIRS] == [FORM["wrap_12"], FORM["wrap_13"], FORM["wrap_23"]]
    assert list(PAIRS) == list(itertools.combinations((1, 2, 3), 2))


def test_a_private_key_is_not_printed() -> None:
    pair = generate_keypair()
    assert pair.private.hex() not in repr(pair)
    assert repr(pair.private) not in repr(pair)

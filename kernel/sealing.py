"""Two of three: a sealed text that any two keepers of keys open together, and no one of them alone.

Guarantees:
* The text is encrypted once under a random 32-byte key K (XChaCha20-Poly1305, draft-irtf-cfrg-xchacha) and bound to
  `associated` bytes: the same box shown in another place does not open.
* K is wrapped for the pairs (1, 2), (1, 3), (2, 3) as SealedBox_i(SealedBox_j(K)): i takes off the outer layer, j the
  inner one. There is no dealer who ever holds a private key of the three.
* `commitment` = SHA-256("kc\\0" ‖ associated ‖ K) fixes K before anything is opened. The cipher alone does not (two
  keys can be made to open one ciphertext), and a pair box may lie; every K is checked against it first.
* The length is hidden within steps of 4 KiB (ISO/IEC 7816-4 padding, as libsodium's `sodium_pad`).
* The written form is strict: base64 in its one canonical spelling, exact lengths, no unknown field.

Several texts (a form and its attachments) may be sealed under one K: pass `key`, and give each its own `associated`.
Random bytes come from libsodium; nothing here can be seeded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    sodium_pad,
    sodium_unpad,
)
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.utils import random as random_bytes
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kernel.refusal import Refusal, Refused

KEY_BYTES = 32
STEP_BYTES = 4_096
MAX_PLAINTEXT_BYTES = 24 * 1024

_TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES
_NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_BOX_BYTES = 48  # what a sealed box adds: an ephemeral public key and a tag
_INNER_BYTES = KEY_BYTES + _BOX_BYTES
_WRAP_BYTES = _INNER_BYTES + _BOX_BYTES
_MAX_CIPHERTEXT_BYTES = MAX_PLAINTEXT_BYTES + STEP_BYTES + _TAG_BYTES
_COMMITMENT_LABEL = b"kc\0"

Keeper = Literal[1, 2, 3]
PAIRS: tuple[tuple[Keeper, Keeper], ...] = ((1, 2), (1, 3), (2, 3))
"""Who opens the outer and who the inner layer of each wrap, in the order of the wraps."""

WRONG_KEY = Refusal(
    "wrong_key",
    "Этот ключ не открывает этот слой.",
    "This key does not open this layer.",
    kind="invalid",
)
WRONG_COMMITMENT = Refusal(
    "wrong_commitment",
    "Раскрытый ключ не тот, который был закреплён при запечатывании.",
    "The opened key is not the one that was fixed when the text was sealed.",
    kind="invalid",
)
TAMPERED = Refusal(
    "tampered",
    "Запечатанный текст изменён или относится к другому месту.",
    "The sealed text was changed or belongs to another place.",
    kind="invalid",
)
TOO_LARGE = Refusal(
    "too_large",
    "Текст в {bytes} байт больше предела в {limit}.",
    "The text of {bytes} bytes is above the limit of {limit}.",
    kind="invalid",
)
BAD_ENCODING = Refusal(
    "bad_encoding",
    "Запечатанная форма записана неверно: {problem}.",
    "The sealed form is malformed: {problem}.",
    kind="invalid",
)


class SealError(Refused):
    """`refusal.code` is wrong_key, wrong_commitment, tampered, too_large or bad_encoding."""


# ------------------------------------------------------------------------------------------------------ written form


def to_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """The bytes of canonical base64; `SealError` bad_encoding for any other spelling."""
    try:
        return _decode(text)
    except ValueError as wrong:
        raise SealError(BAD_ENCODING.having(problem=str(wrong))) from wrong


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise ValueError("not base64") from wrong
    # One value, one spelling: otherwise the same box could be stored under two hashes.
    if to_base64(data) != text:
        raise ValueError("not the canonical base64")
    return data


def _of_length(length: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if len(_decode(text)) != length:
            raise ValueError(f"must be {length} bytes")
        return text

    return check


def _of_steps(text: str) -> str:
    padded = len(_decode(text)) - _TAG_BYTES
    if padded < STEP_BYTES or padded % STEP_BYTES:
        raise ValueError(f"must be steps of {STEP_BYTES} bytes and a tag of {_TAG_BYTES}")
    return text


_Commitment = Annotated[str, Field(max_length=44), AfterValidator(_of_length(hashlib.sha256().digest_size))]
_Nonce = Annotated[str, Field(max_length=32), AfterValidator(_of_length(_NONCE_BYTES))]
_Wrap = Annotated[str, Field(max_length=172), AfterValidator(_of_length(_WRAP_BYTES))]
_Ciphertext = Annotated[str, Field(max_length=4 * -(-_MAX_CIPHERTEXT_BYTES // 3)), AfterValidator(_of_steps)]


class Sealed(BaseModel):
    """The sealed form, ready for JSON: every field base64; `wraps` in the order of `PAIRS`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    scheme: Literal["two-of-three-v1"] = "two-of-three-v1"
    commitment: _Commitment
    nonce: _Nonce
    ciphertext: _Ciphertext
    wrap_12: _Wrap
    wrap_13: _Wrap
    wrap_23: _Wrap

    def to_dict(self) -> dict[str, str]:
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> Sealed:
        """Strict: exactly the fields above. Raises `SealError` bad_encoding and names the field."""
        try:
            if "scheme" not in form:
                raise SealError(BAD_ENCODING.having(problem="scheme: missing"))
            return cls.model_validate(dict(form))
        except ValidationError as wrong:
            first = wrong.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise SealError(BAD_ENCODING.having(problem=f"{place}: {first['msg']}")) from wrong

    def wrap(self, outer: Keeper, inner: Keeper) -> str:
        """The wrap that keeper `outer` opens first and keeper `inner` second; `outer` < `inner`."""
        wraps = dict(zip(PAIRS, (self.wrap_12, self.wrap_13, self.wrap_23), strict=True))
        return wraps[outer, inner]


# ----------------------------------------------------------------------------------------------------------- sealing


@dataclass(frozen=True)
class KeyPair:
    """An X25519 key pair, 32 raw bytes each. `private` never appears in a repr."""

    private: bytes
    public: bytes

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public.hex()})"


def generate_keypair() -> KeyPair:
    """A new pair from the machine's random source."""
    private = PrivateKey.generate()
    return KeyPair(bytes(private), bytes(private.public_key))


def new_key() -> bytes:
    """A random K (32 bytes), for whoever seals several texts under one key or keeps K as a fallback."""
    return random_bytes(KEY_BYTES)


def commit(key: bytes, associated: bytes) -> bytes:
    """SHA-256("kc\\0" ‖ associated ‖ K); K has a fixed length, so the parts can't be shifted."""
    return hashlib.sha256(_COMMITMENT_LABEL + associated + _whole_key(key)).digest()


def seal(plaintext: bytes, associated: bytes, public_keys: Sequence[bytes], key: bytes | None = None) -> Sealed:
    """Seal `plaintext` (≤ 24 KiB) for three keepers (their public keys in order), bound to `associated`.

    `key` is K when the caller has one already (`new_key`), else a fresh one that nobody keeps.
    Raises `SealError` too_large, or bad_encoding when the keys are not three different keys of 32 bytes.
    """
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise SealError(TOO_LARGE.having(bytes=len(plaintext), limit=MAX_PLAINTEXT_BYTES))
    # Two equal keys would let one keeper open alone.
    if len(public_keys) != 3 or len(set(public_keys)) != 3 or any(len(k) != KEY_BYTES for k in public_keys):
        raise SealError(BAD_ENCODING.having(problem=f"public_keys: three different keys of {KEY_BYTES} bytes"))
    secret = new_key() if key is None else _whole_key(key)
    nonce = random_bytes(_NONCE_BYTES)
    padded = sodium_pad(plaintext, STEP_BYTES)
    ciphertext = crypto_aead_xchacha20poly1305_ietf_encrypt(padded, associated, nonce, secret)
    wraps = _wraps(secret, public_keys)
    return Sealed(
        commitment=to_base64(commit(secret, associated)),
        nonce=to_base64(nonce),
        ciphertext=to_base64(ciphertext),
        wrap_12=to_base64(wraps[0]),
        wrap_13=to_base64(wraps[1]),
        wrap_23=to_base64(wraps[2]),
    )


def _wraps(secret: bytes, public_keys: Sequence[bytes]) -> list[bytes]:
    boxes = [SealedBox(PublicKey(public)) for public in public_keys]
    try:
        return [boxes[outer - 1].encrypt(boxes[inner - 1].encrypt(secret)) for outer, inner in PAIRS]
    except CryptoError as weak:  # a point of low order: no key of any keeper
        raise SealError(BAD_ENCODING.having(problem="public_keys: not a key")) from weak


# ----------------------------------------------------------------------------------------------------------- opening


def open_outer(private: bytes, wrap: str) -> str:
    """The first keeper's part: the inner box (base64) of a wrap (base64). `SealError` wrong_key, bad_encoding."""
    return to_base64(_open_box(private, wrap, _WRAP_BYTES))


def open_inner(private: bytes, inner: str) -> bytes:
    """The second keeper's part: K out of the inner box (base64). Believe it only after `check_key`."""
    return _open_box(private, inner, _INNER_BYTES)


def _open_box(private: bytes, box: str, length: int) -> bytes:
    data = from_base64(box)
    if len(data) != length:
        raise SealError(BAD_ENCODING.having(problem=f"box: must be {length} bytes"))
    try:
        return SealedBox(PrivateKey(_whole_key(private))).decrypt(data)
    except CryptoError as wrong:
        # A sealed box can't tell a wrong key from changed bytes, so neither can this code.
        raise SealError(WRONG_KEY) from wrong


def check_key(key: bytes, associated: bytes, commitment: str) -> None:
    """Raise `SealError` wrong_commitment unless K is the key that `commitment` (base64) fixed."""
    if not hmac.compare_digest(commit(key, associated), from_base64(commitment)):
        raise SealError(WRONG_COMMITMENT)


def unseal(key: bytes, sealed: Sealed, associated: bytes) -> bytes:
    """The plaintext. Checks the commitment first; `SealError` wrong_commitment or tampered."""
    check_key(key, associated, sealed.commitment)
    try:
        padded = crypto_aead_xchacha20poly1305_ietf_decrypt(
            from_base64(sealed.ciphertext), associated, from_base64(sealed.nonce), key
        )
        plaintext: bytes = sodium_unpad(padded, STEP_BYTES)
    except CryptoError as wrong:
        raise SealError(TAMPERED) from wrong
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise SealError(TOO_LARGE.having(bytes=len(plaintext), limit=MAX_PLAINTEXT_BYTES))
    return plaintext


def _whole_key(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise SealError(BAD_ENCODING.having(problem=f"key: must be {KEY_BYTES} bytes"))
    return key

"""Signed notes and checkpoints, so that outside tools can verify what the market signs.

Formats: C2SP signed-note (a text, a blank line, `— name base64` signature lines) and C2SP tlog-checkpoint without
extension lines (origin, size, base64 root). Signatures are Ed25519, type 0x01; keys are written as Go's
`x/mod/sumdb/note` writes them: `name+hash+base64` to verify, `PRIVATE+KEY+name+hash+base64` to sign.

Reading is strict: one spelling per value (canonical base64, exact newlines, no leading zeros), so there are no two
notes that say the same, and a changed byte in a text or in a known key's signature is refused. Signatures by unknown
keys (witnesses that the reader doesn't know) are passed over, as the format demands.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
KEY_SIZE = ROOT_SIZE = 32
_SIGNATURE_SIZE = 64
#: Bounds of Go's reader: a note that it would refuse isn't made here.
MAX_NOTE_CHARACTERS = 250_000
MAX_SIGNATURES = 100
MAX_SIZE = 2**63 - 1

_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_KEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteError(ValueError):
    """A note, checkpoint or key that can't be accepted; the text says why."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name: what one publishes, and what one trusts."""

    name: str
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read `name+hash+base64`. Raises NoteError."""
        name, key = _parse_key(vkey, "verifier key")
        verifier = cls(name, key)
        if str(verifier) != vkey:
            raise NoteError(f"the hash in the verifier key of {name} is not the key's")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The four bytes before each signature: SHA-256(name, newline, 0x01, key)[:4]."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    def accepts(self, text: str, signature: bytes) -> bool:
        """Whether these 64 bytes are this key's signature of `text`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.public_key).decode()}"


class Signer:
    """A private key with its name. Its text form is a secret; `repr` shows the public one."""

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        if not name or re.search(r"[\s+]", name):
            raise NoteError(f"a key's name has no space and no plus: {name!r}")
        self._key = key
        self.verifier = Verifier(name, key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Signer:
        """A new key from the system's randomness."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, skey: str) -> Signer:
        """Read `PRIVATE+KEY+name+hash+base64`. Raises NoteError, which never repeats the key."""
        if not skey.startswith("PRIVATE+KEY+"):
            raise NoteError("a signer key begins with PRIVATE+KEY+")
        name, seed = _parse_key(skey.removeprefix("PRIVATE+KEY+"), "signer key")
        signer = cls(name, Ed25519PrivateKey.from_private_bytes(seed))
        if signer.secret() != skey:
            raise NoteError(f"the hash in the signer key of {name} is not the key's")
        return signer

    def secret(self) -> str:
        """The signer key's text, `PRIVATE+KEY+name+hash+base64`: keep it where only the signer reads."""
        seed = b64encode(_ED25519 + self._key.private_bytes_raw()).decode()
        return f"PRIVATE+KEY+{self.verifier.name}+{self.verifier.key_id.hex()}+{seed}"

    def signature_line(self, text: str) -> str:
        """`— name base64` and a newline."""
        signed = b64encode(self.verifier.key_id + self._key.sign(text.encode())).decode()
        return f"— {self.verifier.name} {signed}\n"

    def __repr__(self) -> str:
        return f"Signer({self.verifier})"


@dataclass(frozen=True, slots=True)
class Note:
    """An opened note: its text, who of the known keys signed it, and how many lines came from unknown ones."""

    text: str
    signed_by: tuple[Verifier, ...]
    unknown: int


def sign(text: str, *signers: Signer) -> str:
    """The note: `text`, a blank line, a signature line per signer. Raises NoteError for a text no note can hold."""
    _check_text(text)
    if not signers:
        raise NoteError("a note needs a signature")
    return text + "\n" + "".join(signer.signature_line(text) for signer in signers)


def cosign(note: str, *signers: Signer) -> str:
    """The same note with further signatures behind those it has."""
    text, _ = split(note)
    return note + "".join(signer.signature_line(text) for signer in signers)


def split(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Take a note apart without verifying: text, and (name, key id, signature) per line. Raises NoteError."""
    if len(note) > MAX_NOTE_CHARACTERS:
        raise NoteError(f"a note has at most {MAX_NOTE_CHARACTERS} characters")
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NoteError("a note is a text, a blank line and signature lines, each with its newline")
    text += "\n"
    _check_text(text)
    signatures = [_parse_signature(line) for line in lines[:-1].split("\n")]
    if len(signatures) > MAX_SIGNATURES:
        raise NoteError(f"a note has at most {MAX_SIGNATURES} signatures")
    return text, signatures


def open_note(note: str, known: Iterable[Verifier]) -> Note:
    """Verify `note` by the `known` keys. Raises NoteError when none of them signed, or when one's signature is bad."""
    text, signatures = split(note)
    keys = {(verifier.name, verifier.key_id): verifier for verifier in known}
    signed_by: list[Verifier] = []
    unknown = 0
    for name, key_id, signature in signatures:
        verifier = keys.get((name, key_id))
        if verifier is None:
            unknown += 1
            continue
        if len(signature) != _SIGNATURE_SIZE or not verifier.accepts(text, signature):
            raise NoteError(f"the signature of {name} is not of this text")
        if verifier in signed_by:
            raise NoteError(f"{name} signed twice")
        signed_by.append(verifier)
    if not signed_by:
        names = ", ".join(name for name, _, _ in signatures)
        raise NoteError(f"no signature by a known key; the note is signed by {names}")
    return Note(text, tuple(signed_by), unknown)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: its origin, its number of leaves, the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed. Raises NoteError for values that no checkpoint can hold."""
        if not self.origin or "\n" in self.origin:
            raise NoteError(f"a checkpoint's origin is one line: {self.origin!r}")
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != ROOT_SIZE:
            raise NoteError(f"a checkpoint has a size below 2^63 and a root of {ROOT_SIZE} bytes")
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the three lines; extension lines are refused. Raises NoteError."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise NoteError("a checkpoint is origin, size and root, a line each, and nothing else")
        if not _SIZE.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE:
            raise NoteError(f"the checkpoint's size is not a number: {lines[1]!r}")
        root = _canonical_base64(lines[2], "the checkpoint's root")
        if len(root) != ROOT_SIZE:
            raise NoteError(f"the checkpoint's root has {len(root)} bytes instead of {ROOT_SIZE}")
        return cls(lines[0], int(lines[1]), root)


def sign_checkpoint(checkpoint: Checkpoint, *signers: Signer) -> str:
    """The checkpoint as a signed note."""
    return sign(checkpoint.text(), *signers)


def open_checkpoint(note: str, known: Iterable[Verifier], origin: str | None = None) -> Checkpoint:
    """Verify a signed checkpoint (and that it is `origin`'s, where given). Raises NoteError."""
    checkpoint = Checkpoint.parse(open_note(note, known).text)
    if origin is not None and checkpoint.origin != origin:
        raise NoteError(f"the checkpoint is of {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("a note's text ends with a newline")
    if _FORBIDDEN.search(text):
        raise NoteError("a note's text has no control characters but newlines")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NoteError("a note's text is valid UTF-8") from None


def _parse_signature(line: str) -> tuple[str, bytes, bytes]:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise NoteError(f"not a signature line: {line[:80]!r}")
    raw = _canonical_base64(match[2], f"the signature of {match[1]}")
    if len(raw) < 5:
        raise NoteError(f"the signature of {match[1]} is too short")
    return match[1], raw[:4], raw[4:]


def _parse_key(text: str, what: str) -> tuple[str, bytes]:
    match = _KEY.fullmatch(text)
    if match is None:
        raise NoteError(f"a {what} is name+hash+base64")
    raw = _canonical_base64(match[3], f"the {what} of {match[1]}")
    if raw[:1] != _ED25519 or len(raw) != 1 + KEY_SIZE:
        raise NoteError(f"the {what} of {match[1]} is not an Ed25519 key")
    return match[1], raw[1:]


def _canonical_base64(text: str, what: str) -> bytes:
    """Decode, refusing a second spelling of the same bytes (spare bits, missing padding)."""
    try:
        raw = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise NoteError(f"{what} is not base64") from None
    if b64encode(raw).decode() != text:
        raise NoteError(f"{what} is not canonical base64")
    return raw

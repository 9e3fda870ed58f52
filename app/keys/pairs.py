"""Changing a pair that signs: tokens, stamps, receipts.

What a service's old key signed stays signed: its public half is kept among the retired ones, so that receipts can still
be completed. Tokens and stamps of the old key are nobody's any more, which is what one wants after a theft.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.keys.files import begun, ended, write
from kernel.failpoints import failpoint
from kernel.identity import SigningKey
from kernel.keys import RETIRED

RECEIPTS = "service-"


def rotate_pair(path: Path) -> None:
    """A new pair in the place of the one whose private half is `path`."""
    public = path.with_suffix(".pub")
    like = public if public.exists() else path
    new = begun(path, lambda: Ed25519PrivateKey.generate().private_bytes_raw())
    failpoint("keys.begun")
    if path.name.startswith(RECEIPTS):
        _retire(path, like)
    write(public, Ed25519PrivateKey.from_private_bytes(new).public_key().public_bytes_raw(), like)
    failpoint("keys.done")
    ended(path)


def _retire(path: Path, like: Path) -> None:
    old = SigningKey.at(path).public
    retired = path.with_name(path.stem + RETIRED)
    known = retired.read_bytes() if retired.exists() else b""
    if old not in [known[at : at + 32] for at in range(0, len(known), 32)]:
        write(retired, old + known, like)

"""A receipt: what its holder can show when the market denies having received something.

At once it is a signed note over the SHA-256 of the event's bytes. Later it is completed with the sealed entry, its
place in the Merkle tree, the proof and a signed checkpoint; then it proves that the event stands in the log, whoever
signed the first half. As a file it is one JSON object:

    {"format":"market-receipt-1","source":…,"event_id":…,"eventhash":hex,"receivedat":…,"signature":note,"key":vkey,
     "entry":text,"leafindex":n,"proof":[base64…],"checkpoint":note,"logkey":vkey}     (the second line once completed)

`verify` believes nothing that the file says of itself: every member is checked against a signature or a hash.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kernel import canonical, chain, merkle
from kernel.note import Checkpoint, NoteError, Signer, Verifier, open_checkpoint, open_note, sign

if TYPE_CHECKING:
    from kernel.identity import SigningKey

FORMAT = "market-receipt-1"
_TITLE = "market receipt"
_FIRST_HALF = ("format", "source", "event_id", "eventhash", "receivedat", "signature", "key")
_SECOND_HALF = ("entry", "leafindex", "proof", "checkpoint", "logkey")


class ReceiptError(ValueError):
    """A receipt that proves nothing: `member` of the file that fails, and `what` is wrong with it."""

    def __init__(self, member: str, what: str) -> None:
        super().__init__(f"{member}: {what}")
        self.member = member
        self.what = what


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """What a verified receipt proves. `checkpoint` is None while it is not completed."""

    source: str
    event_id: str
    eventhash: str
    receivedat: str
    key: Verifier
    trusted: bool
    sealedat: str | None = None
    sequence: int | None = None
    leafindex: int | None = None
    checkpoint: Checkpoint | None = None
    logkey: Verifier | None = None


def make_receipt_note(
    source: str, event_id: str, event: bytes, receivedat: str, signer_name: str, key: SigningKey
) -> str:
    """The signed note that is given out at once, over the SHA-256 of the event's canonical bytes.

    `source` is the service, `receivedat` the instant in the form of `kernel.instants`, `signer_name` the name
    under which `key` is published. Raises NoteError for a text that no note can hold.
    """
    return sign(_text(source, event_id, sha256(event).hexdigest(), receivedat), Signer(signer_name, key.private))


def receipt_from_note(note: str, key: Verifier) -> dict[str, Any]:
    """The receipt file's object for a note that `key` signed. Raises ReceiptError."""
    lines = _opened(note, key, "signature").split("\n")
    if len(lines) != 6 or lines[0] != _TITLE:
        raise ReceiptError("signature", "the note is not a receipt")
    _, source, event_id, eventhash, receivedat, _ = lines
    return {
        "format": FORMAT,
        "source": source,
        "event_id": event_id,
        "eventhash": eventhash,
        "receivedat": receivedat,
        "signature": note,
        "key": str(key),
    }


def complete(
    receipt: Mapping[str, Any],
    entry: bytes,
    leafindex: int,
    proof: Sequence[bytes],
    checkpoint: str,
    logkey: Verifier,
) -> dict[str, Any]:
    """The receipt with its place in the log. Raises ReceiptError unless the result verifies under `logkey`."""
    completed = {member: receipt[member] for member in _FIRST_HALF} | {
        "entry": entry.decode(),
        "leafindex": leafindex,
        "proof": [b64encode(value).decode() for value in proof],
        "checkpoint": checkpoint,
        "logkey": str(logkey),
    }
    verify(completed, (logkey,))
    return completed


def verify(receipt: Mapping[str, Any], trusted: Sequence[Verifier] | None = None) -> ReceiptReport:
    """Check all that `receipt` says. Raises ReceiptError naming the member that fails.

    With `trusted` keys the first half must be signed by one of them; a completed receipt may instead rest on its
    checkpoint, which must be: what a trusted tree holds needs no other witness. Without, the report's `trusted` is
    False: consistent with itself, and the keys are to be compared with the published ones.
    """
    _check_members(receipt)
    key = _verifier(receipt, "key")
    text = _text(receipt["source"], receipt["event_id"], receipt["eventhash"], receipt["receivedat"])
    if _opened(receipt["signature"], key, "signature") != text:
        raise ReceiptError("signature", "the signed note says something else than the receipt")
    report = ReceiptReport(
        receipt["source"],
        receipt["event_id"],
        receipt["eventhash"],
        receipt["receivedat"],
        key,
        trusted is not None,
    )
    if "entry" not in receipt:
        if trusted is not None and key not in trusted:
            raise ReceiptError("key", f"signed by {key}, which is not the trusted key")
        return report
    logkey = _verifier(receipt, "logkey")
    if trusted is not None and logkey not in trusted:
        raise ReceiptError("logkey", f"the checkpoint is signed by {logkey}, which is not the trusted key")
    return _verify_completion(receipt, report, logkey)


def _verify_completion(receipt: Mapping[str, Any], report: ReceiptReport, logkey: Verifier) -> ReceiptReport:
    try:
        entry = receipt["entry"].encode()
        parts = chain.take_apart(entry)
        event = canonical.loads_canonical(parts.event)
    except ValueError as error:
        raise ReceiptError("entry", str(error)) from None
    if sha256(parts.event).hexdigest() != report.eventhash:
        raise ReceiptError("entry", "the entry holds another event than the one received")
    _compare_event(event, report)
    try:
        checkpoint = open_checkpoint(receipt["checkpoint"], [logkey])
    except NoteError as error:
        raise ReceiptError("checkpoint", str(error)) from None
    try:
        proof = [_base64(value) for value in receipt["proof"]]
        leaf = merkle.leaf_hash(entry)
        merkle.verify_inclusion(receipt["leafindex"], checkpoint.size, leaf, proof, checkpoint.root)
    except merkle.ProofError as error:
        raise ReceiptError("proof", str(error)) from None
    return ReceiptReport(
        report.source,
        report.event_id,
        report.eventhash,
        report.receivedat,
        report.key,
        report.trusted,
        parts.sealedat,
        parts.sequence,
        receipt["leafindex"],
        checkpoint,
        logkey,
    )


def _compare_event(event: Any, report: ReceiptReport) -> None:
    """The event says of itself what the receipt says of it (events of the market's own making aren't received)."""
    if not isinstance(event, dict) or event.get("id") != report.event_id:
        raise ReceiptError("entry", f"the event is not {report.event_id}")
    if event.get("source") not in (report.source, f"/services/{report.source}"):
        raise ReceiptError("entry", f"the event comes from {event.get('source')}, the receipt says {report.source}")
    received = event.get("receivedat", report.receivedat)
    if received != report.receivedat:
        raise ReceiptError("entry", f"the event was received at {received}, the receipt says {report.receivedat}")


def _text(source: str, event_id: str, eventhash: str, receivedat: str) -> str:
    return f"{_TITLE}\n{source}\n{event_id}\n{eventhash}\n{receivedat}\n"


def _check_members(receipt: Mapping[str, Any]) -> None:
    """The members are exactly those of one of the two forms, each of its type."""
    if receipt.get("format") != FORMAT:
        raise ReceiptError("format", f"this is not a {FORMAT}")
    expected = _FIRST_HALF + (_SECOND_HALF if set(receipt) & set(_SECOND_HALF) else ())
    for member in sorted(set(expected) ^ set(receipt)):
        raise ReceiptError(member, "is missing" if member in expected else "is not a member of a receipt")
    for member in expected:
        value = receipt[member]
        if member == "leafindex":
            fits = type(value) is int
        elif member == "proof":
            fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        else:
            fits = isinstance(value, str)
        if not fits:
            raise ReceiptError(member, "has the wrong type")
        if member in ("source", "event_id", "receivedat") and "\n" in value:
            raise ReceiptError(member, "is not one line")


def _verifier(receipt: Mapping[str, Any], member: str) -> Verifier:
    try:
        return Verifier.parse(receipt[member])
    except NoteError as error:
        raise ReceiptError(member, str(error)) from None


def _opened(note: str, key: Verifier, member: str) -> str:
    try:
        return open_note(note, [key]).text
    except NoteError as error:
        raise ReceiptError(member, str(error)) from None


def _base64(text: str) -> bytes:
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        raise merkle.ProofError(f"a hash of the proof is not base64: {text[:60]!r}") from None
    if b64encode(raw).decode() != text:
        raise merkle.ProofError(f"a hash of the proof is not canonical base64: {text[:60]!r}")
    return raw

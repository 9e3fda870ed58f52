"""A receipt checked offline by whoever holds it: what it proves, or which part of it proves nothing."""

from __future__ import annotations

import re
from pathlib import Path

from app.audit.container import VerifyError
from kernel import canonical
from kernel.note import NoteError, Verifier
from kernel.receipt import ReceiptError, ReceiptReport, verify

#: An entry at most, its proof and its notes; a larger file is no receipt.
MAX_RECEIPT_BYTES = 1 << 20


def verify_receipt(path: str | Path, trust: str | None = None) -> ReceiptReport:
    """Verify the receipt file in `path`; `trust` is one or more published verifier keys, divided by blanks.

    Which keys: the log's, for a completed receipt; for one that isn't, the key of whoever gave it. Raises
    VerifyError whose place is the file and its member.
    """
    source = Path(path)
    trusted = None if trust is None else _trusted_keys(trust)
    try:
        with source.open("rb") as file:
            data = file.read(MAX_RECEIPT_BYTES + 1)
    except OSError as error:
        raise VerifyError(str(source), error.strerror or str(error)) from None
    if len(data) > MAX_RECEIPT_BYTES:
        raise VerifyError(str(source), f"a receipt has at most {MAX_RECEIPT_BYTES} bytes")
    try:
        receipt = canonical.loads(data)
    except ValueError as error:
        raise VerifyError(str(source), f"it is not JSON: {error}") from None
    if not isinstance(receipt, dict):
        raise VerifyError(str(source), "it is not a JSON object")
    try:
        return verify(receipt, trusted)
    except ReceiptError as error:
        raise VerifyError(f"{source}, {error.member}", error.what) from None


def describe(report: ReceiptReport) -> str:
    """What a verified receipt proves, in sentences for a terminal."""
    lines = [
        f"Event {report.event_id} was received by {report.source} at {report.receivedat}, says {report.key}.",
        f"The event's SHA-256 is {report.eventhash}.",
    ]
    if report.checkpoint is None:
        lines.append("The receipt is not completed yet: it is a signed promise, not a proof of inclusion.")
    else:
        lines.append(
            f"It is entry {report.sequence} of {report.source}, sealed at {report.sealedat}, and leaf"
            f" {report.leafindex} of the tree of {report.checkpoint.size} that {report.logkey} signed."
        )
    if not report.trusted:
        lines.append("The receipt is consistent with itself; compare its keys with the published ones.")
    return "\n".join(lines)


def _trusted_keys(trust: str) -> list[Verifier]:
    try:
        keys = [Verifier.parse(key) for key in re.split(r"\s+", trust.strip())]
    except NoteError as error:
        raise VerifyError("the trusted key", str(error)) from None
    return keys

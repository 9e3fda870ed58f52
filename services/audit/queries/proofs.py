"""Proofs: checkpoints, that an entry is in the tree, that one tree continues another, and completed receipts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.keys import PublicKeys
from kernel.merkle import consistency_proof, inclusion_proof
from kernel.note import Verifier
from kernel.receipt import ReceiptError, complete, verify
from kernel.refusal import INVALID, MISSING, Refusal, Refused
from kernel.service import Surroundings, query
from services.audit.signer import log_keys, node_of

NOT_YET = Refusal(
    "not_yet_in_checkpoint",
    "Запись принята и войдёт в следующую контрольную точку через несколько секунд.",
    "The entry is accepted and will be in the next checkpoint within seconds.",
    kind="conflict",
)


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@query(Nothing)
def tree(connection: Connection, asked: Nothing, at: Surroundings) -> dict[str, Any]:
    """The latest checkpoint, how much each service has logged, and the notes by which the log's key was changed."""
    last = connection.exec_driver_sql(
        "SELECT size, root, note, at FROM checkpoint ORDER BY size DESC LIMIT 1"
    ).one_or_none()
    sources = connection.exec_driver_sql("SELECT source, sequence, sealed_at FROM chain ORDER BY source").all()
    handovers = connection.exec_driver_sql("SELECT note FROM handover ORDER BY number").scalars().all()
    return {
        "size": last[0] if last else 0,
        "root": bytes(last[1]).hex() if last else None,
        "checkpoint": last[2] if last else None,
        "signed_at": last[3].isoformat() if last else None,
        "sources": [{"source": s, "entries": n, "sealed_at": t} for s, n, t in sources],
        "handovers": list(handovers),
    }


class Checkpoints(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    cursor: str | None = Field(None, pattern=r"^[0-9]{1,18}$")
    limit: int = Field(50, ge=1, le=500)


@query(Checkpoints)
def checkpoints(connection: Connection, asked: Checkpoints, at: Surroundings) -> dict[str, Any]:
    """Signed checkpoints, oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT size, note FROM checkpoint WHERE size > %s ORDER BY size LIMIT %s",
        (int(asked.cursor or 0), asked.limit + 1),
    ).all()
    page = rows[: asked.limit]
    return {
        "items": [{"size": size, "checkpoint": note} for size, note in page],
        "next": str(page[-1][0]) if len(rows) > len(page) else None,
    }


class Inclusion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    event_id: Id | None = None
    index: int | None = Field(None, ge=0)


@query(Inclusion)
def inclusion(connection: Connection, asked: Inclusion, at: Surroundings) -> dict[str, Any]:
    """The proof that an entry stands in the tree of the latest checkpoint (RFC 6962 2.1.1), hashes in base64.

    Places and hashes are public even where the entry isn't readable yet.
    """
    index = connection.exec_driver_sql(
        'SELECT "index" FROM leaf WHERE event_id = %(event_id)s OR "index" = %(index)s LIMIT 1',
        {"event_id": asked.event_id, "index": asked.index},
    ).scalar_one_or_none()
    if index is None:
        raise Refused(MISSING.having(what="entry", id=asked.event_id or asked.index))
    size, note = _latest(connection)
    if size is None or index >= size:
        raise Refused(NOT_YET)
    proof = inclusion_proof(index, size, node_of(connection))
    return {"index": index, "size": size, "checkpoint": note, "proof": [_text(h) for h in proof]}


class Consistency(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    first: int = Field(ge=1)
    second: int = Field(ge=1)


@query(Consistency)
def consistency(connection: Connection, asked: Consistency, at: Surroundings) -> dict[str, Any]:
    """The proof that the tree of `first` leaves is the beginning of that of `second` (RFC 6962 2.1.2)."""
    size, _ = _latest(connection)
    if not asked.first <= asked.second <= (size or 0):
        raise Refused(INVALID.having(summary=f"1 ≤ first ≤ second ≤ {size or 0}"))
    proof = consistency_proof(asked.first, asked.second, node_of(connection))
    return {"first": asked.first, "second": asked.second, "proof": [_text(h) for h in proof]}


class CompleteReceipt(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    receipt: Mapping[str, Any]


@query(CompleteReceipt)
def completed_receipt(connection: Connection, asked: CompleteReceipt, at: Surroundings) -> dict[str, Any]:
    """A receipt with the place of its event in the tree. Whoever holds the signed first half may have it completed:

    it shows the entry's bytes to the one who was given its hash when it was received.
    """
    try:
        report = verify(asked.receipt)
    except ReceiptError as problem:
        raise Refused(INVALID.having(summary=str(problem))) from problem
    known = PublicKeys(at.keys).all_of(f"service-{report.source}")
    name = PublicKeys.signer_name(report.source)
    if asked.receipt["key"] not in [str(Verifier(name, key)) for key in known]:
        raise Refused(INVALID.having(summary="the receipt is not signed by this installation"))
    row = connection.exec_driver_sql(
        'SELECT "index", entry FROM leaf WHERE event_id = %s', (report.event_id,)
    ).one_or_none()
    size, note = _latest(connection)
    if row is None or size is None or row[0] >= size or note is None:
        raise Refused(NOT_YET)
    proof = inclusion_proof(row[0], size, node_of(connection))
    keys = log_keys(connection, note.split("\n", 1)[0], at.keys)
    keys.open_checkpoint(note)
    logkey = keys.of(size)
    return {"receipt": complete(asked.receipt, bytes(row[1]), row[0], proof, note, logkey)}


def _latest(connection: Connection) -> tuple[int | None, str | None]:
    row = connection.exec_driver_sql("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1").one_or_none()
    return (row[0], row[1]) if row else (None, None)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()

"""What must be proved to a custodian before it takes off a layer (DESIGN §8). It trusts no service's word.

1. The log's newest checkpoint is signed by the log's key, or by one that this key leads to (`kernel.log_keys`), and
   continues the last one that this custodian saw.
2. `BiddingClosed` of the competition is in that checkpoint's tree, and so are all parts of its list, as many lines as it
   says, and the event that set the last deadline.
3. That deadline has passed by this custodian's own clock.
4. The bid stands: in the closing's list, in the version that this custodian saw in the log, not withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from kernel.keys import PublicKeys
from kernel.log_keys import LogKeys
from kernel.merkle import (
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from kernel.note import Checkpoint, NoteError, Verifier


def missing_evidence(connection: Connection, keys: Path, competition_id: str, now: datetime) -> str:
    """What is lacking for a release, in words; "" when everything is proved."""
    row = connection.exec_driver_sql(
        "SELECT deadline, deadline_event::text, closed_event::text, standing FROM competition WHERE competition_id = %s",
        (competition_id,),
    ).one_or_none()
    if row is None:
        return "the competition is not known"
    deadline, deadline_event, closed_event, standing = row
    if closed_event is None:
        return "the closing is not in the log"
    if now < deadline:
        return f"the deadline {deadline:%Y-%m-%d %H:%M} has not passed by this custodian's clock"
    parts = connection.exec_driver_sql(
        "SELECT event_id::text, lines FROM part WHERE competition_id = %s", (competition_id,)
    ).all()
    if sum(lines for _, lines in parts) != standing:
        return "the closing's list is not whole yet"
    try:
        checkpoint = _checkpoint(connection, keys)
        if checkpoint is None:
            return "there is no checkpoint yet"
        for event_id in {closed_event, deadline_event, *(event_id for event_id, _ in parts)}:
            if not _included(connection, checkpoint, event_id):
                return "the closing is not in a checkpoint yet"
    except (NoteError, ProofError) as problem:
        return f"the log's proof fails: {problem}"
    return ""


def _node(connection: Connection) -> Callable[[int, int], bytes]:
    def node(level: int, index: int) -> bytes:
        found = connection.exec_driver_sql(
            'SELECT hash FROM audit.node WHERE level = %s AND "index" = %s', (level, index)
        ).scalar_one()
        return bytes(found)

    return node


def _checkpoint(connection: Connection, keys: Path) -> Checkpoint | None:
    """The newest checkpoint, verified against the log's key and against the one seen last, which it replaces."""
    note = connection.exec_driver_sql(
        "SELECT note FROM audit.checkpoint ORDER BY size DESC LIMIT 1"
    ).scalar_one_or_none()
    if note is None:
        return None
    origin = note.split("\n", 1)[0]
    handovers = connection.exec_driver_sql("SELECT note FROM audit.handover ORDER BY number").scalars().all()
    checkpoint = LogKeys(Verifier(origin, PublicKeys(keys).of("log")), handovers).open_checkpoint(note)
    seen: Any = connection.exec_driver_sql("SELECT size, root FROM seen_checkpoint FOR UPDATE").one_or_none()
    if seen is not None:
        size, root = seen[0], bytes(seen[1])
        if checkpoint.size < size:
            raise ProofError(f"the log shrank from {size} to {checkpoint.size} entries")
        proof = consistency_proof(size, checkpoint.size, _node(connection))
        verify_consistency(size, checkpoint.size, root, checkpoint.root, proof)
    connection.exec_driver_sql(
        "INSERT INTO seen_checkpoint (size, root) VALUES (%s, %s) "
        "ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root",
        (checkpoint.size, checkpoint.root),
    )
    return checkpoint


def _included(connection: Connection, checkpoint: Checkpoint, event_id: str) -> bool:
    row = connection.exec_driver_sql(
        'SELECT "index", entry FROM audit.leaf WHERE event_id = %s', (event_id,)
    ).one_or_none()
    if row is None or row[0] >= checkpoint.size:
        return False
    proof = inclusion_proof(row[0], checkpoint.size, _node(connection))
    verify_inclusion(row[0], checkpoint.size, leaf_hash(bytes(row[1])), proof, checkpoint.root)
    return True

"""The audit service: keeps every entry of every service, builds the tree, signs checkpoints, proves."""

from __future__ import annotations

from pathlib import Path

from kernel.service import Deposit, Service
from kernel.settings import PROJECT
from services.audit.deposit import deposit_with
from services.audit.queries.entries import entries, entry
from services.audit.queries.proofs import checkpoints, completed_receipt, consistency, inclusion, tree
from services.audit.readers import Readers
from services.audit.signer import CheckpointSigner
from services.audit.tables import metadata

CUSTODIANS = ("custodian_1", "custodian_2", "custodian_3")
SOURCES = ("access", "billing", *CUSTODIANS, "orders", "providers", "registry", "vault")


def service(sources: tuple[str, ...] = SOURCES, contracts: Path = PROJECT / "contracts") -> Service:
    return Service(
        name="audit",
        metadata=metadata,
        deposit=Deposit(sources, deposit_with(Readers.load(contracts))),
        queries=(entries, entry, tree, checkpoints, inclusion, consistency, completed_receipt),
        # Custodians read the tree themselves: they have to verify, and no service asks another to decide.
        published={
            "node": CUSTODIANS,
            "leaf": CUSTODIANS,
            "checkpoint": CUSTODIANS,
            "handover": CUSTODIANS,
            "open_leaf": ("opendata",),
        },
        duties=(CheckpointSigner(),),
        folder=Path(__file__).parent,
    )

"""The log and its entries."""

from datetime import timedelta
from typing import Any

from services.gateway.web.contexts.log import ClosedEntryPage, LogEntryPage, LogPage, LogRow, Withheld
from services.gateway.web.samples.common import NOW, both, checkpoint


def log(count: int = 8, **filters: str) -> LogPage:
    names = ["BidSubmitted", "BudgetReserved", "ProviderIncluded", "LoanSigned", "SomethingQuiteNew"]
    sources = ["orders", "billing", "registry", "providers", "orders"]
    gap: Withheld = {"withheld": 14, "first": 18004, "last": 18017}

    def row(i: int) -> LogRow:
        return {
            "entry": {"source": sources[i % 5], "sequence": 4128 - i},
            "time": NOW - timedelta(minutes=7 * i),
            "type": f"market.{sources[i % 5]}.{names[i % 5]}.v1",
            "subject": "Competition/01937c5e-8a40-7d3c-9b1e-5f6a7b8c9d0e",
        }

    return {
        "filters": {"source": "", "type": "", "subject": "", **filters},  # type: ignore[typeddict-item]
        "sources": ["registry", "orders", "providers", "billing", "access", "audit", "vault"],
        "types": [f"market.{source}.{name}.v1" for source, name in zip(sources, names, strict=True)],
        "items": [gap if i % 7 == 5 else row(i) for i in range(count)],
        "checkpoint": checkpoint() if count else None,
        "commands": [
            "./market audit bundle b.zip",
            "./market audit verify b.zip --trust market.pub",
            "./market audit replay b.zip --against-live",
        ],
        "newer_cursor": "bmV3ZXI" if count > 8 else None,
        "older_cursor": "b2xkZXI" if count >= 8 else None,
    }


CONTENT = """{
  "event": {
    "data": {
      "bid": "01937c5e-9100-7aa2-8b3f-0a1b2c3d4e5f",
      "commitment": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
      "provider": "51-0012"
    },
    "id": "01937c5e-9100-7aa2-8b3f-0a1b2c3d4e5f",
    "source": "/services/orders",
    "type": "market.orders.BidSubmitted.v1"
  },
  "prevhash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
  "sequence": 4128
}"""


def entry(**changes: Any) -> LogEntryPage:
    """Return a public entry under a checkpoint."""
    base: LogEntryPage = {
        "entry": {"source": "orders", "sequence": 4128},
        "type": "market.orders.BidSubmitted.v1",
        "id": "01937c5e-9100-7aa2-8b3f-0a1b2c3d4e5f",
        "subject": "Competition/01937c5e-8a40-7d3c-9b1e-5f6a7b8c9d0e",
        "stream_version": 14,
        "time": NOW - timedelta(hours=3),
        "received_at": NOW - timedelta(hours=3, seconds=1),
        "sealed_at": NOW - timedelta(hours=3) + timedelta(milliseconds=80),
        "actor": both("Исполнитель", "Provider"),
        "ground": "189-FZ art. 15",
        "correlation_id": "01937c5e-9000-7000-8000-000000000001",
        "cause": {"type": "market.orders.BiddingOpened.v1", "entry": {"source": "orders", "sequence": 3990}},
        "content": CONTENT,
        "raw_url": "/api/v1/log/orders/4128",
        "prev_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "proof": {
            "leaf_index": 18017,
            "leaf_hash": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
            "steps": [
                {"side": "left" if i % 3 else "right", "neighbour": f"{i:02x}" * 32, "result": f"{i + 99:02x}" * 32}
                for i in range(11, 26)
            ],
            "checkpoint": checkpoint(),
            "note": "belomorye.example\n18432\nsZRqySSS0jR8YjW00mERhPDB5Tp9apw7HFXQwfHwpuI=\n\n"
            "— belomorye.example jyyRqgAAAABn3v1t8xq0Vn7mQ2sKf4bT9yLw6cRj5uXePdGiHoNvB1==\n",
        },
        "commands": [
            ".venv/bin/python docs/check_entry.py http://127.0.0.1:8000 18017 'belomorye.example+8f2c91aa+AZ3h'"
        ],
        "previous": {"source": "orders", "sequence": 4127},
        "next": {"source": "orders", "sequence": 4129},
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def early_entry() -> LogEntryPage:
    """Return an entry that no checkpoint covers yet, with nothing that an entry may lack."""
    return entry(
        proof=None,
        actor=None,
        ground=None,
        received_at=None,
        correlation_id=None,
        cause=None,
        commands=[],
        previous=None,
        next=None,
    )


def closed_entry(**changes: Any) -> ClosedEntryPage:
    """Return an entry that its reader may not read yet."""
    base: ClosedEntryPage = {
        "entry": {"source": "access", "sequence": 12},
        "previous": {"source": "access", "sequence": 11},
        "next": {"source": "access", "sequence": 13},
    }
    return {**base, **changes}  # type: ignore[typeddict-item]

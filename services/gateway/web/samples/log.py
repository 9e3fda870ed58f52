"""The log and its entries."""

from datetime import timedelta
from typing import Any

from services.gateway.web.contexts import LogEntryPage, LogPage
from services.gateway.web.samples.common import NOW, both, checkpoint


def log(count: int = 8, **filters: str) -> LogPage:
    names = ["BidSubmitted", "BudgetReserved", "ProviderIncluded", "LoanSigned", "SomethingQuiteNew"]
    sources = ["orders", "billing", "registry", "providers", "orders"]
    return {
        "filters": {"source": "", "type": "", "subject": "", **filters},  # type: ignore[typeddict-item]
        "sources": ["registry", "orders", "providers", "billing", "access", "audit", "vault"],
        "types": [f"market.{source}.{name}.v1" for source, name in zip(sources, names, strict=True)],
        "items": [
            {
                "entry": {"source": sources[i % 5], "sequence": 4128 - i},
                "time": NOW - timedelta(minutes=7 * i),
                "type": f"market.{sources[i % 5]}.{names[i % 5]}.v1",
                "subject": "competition-01937c5e-8a40-7d3c-9b1e-5f6a7b8c9d0e",
            }
            for i in range(count)
        ],
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
        "subject": "competition-01937c5e-8a40-7d3c-9b1e-5f6a7b8c9d0e",
        "stream_version": 14,
        "time": NOW - timedelta(hours=3),
        "received_at": NOW - timedelta(hours=3, seconds=1),
        "sealed_at": NOW - timedelta(hours=3) + timedelta(milliseconds=80),
        "actor": both("Исполнитель", "Provider"),
        "ground": both("189-ФЗ, ст. 15", "189-FZ art. 15"),
        "correlation_id": "01937c5e-9000-7000-8000-000000000001",
        "cause": {"type": "market.orders.BiddingOpened.v1", "entry": {"source": "orders", "sequence": 3990}},
        "effects": [
            {"type": "market.orders.BidsOpened.v1", "entry": {"source": "orders", "sequence": 4301}},
            {"type": "market.custodian.LayersReleased.v1", "entry": None},
        ],
        "content": CONTENT,
        "withheld_until": None,
        "raw_url": "/api/v1/log/orders/4128",
        "prev_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "proof": {
            "leaf_index": 18017,
            "leaf_hash": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
            "path": [f"{i:02x}" * 32 for i in range(11, 26)],
            "checkpoint": checkpoint(),
            "note": "belomorye.example\n18432\nsZRqySSS0jR8YjW00mERhPDB5Tp9apw7HFXQwfHwpuI=\n\n"
            "— belomorye.example jyyRqgAAAABn3v1t8xq0Vn7mQ2sKf4bT9yLw6cRj5uXePdGiHoNvB1==\n",
        },
        "commands": ["./market audit receipt r.json"],
        "previous": {"source": "orders", "sequence": 4127},
        "next": {"source": "orders", "sequence": 4129},
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def withheld_entry() -> LogEntryPage:
    """Return an entry that is not public yet and under no checkpoint."""
    until = both("после окончания приёма заявок", "after bidding has closed")
    return entry(
        content=None,
        withheld_until=until,
        raw_url=None,
        proof=None,
        actor=None,
        ground=None,
        received_at=None,
        correlation_id=None,
        cause=None,
        effects=[],
        commands=[],
        previous=None,
        next=None,
    )

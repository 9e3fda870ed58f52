"""A small market's worth of logs for the tests of bundle and receipt: chains, tree, checkpoints, all real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.audit.bundle import write_bundle
from kernel import canonical, chain, merkle
from kernel.note import Checkpoint, Signer, sign_checkpoint

ORIGIN = "market.example/log"
REGION = {"region.toml": b'name = "Sample"\n', "calendars/2027.txt": "01.01 праздник\n".encode()}


@dataclass
class Market:
    """Logs of several sources with the tree over them, as the audit service holds them."""

    signer: Signer = field(default_factory=lambda: Signer.generate(ORIGIN))
    logs: dict[str, list[bytes]] = field(default_factory=dict)
    links: dict[str, chain.Link] = field(default_factory=dict)
    leaves: list[tuple[str, int]] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)

    def event(self, source: str, data: dict[str, Any], instant: str = "2027-01-01T00:00:00.000000Z") -> bytes:
        """Append an event to a source's log and to the tree; its bytes."""
        link = self.links.get(source, chain.START)
        body = canonical.dumps(
            {
                "id": f"{source}-{link.sequence + 1}",
                "source": f"/services/{source}",
                "receivedat": instant,
                "data": data,
            }
        )
        entry, self.links[source] = chain.next_entry(link, body, instant)
        self.logs.setdefault(source, []).append(entry)
        self.leaves.append((source, link.sequence + 1))
        self.hashes.append(merkle.leaf_hash(entry))
        return body

    def tree(self, size: int | None = None) -> tuple[merkle.CompactRange, Callable[[int, int], bytes]]:
        nodes: dict[tuple[int, int], bytes] = {}
        added: list[merkle.Node] = []
        frontier = merkle.CompactRange()
        frontier.extend(self.hashes[:size], added)
        for level, index, value in added:
            nodes[level, index] = value
        return frontier, lambda level, index: nodes[level, index]

    def checkpoint(self) -> str:
        frontier, _ = self.tree()
        note = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), self.signer)
        self.checkpoints.append(note)
        return note

    def write(self, path: Path, **changed: Any) -> Path:
        parts: dict[str, Any] = {
            "logs": self.logs,
            "leaves": self.leaves,
            "checkpoints": self.checkpoints,
            "region_files": REGION,
            "signer": self.signer,
            "origin": ORIGIN,
        }
        write_bundle(path, **(parts | changed))
        return path


def small_market(rounds: int = 4) -> Market:
    """Three sources, one of them silent; a checkpoint after every round."""
    market = Market()
    market.logs["billing"] = []
    for number in range(rounds):
        instant = f"2027-01-01T00:00:{number:02d}.000000Z"
        market.event("orders", {"number": number}, instant)
        market.event("orders", {"price": 1000 + number}, instant)
        market.event("registry", {"name": f"Организация {number}"}, instant)
        market.checkpoint()
    return market

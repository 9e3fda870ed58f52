"""Opening every bid again: the keys are in the custodians' logs, the sealed forms in the bids' own events.

So anybody can see that what was opened is what had been sealed, that all that stood was opened, and nothing else.
"""

from __future__ import annotations

from typing import Any

from app.replay.fold import Difference, Fold
from kernel.refusal import Refused
from services.orders.domain.competition.opening import associated_data, fits, open_bid

TABLE = "orders.competition"


class Openings:
    """Watches a fold; afterwards `opened` bids were opened again, and `differences` names what didn't hold."""

    def __init__(self, fold: Fold) -> None:
        self.opened = 0
        self.differences: list[Difference] = []
        self._sealed: dict[str, Any] = {}
        self._keys: dict[str, list[str]] = {}
        self._claimed: list[tuple[str, Any]] = []
        self._standing: dict[str, dict[str, int]] = {}
        fold.watchers["orders", "BidSubmitted"] = self._seal
        fold.watchers["orders", "BidReplaced"] = self._seal
        fold.watchers["orders", "BiddingClosed"] = self._close
        fold.watchers["orders", "BidKeyGiven"] = lambda stream, event: self._key(event.bid_id, event.key)
        fold.watchers["orders", "BidsOpened"] = lambda stream, event: self._claimed.append((stream, event))
        fold.watchers["custodian", "BidKeysOpened"] = self._custodian_keys

    def finish(self) -> None:
        """Open what was claimed to be opened, once all logs have passed (keys and claims are in different ones)."""
        named: dict[str, set[str]] = {}
        for competition_id, event in self._claimed:
            for bid in event.bids:
                self._open(competition_id, bid)
            named.setdefault(competition_id, set()).update(line.bid_id for line in (*event.bids, *event.failed))
        for competition_id, bids in named.items():
            for missing in sorted(set(self._standing.get(competition_id, {})) - bids):
                self._differs(competition_id, f"bids[{missing}]", "stood at the closing", "was never opened")

    def _seal(self, stream: str, event: Any) -> None:
        self._sealed[stream] = event

    def _close(self, stream: str, event: Any) -> None:
        self._standing[stream] = {line.bid_id: line.bid_version for line in event.standing}

    def _key(self, bid_id: str, key: str) -> None:
        self._keys.setdefault(bid_id, []).append(key)

    def _custodian_keys(self, stream: str, event: Any) -> None:
        for opened in event.keys:
            self._key(opened.bid_id, opened.key)

    def _open(self, competition_id: str, claimed: Any) -> None:
        sealed = self._sealed.get(claimed.bid_id)
        if sealed is None:
            self._differs(competition_id, f"bids[{claimed.bid_id}]", "no sealed bid", "an opened one")
            return
        associated = associated_data(competition_id, sealed.lot_id, sealed.provider_id, sealed.bid_version)
        form = sealed.sealed.to_dict()
        for key in self._keys.get(claimed.bid_id, ()):
            if not fits(key, form, associated):
                continue
            try:
                content = open_bid(key, form, associated)
            except Refused:
                continue
            self.opened += 1
            for name in ("price_kopecks", "volume", "values", "people"):
                if getattr(content, name) != getattr(claimed, name):
                    self._differs(
                        competition_id, f"bids[{claimed.bid_id}].{name}", getattr(content, name), getattr(claimed, name)
                    )
            return
        self._differs(competition_id, f"bids[{claimed.bid_id}]", "no published key opens it", "an opened bid")

    def _differs(self, competition_id: str, field: str, replayed: Any, found: Any) -> None:
        self.differences.append(Difference(TABLE, competition_id, field, replayed, found))

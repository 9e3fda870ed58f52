"""Opening every bid again: the keys are in the custodians' logs, the sealed forms in the bids' own events.

So anybody can see that what was opened is what had been sealed, that all that stood was opened, and nothing else. The
closing's list is held against the bids' own events: the standing versions, in the order of the log, all of them but those
that an amendment of the announcement left unconfirmed or without their lot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.replay.fold import Difference, Fold
from kernel.refusal import Refused
from services.orders.domain.competition.closing import StandingBid, list_hash
from services.orders.domain.competition.opening import associated_data, fits, open_bid

TABLE = "orders.competition"


@dataclass
class _List:
    """A closing's list: the bids that stood by their own events, and how many lines have passed."""

    stood: list[StandingBid]
    listed: int = 0


class Openings:
    """Watches a fold; afterwards `opened` bids were opened again, and `differences` names what didn't hold."""

    def __init__(self, fold: Fold) -> None:
        self.opened = 0
        self.differences: list[Difference] = []
        self._sealed: dict[str, Any] = {}
        self._keys: dict[str, list[str]] = {}
        self._claimed: list[tuple[str, Any]] = []
        self._standing: dict[str, dict[str, StandingBid]] = {}
        self._lists: dict[str, _List] = {}
        self._amended: dict[str, tuple[int, set[str]]] = {}  # the last amendment and the lots that it left
        self._known: dict[str, int] = {}  # the last amendment that a bid was made after, or confirmed for
        fold.watchers["orders", "BidSubmitted"] = self._seal
        fold.watchers["orders", "BidReplaced"] = self._seal
        fold.watchers["orders", "BidWithdrawn"] = self._withdraw
        fold.watchers["orders", "BidConfirmed"] = lambda stream, event: self._known.update({stream: event.amendment})
        fold.watchers["orders", "CompetitionAmended"] = self._amend
        fold.watchers["orders", "BiddingClosed"] = self._close
        fold.watchers["orders", "StandingBidsListed"] = self._list
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
            # A log that was cut may end between the parts of a list, but not where bids were opened after it.
            self._whole(competition_id)

    def _seal(self, stream: str, event: Any) -> None:
        self._sealed[stream] = event
        line = StandingBid(
            bid_id=stream, lot_id=event.lot_id, provider_id=event.provider_id, bid_version=event.bid_version
        )
        standing = self._standing.setdefault(event.competition_id, {})
        standing.pop(stream, None)  # a replacement counts from its own time
        standing[stream] = line
        self._known[stream] = event.amendment

    def _amend(self, stream: str, event: Any) -> None:
        self._amended[stream] = event.amendment, {lot.lot_id for lot in event.lots}

    def _drop_unconfirmed(self, competition_id: str) -> None:
        if competition_id not in self._amended:
            return
        amendment, lots = self._amended[competition_id]
        standing = self._standing.get(competition_id, {})
        for bid_id, line in list(standing.items()):
            if self._known[bid_id] < amendment or line.lot_id not in lots:
                del standing[bid_id]

    def _withdraw(self, stream: str, event: Any) -> None:
        self._standing.get(event.competition_id, {}).pop(stream, None)

    def _close(self, stream: str, event: Any) -> None:
        self._drop_unconfirmed(stream)
        stood = list(self._standing.get(stream, {}).values())
        self._lists[stream] = _List(stood)
        if event.count is not None:
            self._same(stream, "count", len(stood), event.count)
            self._same(stream, "standing_hash", list_hash(stood), event.standing_hash)
        self._list(stream, event)

    def _list(self, stream: str, event: Any) -> None:
        list_ = self._lists[stream]
        first = getattr(event, "first", 1)
        self._same(stream, "first", list_.listed + 1, first)
        for place, (stood, line) in enumerate(zip(list_.stood[first - 1 :], event.standing, strict=False), first):
            self._same(stream, f"standing[{place}]", stood, line)
        list_.listed += len(event.standing)

    def _whole(self, competition_id: str) -> None:
        list_ = self._lists[competition_id]
        self._same(competition_id, "standing", f"{len(list_.stood)} lines", f"{list_.listed} lines")

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
            if not fits(key, form["commitment"], associated):
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

    def _same(self, competition_id: str, field: str, replayed: Any, found: Any) -> None:
        if replayed != found:
            self._differs(competition_id, field, replayed, found)

    def _differs(self, competition_id: str, field: str, replayed: Any, found: Any) -> None:
        self.differences.append(Difference(TABLE, competition_id, field, replayed, found))

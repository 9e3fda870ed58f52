"""What must hold of a competition's last minute, held against the log: who was in time is in, and nobody else.

Pure: from what bidders were told and what the log says, the list of what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

LATE = "bid_late"


@dataclass(frozen=True)
class Answer:
    """What one request of a bidder came to. `status` 0: no answer at all."""

    asked_at: datetime
    status: int
    code: str = ""  # of a refusal
    event_id: str = ""  # of what was done

    @property
    def is_known(self) -> bool:
        """Whether it says what became of the bid; else the same key is to be asked again."""
        return self.status != 0 and self.status != 429 and self.status < 500


@dataclass
class Bidder:
    """A bidder's one bid: when it was to be sent, and all that was answered under its key."""

    provider_id: str
    planned_at: datetime
    answers: list[Answer] = field(default_factory=list)
    answered_at: datetime | None = None  # when the outcome was known

    @property
    def last(self) -> Answer | None:
        return self.answers[-1] if self.answers else None

    @property
    def accepted(self) -> bool:
        return self.last is not None and 200 <= self.last.status < 300

    @property
    def took_ms(self) -> float:
        """From when the bid was to be sent until its outcome was known, however often it was asked for."""
        assert self.answered_at is not None
        return (self.answered_at - self.planned_at).total_seconds() * 1000


@dataclass(frozen=True)
class Logged:
    """An event of the competition: `BidSubmitted`, `LateBidRefused` or `BiddingClosed` (`count` bids stand then)."""

    name: str
    sequence: int
    received_at: datetime
    event_id: str
    provider_id: str = ""
    count: int = 0


def wrong(deadline: datetime, bidders: Sequence[Bidder], log: Sequence[Logged]) -> list[str]:
    """What is wrong, a sentence each; nothing where every bid was decided by the instant of its receipt."""
    closings = [entry for entry in log if entry.name == "BiddingClosed"]
    if len(closings) != 1:
        return [f"bidding was closed {len(closings)} times"]
    submitted, late = _by_provider(log, "BidSubmitted"), _by_provider(log, "LateBidRefused")
    found = [
        fault
        for bidder in bidders
        for fault in _faults(
            bidder, deadline, submitted.pop(bidder.provider_id, []), late.pop(bidder.provider_id, []), closings[0]
        )
    ]
    found += [f"{provider}: in the log, but nobody sent it" for provider in (*submitted, *late)]
    accepted = sum(bidder.accepted for bidder in bidders)
    if closings[0].count != accepted:
        found.append(f"{closings[0].count} bids stood at the closing, {accepted} had been accepted")
    return found


def _by_provider(log: Sequence[Logged], name: str) -> dict[str, list[Logged]]:
    found: dict[str, list[Logged]] = {}
    for entry in log:
        if entry.name == name:
            found.setdefault(entry.provider_id, []).append(entry)
    return found


def _faults(
    bidder: Bidder, deadline: datetime, submitted: Sequence[Logged], late: Sequence[Logged], closing: Logged
) -> list[str]:
    """Of one bidder."""
    last, who = bidder.last, bidder.provider_id
    if last is None or not last.is_known:
        return [f"{who}: was never told what became of the bid"]
    if bidder.accepted:
        if [entry.event_id for entry in submitted] != [last.event_id] or late:
            return [f"{who}: accepted as {last.event_id}, the log has {len(submitted)} bids, {len(late)} late ones"]
        if submitted[0].received_at >= deadline:
            return [f"{who}: accepted, though received at {submitted[0].received_at}"]
        return [] if submitted[0].sequence < closing.sequence else [f"{who}: accepted after the closing"]
    if last.code != LATE:
        return [f"{who}: refused with {last.status} {last.code}"]
    if submitted or len(late) != 1:
        return [f"{who}: refused as late, the log has {len(submitted)} bids, {len(late)} late ones"]
    if late[0].received_at < deadline:
        return [f"{who}: refused as late, though received at {late[0].received_at}"]
    if len(bidder.answers) > 1 and bidder.answers[0].asked_at < deadline:
        return [f"{who}: lost: sent in time, not decided ({bidder.answers[0].status}), and late when asked again"]
    return []

"""What moves a competition on by itself: keys of custodians, and the fate of its awards' agreements."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.ids import Id
from kernel.projection import Entry, Seen
from services.orders.domain.competition.award import Outcome, SettleAward
from services.orders.domain.competition.opening import OpenBids
from services.orders.domain.competition.publication import RecordBiddingKey
from services.orders.projections.bidding import CUSTODIANS
from services.orders.reactions import reactions


class OfCompetition(Seen):
    competition_id: Id


class Activated(Seen):
    competition_id: Id
    award_id: Id


class Voided(Activated):
    declined: bool = False


def bidding_key_published(connection: Connection, event: OfCompetition, entry: Entry) -> Iterable[Command]:
    if _status(connection, event.competition_id) == "published":
        yield RecordBiddingKey(id=event.competition_id)


def keys_opened(connection: Connection, event: OfCompetition, entry: Entry) -> Iterable[Command]:
    # Three custodians answer and two suffice: what comes after the opening is in their logs and changes nothing.
    # Keys of many bids come in many events: it is worth looking at them when no bid is without one.
    if _status(connection, event.competition_id) != "closed":
        return
    keyless = connection.exec_driver_sql(_KEYLESS, (event.competition_id,)).one_or_none()
    if keyless is None:
        yield OpenBids(id=event.competition_id)


def _status(connection: Connection, competition_id: str) -> str | None:
    status: str | None = connection.exec_driver_sql(
        "SELECT status FROM competitions WHERE competition_id = %s", (competition_id,)
    ).scalar_one_or_none()
    return status


_KEYLESS = """
SELECT 1 FROM compared_bid b JOIN competition c ON c.id = b.competition_id
WHERE b.competition_id = %s AND NOT c.state->'given_keys' ? b.bid_id::text
  AND NOT EXISTS (SELECT 1 FROM opened_key k WHERE k.competition_id = b.competition_id AND k.bid_id = b.bid_id)
LIMIT 1
"""

for _custodian in CUSTODIANS:
    reactions.on(_custodian, "BiddingKeyPublished", OfCompetition)(bidding_key_published)
    reactions.on(_custodian, "BidKeysOpened", OfCompetition)(keys_opened)


@reactions.on("orders", "AgreementActivated", Activated)
def agreement_activated(connection: Connection, event: Activated, entry: Entry) -> Iterable[Command]:
    yield SettleAward(id=event.competition_id, award_id=event.award_id, agreement_id=entry.stream_id, outcome="active")


@reactions.on("orders", "AgreementVoided", Voided)
def agreement_voided(connection: Connection, event: Voided, entry: Entry) -> Iterable[Command]:
    outcome: Outcome = "declined" if event.declined else "void"
    yield SettleAward(id=event.competition_id, award_id=event.award_id, agreement_id=entry.stream_id, outcome=outcome)

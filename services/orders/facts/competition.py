"""What commands on competitions and bids need from tables, read under their locks.

A bid holds the shared form of its competition's lock, what ends or moves bidding the exclusive form (DESIGN D3): the
statements here come after the lock, so they see what its last holder committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from kernel import documents
from kernel.counters import next_number
from kernel.database import lock_key
from kernel.instants import from_text
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings
from services.orders.domain.bid import Bid, BiddingNow, ConfirmBid, ForLot, WithdrawBid, is_late
from services.orders.domain.competition.admission import Bidder, CheckBid
from services.orders.domain.competition.amendment import AmendBasis, AmendCompetition
from services.orders.domain.competition.announcement import DraftBasis, DraftCompetition
from services.orders.domain.competition.award import Takers
from services.orders.domain.competition.closing import Standing, StandingBid
from services.orders.domain.competition.opening import Found, OpenBids, ProvideBidKey, opened_next
from services.orders.domain.competition.questions import AnswerQuestion, Asked
from services.orders.domain.competition.ranking import rank_all
from services.orders.domain.competition.state import Competition, LotLine
from services.orders.facts.agreement import lock_lots
from services.orders.facts.capacity import capacity


def _lock(competition_id: str) -> int:
    return lock_key("orders", "competition", competition_id)


def while_bidding(command: ForLot) -> list[tuple[str, int]]:
    """The lock of a bid's command."""
    return [("shared", _lock(command.competition_id))]


def ending_bids(command: Any) -> list[tuple[str, int]]:
    """The lock of what ends or moves bidding."""
    return [("exclusive", _lock(command.id))]


# -- the announcement -------------------------------------------------------------------------------------------------


def draft_basis(connection: Connection, command: DraftCompetition, state: Competition, at: Surroundings) -> DraftBasis:
    """The order, its lots held until the transaction ends, and the number drawn: `К-2027-000001`."""
    locked = lock_lots(connection, command.lot_ids)
    order = connection.exec_driver_sql(_ORDER, (command.order_id,)).mappings().one_or_none()
    if order is None:
        raise Refused(MISSING.having(what="SocialOrder", id=command.order_id))
    own = [row for row in locked if str(row["order_id"]) == command.order_id]
    year = order["year"]
    return DraftBasis(
        number=f"К-{year}-{next_number(connection, f'competition-{year}'):06d}",
        order_status=order["status"],
        body_id=str(order["body_id"]),
        body_name=order["body_name"],
        year=year,
        territory=order["territory"],
        service_code=order["service_code"],
        service_name=order["service_name"],
        form=order["form"],
        service_kind=order["service_kind"],
        unit=order["unit"],
        lots=tuple(_lot_line(row) for row in own),
        taken=tuple(str(row["lot_id"]) for row in own if row["claims"] > 0 or row["agreed_volume"] > 0),
    )


def _lot_line(row: RowMapping) -> LotLine:
    return LotLine(
        lot_id=str(row["lot_id"]),
        title=row["title"],
        volume=row["volume"],
        unit=row["unit"],
        limit_price_kopecks=row["limit_price_kopecks"],
    )


def amend_basis(connection: Connection, command: AmendCompetition, state: Competition, at: Surroundings) -> AmendBasis:
    """The order's state and the wanted lots, held until the transaction ends with those that the competition has."""
    locked = lock_lots(connection, [*(command.lot_ids or ()), *(lot.lot_id for lot in state.lots)])
    status = connection.exec_driver_sql("SELECT status FROM social_orders WHERE order_id = %s", (state.order_id,))
    own = [row for row in locked if str(row["order_id"]) == state.order_id]
    held = {lot.lot_id for lot in state.lots}
    taken = tuple(
        str(row["lot_id"])
        for row in own
        if str(row["lot_id"]) not in held and (row["claims"] > 0 or row["agreed_volume"] > 0)
    )
    return AmendBasis(str(status.scalar_one_or_none() or ""), tuple(_lot_line(row) for row in own), taken)


def living_agreements(connection: Connection, command: Any, state: Competition, at: Surroundings) -> int:
    """How many agreements of the competition live. Who drafts one holds its lot, so their number stays while these do."""
    if not state.awards:
        return 0
    lock_lots(connection, [award.lot_id for award in state.awards])
    counted = "SELECT count(*) FROM agreements WHERE competition_id = %s AND status <> 'void'"
    return int(connection.exec_driver_sql(counted, (command.id,)).scalar_one())


def published_keys(connection: Connection, command: Any, state: Competition, at: Surroundings) -> Mapping[str, str]:
    """{custodian: public key} of all that have come for this competition."""
    rows = connection.exec_driver_sql(
        "SELECT custodian, public_key FROM custodian_key WHERE competition_id = %s", (command.id,)
    )
    return {row[0]: row[1] for row in rows}


def asked_question(
    connection: Connection, command: AnswerQuestion, state: Competition, at: Surroundings
) -> Asked | None:
    text = connection.exec_driver_sql(
        "SELECT text FROM question WHERE question_id = %s AND competition_id = %s", (command.question_id, command.id)
    ).scalar_one_or_none()
    return None if text is None else Asked(text)


# -- bids and the closing ---------------------------------------------------------------------------------------------


def bidding_now(connection: Connection, command: ForLot, state: Bid, at: Surroundings) -> BiddingNow:
    """The competition, its lot and the bidder in one statement; a late attempt is counted on the way."""
    row = connection.exec_driver_sql(
        _BIDDING,
        (command.lot_id, command.provider_id, command.competition_id),
    ).one_or_none()
    if row is None:
        return BiddingNow("", None, False, "", 0)
    status, deadline_text, has_lot, provider_status, bids, amendments, confirm_text = row
    deadline = from_text(deadline_text) if deadline_text else None
    confirm_until = from_text(confirm_text) if confirm_text else None
    late = 0
    own = at.actor.organisation == command.provider_id
    sends = not isinstance(command, WithdrawBid | ConfirmBid)
    if own and has_lot and sends and is_late(status, deadline, at.received_at):
        late = connection.exec_driver_sql(_COUNT_LATE, (command.competition_id, command.provider_id)).scalar_one()
    return BiddingNow(status, deadline, has_lot, provider_status or "", bids, late, amendments, confirm_until)


def standing_bids(connection: Connection, command: Any, state: Competition, at: Surroundings) -> Standing:
    """The bids that stand, by the place of their standing version in the log.

    What an amendment took out of the announcement, or what nobody has confirmed since, doesn't stand.
    """
    rows = connection.exec_driver_sql(_STANDING, (command.id,)).all()
    lines = tuple(
        StandingBid(bid_id=str(row[0]), lot_id=str(row[1]), provider_id=str(row[2]), bid_version=row[3]) for row in rows
    )
    return Standing(lines, all(row[4] is not None for row in rows))


# -- opening, admission, ranking, award -------------------------------------------------------------------------------


def found_keys(
    connection: Connection, command: OpenBids | ProvideBidKey, state: Competition, at: Surroundings
) -> Found:
    """All keys that have come, the commitments of what isn't open, the forms that are opened now, who has acted."""
    keys: dict[str, tuple[str, ...]] = {}
    for bid_id, key in connection.exec_driver_sql(
        "SELECT bid_id::text, key FROM opened_key WHERE competition_id = %s ORDER BY bid_id, key", (command.id,)
    ):
        keys[bid_id] = (*keys.get(bid_id, ()), key)
    waiting = [bid.bid_id for bid in state.bids if bid.status in ("sealed", "failed")]
    commitments = connection.exec_driver_sql(_COMMITMENTS, (waiting,)).all()
    wanted = {bid.bid_id for bid in opened_next(state)}
    if isinstance(command, ProvideBidKey):
        wanted.add(command.bid_id)
    sealed = connection.exec_driver_sql(_SEALED, (list(wanted),)).all()
    acting = connection.exec_driver_sql(
        "SELECT custodian FROM custodian_act WHERE competition_id = %s ORDER BY custodian", (command.id,)
    )
    return Found(keys, dict(map(tuple, commitments)), dict(map(tuple, sealed)), tuple(acting.scalars()))


def bidder(connection: Connection, command: CheckBid, state: Competition, at: Surroundings) -> Bidder:
    """What the register says of the bid's provider. A person's name isn't taken: papers name it by its number."""
    bid = state.bid(command.bid_id)
    row = connection.exec_driver_sql(
        "SELECT status, number, short_name, kind, forms, service_kinds FROM provider WHERE provider_id = %s",
        (bid.provider_id,),
    ).one_or_none()
    if row is None:
        return Bidder("", bid.provider_id, (), ())
    status, number, short_name, kind, forms, service_kinds = row
    label = f"№ {number}, " + ("индивидуальный предприниматель" if kind == "individual" else short_name)
    return Bidder(status, label[:300], tuple(forms), tuple(service_kinds))


def kept_documents(connection: Connection, command: Any, state: Competition, at: Surroundings) -> None:
    """Keeps the protocols (and computations too large for an event); `decide` computes the same bytes' hashes."""
    if state.status != "evaluation":
        return
    try:
        results = rank_all(state, at.now)
    except Refused:
        return  # `decide` meets it too, after it has looked at who asks
    for result in results:
        for media_type, content in result.documents:
            documents.keep(connection, content, media_type)


def takers(connection: Connection, command: Any, state: Competition, at: Surroundings) -> Takers:
    """Who of the admitted isn't active in the register, and how many units of the service each has places for."""
    providers = sorted({bid.provider_id for bid in state.bids if bid.status == "admitted"})
    active = connection.exec_driver_sql(
        "SELECT provider_id::text FROM provider WHERE provider_id = ANY(%s::uuid[]) AND status = 'active'",
        (providers,),
    )
    found = set(active.scalars())
    inactive = tuple(provider_id for provider_id in providers if provider_id not in found)
    return Takers(inactive, capacity(connection, at.rules, state, command.id, providers))


_ORDER = """
SELECT status, body_id, body_name, year, territory, service_code, service_name, form, service_kind, unit
FROM social_orders WHERE order_id = %s
"""
_BIDDING = """
SELECT c.status, c.deadline, l.lot_id IS NOT NULL, p.status,
       (SELECT coalesce(sum(t.standing), 0)::int FROM bids_taken t WHERE t.competition_id = c.competition_id),
       c.amendments, c.confirm_until
FROM competitions c
LEFT JOIN competition_lot l ON l.competition_id = c.competition_id AND l.lot_id = %s AND l.failure <> 'taken_out'
LEFT JOIN provider p ON p.provider_id = %s
WHERE c.competition_id = %s
"""
_COMMITMENTS = "SELECT id::text, state->'sealed'->>'commitment' FROM bid WHERE id = ANY(%s::uuid[])"
_SEALED = "SELECT id::text, state->'sealed' FROM bid WHERE id = ANY(%s::uuid[])"
_COUNT_LATE = """
INSERT INTO late_attempt (competition_id, provider_id, attempts) VALUES (%s, %s, 1)
ON CONFLICT (competition_id, provider_id) DO UPDATE SET attempts = late_attempt.attempts + 1 RETURNING attempts
"""
_STANDING = """
SELECT b.bid_id, b.lot_id, b.provider_id, b.bid_version, l.sequence
FROM own_bid b JOIN competitions c USING (competition_id)
JOIN competition_lot a ON a.competition_id = b.competition_id AND a.lot_id = b.lot_id AND a.failure <> 'taken_out'
LEFT JOIN log l ON l.event_id = b.event_id
WHERE b.competition_id = %s AND b.status = 'standing' AND b.amendment = c.amendments ORDER BY l.sequence
"""

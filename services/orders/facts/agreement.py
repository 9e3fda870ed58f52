"""What commands on social orders and agreements need from tables, read under the locks of the lots that they touch.

Whoever spends or moves a lot's volume locks its row first (`lock_lots`, always in the order of ids), so that what
`decide` sees as free is free until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping

from kernel.counters import next_number
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings
from services.orders.domain.agreement import Agreement, AwardNow
from services.orders.domain.agreement.state import DraftAgreement
from services.orders.domain.social_order import FormSocialOrder, LotNow, SocialOrder


def order_number(connection: Connection, command: FormSocialOrder, state: SocialOrder, at: Surroundings) -> str:
    """The next number of a social order of its year: `СЗ-2027-000001`."""
    return f"СЗ-{command.year}-{next_number(connection, f'social_order-{command.year}'):06d}"


def lots_of_order(connection: Connection, command: Any, state: SocialOrder, at: Surroundings) -> Sequence[LotNow]:
    """The order's lots as they are now, locked."""
    return [_lot_now(row) for row in lock_lots(connection, [each.lot_id for each in state.lots])]


def lock_lots(connection: Connection, lot_ids: Iterable[str]) -> Sequence[RowMapping]:
    """The rows of `lot_ids`, held until the transaction ends; in the order of ids, so that two never wait in a ring."""
    wanted = sorted(set(lot_ids))
    return (
        connection.exec_driver_sql(
            "SELECT * FROM lot WHERE lot_id = ANY(%s::uuid[]) ORDER BY lot_id FOR UPDATE", (wanted,)
        )
        .mappings()
        .all()
    )


def award_now(connection: Connection, command: DraftAgreement, state: Agreement, at: Surroundings) -> AwardNow:
    """The award that an agreement is drafted from, with its order, its provider's kind, its locked lot and a number."""
    awarded = _awarded(connection, command.award_id)
    locked = lock_lots(connection, [str(awarded["lot_id"])])
    if not locked:
        raise Refused(MISSING.having(what="lot", id=str(awarded["lot_id"])))
    # Once more, now that the lot is held: whoever cancels a competition with awards holds it too.
    awarded = _awarded(connection, command.award_id)
    year = awarded["year"]
    known: dict[str, Any] = {n: str(v) if n.endswith("_id") else v for n, v in awarded.items()}
    return AwardNow(
        number=f"СГ-{year}-{next_number(connection, f'agreement-{year}'):06d}",
        lot_free=locked[0]["volume"] - locked[0]["agreed_volume"],
        **known,
    )


def _awarded(connection: Connection, award_id: str) -> RowMapping:
    found = connection.exec_driver_sql(_AWARD, (award_id,)).mappings().one_or_none()
    if found is None:
        raise Refused(MISSING.having(what="award", id=award_id))
    return found


def _lot_now(row: RowMapping) -> LotNow:
    return LotNow(
        lot_id=str(row["lot_id"]),
        number=row["number"],
        title=row["title"],
        volume=row["volume"],
        limit_price_kopecks=row["limit_price_kopecks"],
        living=row["claims"] > 0,
        agreed_volume=row["agreed_volume"],
    )


_AWARD = """
SELECT a.competition_id, a.bid_id, o.order_id, a.lot_id, o.body_id, a.provider_id, p.kind AS provider_kind,
       o.territory, o.service_code, o.service_kind, o.form, o.unit, o.year, a.volume, a.unit_price_kopecks,
       coalesce(k.status, '') AS competition_status
FROM award a LEFT JOIN competitions k ON k.competition_id = a.competition_id
JOIN lot l USING (lot_id) JOIN social_orders o ON o.order_id = l.order_id
JOIN provider p ON p.provider_id = a.provider_id
WHERE a.award_id = %s
"""

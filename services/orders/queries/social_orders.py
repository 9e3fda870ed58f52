"""The list of social orders and one order with its lots. Public: 189-FZ has the order published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, key_of, one, page_of, plain, rows
from kernel.service import Surroundings, query

_LISTED = (
    "o.order_id, o.number, o.status, o.body_id, body_name, year, territory, service_code, service_name, service_kind, "
    "form, unit, volume, by_assignment, by_competition, by_certificate, formed_at, changed_at"
)


#: How far the competition is that an order is shown with; `none`: nothing was announced on it yet.
Shown = Literal[
    "none",
    "published",
    "open",
    "closed",
    "opened",
    "evaluation",
    "decided",
    "standstill",
    "awarded",
    "agreed",
    "cancelled",
    "unsuccessful",
]
# Of an order's announced competitions the newest that lives, else the newest.
_SHOWN = """
LEFT JOIN LATERAL (
    SELECT competition_id, number AS competition_number, title AS competition_title,
        status AS competition_status, deadline AS competition_deadline
    FROM competitions c WHERE c.order_id = o.order_id AND c.status <> 'draft'
    ORDER BY c.status IN ('cancelled', 'unsuccessful'), c.number DESC LIMIT 1
) shown ON true
"""
_WORTH = """
LEFT JOIN LATERAL (
    SELECT count(*) AS lots, sum(volume * limit_price_kopecks)::bigint AS limit_kopecks
    FROM lot l WHERE l.order_id = o.order_id
) worth ON true
"""
_COMPETITION = (
    "competition_id",
    "competition_number",
    "competition_title",
    "competition_status",
    "competition_deadline",
)


class SocialOrders(List):
    """Filters of the list; the newest come first."""

    number: str | None = Field(None, max_length=40)
    year: int | None = None
    body_id: Id | None = None
    territory: str | None = Field(None, max_length=100)
    service_code: str | None = Field(None, max_length=40)
    service_kind: str | None = Field(None, max_length=40)
    form: str | None = Field(None, max_length=40)
    status: Literal["formed", "approved", "closed"] | None = None
    competition: Shown | None = Field(None, description="the state of the competition that the order is shown with")
    counted: bool = Field(False, description="with `total`: how many orders the filters find")


@query(SocialOrders)
def social_orders(connection: Connection, asked: SocialOrders, at: Surroundings) -> dict[str, Any]:
    """A page of orders, newest first: `{"items": […], "next": cursor | None}`, and `total` where it was asked for.

    Each with the number and the most worth of its `lots`, and the `competition` that it is shown with (None: nothing
    was announced yet): `{competition_id, number, title, status, deadline}`.
    """
    filters = asked.model_dump(exclude={"cursor", "limit", "counted", "competition"}, exclude_none=True)
    conditions = [f"o.{name} = %({name})s" for name in filters]
    if asked.competition is not None:
        conditions.append("coalesce(competition_status, 'none') = %(competition)s")
    after = key_of(asked.cursor, (str,))
    params = {**filters, "competition": asked.competition, "after": after[0] if after else None}
    found = connection.exec_driver_sql(
        f"SELECT {_LISTED}, lots, limit_kopecks, {', '.join(_COMPETITION)} FROM social_orders o {_SHOWN} {_WORTH} "
        f"{_where([*conditions, 'o.number < %(after)s'] if after else conditions)} "
        "ORDER BY o.number DESC LIMIT %(limit)s",
        {**params, "limit": asked.limit + 1},
    ).mappings()
    listed = page_of([_with_competition(plain(row)) for row in found], asked.limit, ("number",))
    if asked.counted:
        joined = _SHOWN if asked.competition is not None else ""
        counting = f"SELECT count(*) FROM social_orders o {joined} {_where(conditions)}"
        listed["total"] = connection.exec_driver_sql(counting, params).scalar_one()
    return listed


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _with_competition(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: row.pop(name) for name in _COMPETITION}
    named = {"competition_id": shown.pop("competition_id")} | {
        name.removeprefix("competition_"): value for name, value in shown.items()
    }
    return {**row, "competition": named if named["competition_id"] else None}


class OneOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(OneOrder)
def social_order(connection: Connection, asked: OneOrder, at: Surroundings) -> dict[str, Any]:
    """The order with its version, its lots by number, what of each lot is agreed and free, and its `corrections`."""
    sql = (
        f"SELECT {_LISTED}, cost_kopecks, prepared_by, approved_by, reason, s.version "
        "FROM social_orders o JOIN social_order s ON s.id = o.order_id WHERE o.order_id = %s"
    )
    order = one(connection, sql, (asked.id,), "social order", asked.id)
    corrections = rows(connection, _CORRECTIONS, (asked.id,))
    return {**order, "lots": rows(connection, _LOTS, (asked.id,)), "corrections": corrections}


# A correction needs an approval each, so an order has few; the newest are told.
_CORRECTIONS = """
SELECT corrected_at, reason, before, after FROM order_correction WHERE order_id = %s ORDER BY version DESC LIMIT 50
"""


_LOTS = """
SELECT lot_id, number, title, volume, unit, limit_price_kopecks, status, competition_id, agreed_volume,
       volume - agreed_volume AS free_volume
FROM lot WHERE order_id = %s ORDER BY number
"""

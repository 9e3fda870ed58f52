"""The list of social orders and one order with its lots. Public: 189-FZ has the order published."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import key_of, page_of
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings, query

_LISTED = (
    "order_id, number, status, body_id, body_name, year, territory, service_code, service_name, service_kind, form, "
    "unit, volume, by_assignment, by_competition, by_certificate, formed_at, changed_at"
)


class SocialOrders(BaseModel):
    """Filters of the list; the newest come first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    year: int | None = None
    body_id: Id | None = None
    territory: str | None = Field(None, max_length=100)
    service_code: str | None = Field(None, max_length=40)
    service_kind: str | None = Field(None, max_length=40)
    form: str | None = Field(None, max_length=40)
    status: Literal["formed", "approved", "closed"] | None = None
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)


@query(SocialOrders)
def social_orders(connection: Connection, asked: SocialOrders, at: Surroundings) -> dict[str, Any]:
    """A page of orders: `{"items": […], "next": cursor | None}`."""
    filters = asked.model_dump(exclude={"cursor", "limit"}, exclude_none=True)
    after = key_of(asked.cursor, (str,))
    conditions = [f"{name} = %({name})s" for name in filters] + (["order_id < %(after)s::uuid"] if after else [])
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = connection.exec_driver_sql(
        f"SELECT {_LISTED} FROM social_orders {where} ORDER BY order_id DESC LIMIT %(limit)s",
        {**filters, "after": after[0] if after else None, "limit": asked.limit + 1},
    ).mappings()
    return page_of([texts(row) for row in rows], asked.limit, ("order_id",))


class OneOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(OneOrder)
def social_order(connection: Connection, asked: OneOrder, at: Surroundings) -> dict[str, Any]:
    """The order with its version, its lots by number, and what of each lot is agreed and free."""
    row = connection.exec_driver_sql(
        f"SELECT {_LISTED}, cost_kopecks, prepared_by, approved_by, reason, s.version "
        "FROM social_orders JOIN social_order s ON s.id = order_id WHERE order_id = %s",
        (asked.id,),
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise Refused(MISSING.having(what="social order", id=asked.id))
    lots = connection.exec_driver_sql(
        "SELECT lot_id, number, title, volume, unit, limit_price_kopecks, status, competition_id, agreed_volume, "
        "volume - agreed_volume AS free_volume FROM lot WHERE order_id = %s ORDER BY number",
        (asked.id,),
    ).mappings()
    return {**texts(row), "lots": [texts(each) for each in lots]}


def texts(row: Any) -> dict[str, Any]:
    """The row as JSON has it: ids as text."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}

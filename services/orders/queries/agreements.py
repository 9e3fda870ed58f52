"""The list of agreements and one agreement. Public: who does what for how much is no secret (189-FZ art. 22)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import key_of, page_of
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings, query
from services.orders.queries.social_orders import texts

Status = Literal[
    "draft", "reserving", "sent", "signed_by_provider", "active", "suspended", "completed", "terminated", "void"
]
_LISTED = (
    "agreement_id, number, status, competition_id, award_id, order_id, lot_id, body_id, provider_id, provider_kind, "
    "territory, service_code, service_kind, form, unit, volume, unit_price_kopecks, amount_kopecks, year, starts, "
    "ends, places, waiting_for, deadline, reason, drafted_at, activated_at, changed_at"
)


class Agreements(BaseModel):
    """Filters of the list; the newest come first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: str | None = Field(None, max_length=40)
    body_id: Id | None = None
    provider_id: Id | None = None
    order_id: Id | None = None
    lot_id: Id | None = None
    competition_id: Id | None = None
    award_id: Id | None = None
    year: int | None = None
    territory: str | None = Field(None, max_length=100)
    provider_kind: str | None = Field(None, max_length=40)
    status: Status | None = None
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)


@query(Agreements)
def agreements(connection: Connection, asked: Agreements, at: Surroundings) -> dict[str, Any]:
    """A page of agreements: `{"items": […], "next": cursor | None}`."""
    filters = asked.model_dump(exclude={"cursor", "limit"}, exclude_none=True)
    after = key_of(asked.cursor, (str,))
    conditions = [f"{name} = %({name})s" for name in filters] + (["number < %(after)s"] if after else [])
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = connection.exec_driver_sql(
        f"SELECT {_LISTED} FROM agreements {where} ORDER BY number DESC LIMIT %(limit)s",
        {**filters, "after": after[0] if after else None, "limit": asked.limit + 1},
    ).mappings()
    return page_of([texts(row) for row in rows], asked.limit, ("number",))


class OneAgreement(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(OneAgreement)
def agreement(connection: Connection, asked: OneAgreement, at: Surroundings) -> dict[str, Any]:
    """The agreement with its version, its order's number and its lot's title."""
    row = connection.exec_driver_sql(_ONE, (asked.id,)).mappings().one_or_none()
    if row is None:
        raise Refused(MISSING.having(what="agreement", id=asked.id))
    return texts(row)


_ONE = f"""
SELECT {", ".join("a." + name.strip() for name in _LISTED.split(","))}, a.drafted_by, s.version,
       o.number AS order_number, o.service_name, l.number AS lot_number, l.title AS lot_title
FROM agreements a JOIN agreement s ON s.id = a.agreement_id
LEFT JOIN social_orders o ON o.order_id = a.order_id LEFT JOIN lot l ON l.lot_id = a.lot_id
WHERE a.agreement_id = %s
"""

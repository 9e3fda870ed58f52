"""The list of agreements and one agreement. Public: who does what for how much is no secret (189-FZ art. 22)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, one, page
from kernel.service import Surroundings, query

Status = Literal[
    "draft", "reserving", "sent", "signed_by_provider", "active", "suspended", "completed", "terminated", "void"
]
_LISTED = (
    "agreement_id, number, status, competition_id, award_id, order_id, lot_id, body_id, provider_id, provider_kind, "
    "territory, service_code, service_kind, form, unit, volume, unit_price_kopecks, amount_kopecks, year, starts, "
    "ends, places, waiting_for, deadline, sign_by, reason, drafted_at, activated_at, changed_at"
)


class Agreements(List):
    """Filters of the list; the newest come first."""

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


@query(Agreements)
def agreements(connection: Connection, asked: Agreements, at: Surroundings) -> dict[str, Any]:
    """A page of agreements: `{"items": […], "next": cursor | None}`."""
    given = asked.model_dump(exclude={"cursor", "limit"})
    filters = {f"{name} = %s": value for name, value in given.items()}
    select = f"SELECT {_LISTED} FROM agreements WHERE true"
    return page(connection, select, filters, asked, {"number": str}, descending=True)


class OneAgreement(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(OneAgreement)
def agreement(connection: Connection, asked: OneAgreement, at: Surroundings) -> dict[str, Any]:
    """The agreement with its version, its order's number and its lot's title."""
    return one(connection, _ONE, (asked.id,), "agreement", asked.id)


_ONE = f"""
SELECT {", ".join("a." + name.strip() for name in _LISTED.split(","))}, a.drafted_by, s.version,
       o.number AS order_number, o.service_name, l.number AS lot_number, l.title AS lot_title
FROM agreements a JOIN agreement s ON s.id = a.agreement_id
LEFT JOIN social_orders o ON o.order_id = a.order_id LEFT JOIN lot l ON l.lot_id = a.lot_id
WHERE a.agreement_id = %s
"""

"""Acts of delivery, one and many, and the journal of what was delivered by month."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, one, page
from kernel.service import Surroundings, query
from services.providers.domain.act_terms import Month

Status = Literal["draft", "submitted", "returned", "confirmed", "dropped", "reversal_asked", "reversed"]


class ActList(List):
    agreement_id: Id | None = None
    provider_id: Id | None = None
    body_id: Id | None = None
    month: Month | None = None
    status: Status | None = None


@query(ActList)
def acts(connection: Connection, params: ActList, at: Surroundings) -> dict[str, Any]:
    """Acts, the newest first, without their lines."""
    filters = {
        "a.agreement_id = %s": params.agreement_id,
        "a.provider_id = %s": params.provider_id,
        "a.body_id = %s": params.body_id,
        "a.month = %s": params.month,
        "a.status = %s": params.status,
    }
    return page(connection, f"{_ACT} WHERE true", filters, params, {"a.act_id": UUID}, descending=True)


class ActOf(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(ActOf)
def act(connection: Connection, params: ActOf, at: Surroundings) -> dict[str, Any]:
    """One act with its lines; `reason` is that of the return or of the reversal, `version` is for If-Match."""
    sql = _ACT.replace("SELECT", "SELECT s.version, a.lines, ") + " JOIN act s ON s.id = a.act_id WHERE a.act_id = %s"
    return one(connection, sql, (params.id,), "Act", params.id)


_ACT = """
SELECT a.act_id, a.agreement_id, a.provider_id, p.short_name AS provider_name, a.provider_kind, a.body_id, a.year,
    a.month, a.service_code, a.form, a.unit, a.quantity, a.amount_kopecks, a.status, a.reason, a.reversal_side,
    a.drafted_at, a.submitted_at, a.confirmed_at, a.reversed_at
FROM act_card a LEFT JOIN known_provider p USING (provider_id)
"""


class JournalList(List):
    provider_id: Id | None = None
    agreement_id: Id | None = None
    month: Month | None = None


@query(JournalList)
def journal(connection: Connection, params: JournalList, at: Surroundings) -> dict[str, Any]:
    """What was delivered by month, provider and agreement: confirmed less reversed."""
    filters = {
        "provider_id = %s": params.provider_id,
        "agreement_id = %s": params.agreement_id,
        "month = %s": params.month,
    }
    key = {"month": str, "provider_id": UUID, "agreement_id": UUID, "service_code": str}
    return page(connection, _JOURNAL, filters, params, key)


_JOURNAL = """
SELECT month, provider_id, agreement_id, service_code, quantity, amount_kopecks FROM delivery WHERE true
"""

"""Premises with the periods in which they are free, and their loans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.instants import to_text
from kernel.paging import List, Row, one, page, rows
from kernel.service import Surroundings, query
from services.providers.domain.premises import Kind

LoanStatus = Literal["requested", "granted", "refused", "cancelled", "signed", "ended", "returned"]
MAX_SHOWN = 200
Taken = tuple[datetime, datetime]


class PremisesList(List):
    kind: Kind | None = None
    territory: str | None = None
    owner_id: Id | None = None
    status: Literal["listed", "withdrawn"] | None = "listed"


@query(PremisesList)
def premises(connection: Connection, params: PremisesList, at: Surroundings) -> dict[str, Any]:
    """Objects as they are offered, each with `standing` (free | requested | lent | withdrawn) and its free periods."""
    filters = {
        "kind = %s": params.kind,
        "territory = %s": params.territory,
        "owner_id = %s": params.owner_id,
        "status = %s": params.status,
    }
    found = page(connection, f"{_PREMISES} WHERE true", filters, params, {"premises_id": UUID})
    _add_periods(connection, found["items"], at.now)
    return found


class PremisesOf(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(PremisesOf)
def premises_object(connection: Connection, params: PremisesOf, at: Surroundings) -> dict[str, Any]:
    """One object with its free periods, its living and asked-for loans, and its version for If-Match."""
    sql = _PREMISES.replace("SELECT", "SELECT s.version, ") + " JOIN premises s ON s.id = premises_id"
    found = one(connection, f"{sql} WHERE premises_id = %s", (params.id,), "Premises", params.id)
    _add_periods(connection, [found], at.now)
    loans_of = f"{_LOAN} WHERE l.premises_id = %s AND l.status IN ('requested', 'granted', 'signed')"
    found["loans"] = rows(connection, f"{loans_of} ORDER BY l.starts, l.loan_id LIMIT %s", (params.id, MAX_SHOWN))
    return found


_PREMISES = """
SELECT premises_id, owner_id, kind, title, address, territory, area_m2, latitude, longitude, permitted_use,
    accessibility, available_from, available_until, status, reason
FROM premises_card
"""


def _add_periods(connection: Connection, items: Sequence[Row], now: datetime) -> None:
    """`free`: [{"from", "until"}] from now on (None: without end), `standing`, and the living loan of now, if any."""
    living: dict[str, list[Any]] = {item["premises_id"]: [] for item in items}
    asked: set[str] = set()
    ids = list(living)
    for row in connection.exec_driver_sql(_LIVING, (ids, now, ids)).all():
        if row.living:
            living[str(row.premises_id)].append(row)
        else:
            asked.add(str(row.premises_id))
    for item in items:
        taken = living[item["premises_id"]]
        lent = next((loan for loan in taken if loan.starts <= now), None)
        item["lent_to"] = None if lent is None else str(lent.provider_id)
        item["lent_to_name"] = None if lent is None else lent.short_name
        item["lent_until"] = None if lent is None else to_text(lent.ends)
        if item["status"] == "withdrawn":
            item["standing"], item["free"] = "withdrawn", []
            continue
        item["standing"] = "lent" if lent else "requested" if item["premises_id"] in asked else "free"
        window = (_instant(item["available_from"]), _instant(item["available_until"]))
        item["free"] = [
            {"from": to_text(begins), "until": to_text(ends) if ends else None}
            for begins, ends in free_periods(now, window, [(loan.starts, loan.ends) for loan in taken])
        ]


# Living loans that aren't over, and objects that somebody asked for.
_LIVING = """
SELECT premises_id, true AS living, provider_id, p.short_name, starts, ends
FROM loan_card LEFT JOIN known_provider p USING (provider_id)
WHERE premises_id = ANY(%s::uuid[]) AND living AND ends > %s
UNION ALL
SELECT DISTINCT premises_id, false, NULL::uuid, NULL::text, NULL::timestamptz, NULL::timestamptz FROM loan_card
WHERE premises_id = ANY(%s::uuid[]) AND status = 'requested'
ORDER BY starts
"""


def free_periods(
    now: datetime, window: tuple[datetime | None, datetime | None], taken: Sequence[Taken]
) -> list[tuple[datetime, datetime | None]]:
    """The gaps that `taken` (in the order of their starts, not overlapping) leaves in the window from `now` on."""
    begins = max(now, window[0] or now)
    last = window[1]
    found: list[tuple[datetime, datetime | None]] = []
    for starts, ends in taken:
        until = starts if last is None else min(starts, last)
        if begins < until:
            found.append((begins, until))
        begins = max(begins, ends)
    if last is None or begins < last:
        found.append((begins, last))
    return found


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class LoanList(List):
    premises_id: Id | None = None
    provider_id: Id | None = None
    owner_id: Id | None = None
    status: LoanStatus | None = None


@query(LoanList)
def loans(connection: Connection, params: LoanList, at: Surroundings) -> dict[str, Any]:
    """Loans, the newest first."""
    filters = {
        "l.premises_id = %s": params.premises_id,
        "l.provider_id = %s": params.provider_id,
        "l.owner_id = %s": params.owner_id,
        "l.status = %s": params.status,
    }
    return page(connection, f"{_LOAN} WHERE true", filters, params, {"l.loan_id": UUID}, descending=True)


class LoanOf(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(LoanOf)
def loan(connection: Connection, params: LoanOf, at: Surroundings) -> dict[str, Any]:
    """One loan with the object's address and the borrower's name; `version` is for If-Match."""
    sql = _LOAN.replace("SELECT", "SELECT s.version, ") + " JOIN loan s ON s.id = l.loan_id WHERE l.loan_id = %s"
    return one(connection, sql, (params.id,), "Loan", params.id)


_LOAN = """
SELECT l.loan_id, l.premises_id, o.title, o.address, l.provider_id, p.short_name AS provider_name, l.owner_id, l.kind,
    l.starts, l.ends, l.purpose, l.status, l.living, l.reason, l.condition, l.requested_at, l.granted_at, l.signed_at,
    l.ended_at, l.returned_at
FROM loan_card l LEFT JOIN premises_card o USING (premises_id) LEFT JOIN known_provider p USING (provider_id)
"""

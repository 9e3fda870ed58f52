"""What commands need to know from tables, read under locks that every writer of those facts takes too.

Locks are always taken in one order: the command's own stream (by the store), then the agreement's row or the object's
row, then the owner's quota. So commands wait for each other and never in a circle.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from kernel.database import lock_key
from kernel.service import Surroundings
from services.providers.domain.act import Act, Agreement
from services.providers.domain.act_terms import DraftAct, SubmitAct
from services.providers.domain.loan import Loan, LoanFacts, Offer, Period
from services.providers.domain.loan_terms import GrantLoan, RequestLoan
from services.providers.domain.premises import Premises, WithdrawPremises
from services.providers.domain.workspace import ReservePlaces, Workspace


def agreement_over(connection: Connection, command: ReservePlaces, state: Workspace, at: Surroundings) -> str:
    """ "voided" or "ended" where the agreement is over already: its end may overtake its request."""
    over = connection.exec_driver_sql(
        "SELECT over FROM known_agreement WHERE agreement_id = %s", (command.agreement_id,)
    ).scalar_one_or_none()
    return over or ""


def agreement_of_draft(connection: Connection, command: DraftAct, state: Act, at: Surroundings) -> Agreement | None:
    return _agreement(connection, command.agreement_id, "")


def agreement_locked(connection: Connection, command: SubmitAct, state: Act, at: Surroundings) -> Agreement | None:
    """The agreement of the act, locked until the end: two acts can't both be counted into its last units."""
    # A draft has an agreement; where there is no draft the state refuses before the facts are looked at.
    return _agreement(connection, state.agreement_id, "FOR NO KEY UPDATE") if state.agreement_id else None


def _agreement(connection: Connection, agreement_id: str, lock: str) -> Agreement | None:
    """None until the agreement has been in force. The lock is that of the row which holds `claimed`."""
    row = (
        connection.exec_driver_sql(
            f"{_AGREEMENT} WHERE agreement_id = %s AND volume IS NOT NULL {lock}", (agreement_id,)
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    values: dict[str, Any] = {name: str(value) if name in _UUIDS else value for name, value in row.items()}
    return Agreement(**values)


_UUIDS = frozenset({"id", "provider_id", "body_id"})
_AGREEMENT = """
SELECT agreement_id AS id, provider_id, provider_kind, body_id, year, service_code, form, unit, volume,
    unit_price_kopecks, starts, ends, claimed, coalesce(over, '') AS over, stopped_at
FROM known_agreement
"""


def living_loan(connection: Connection, command: WithdrawPremises, state: Premises, at: Surroundings) -> str | None:
    """A loan of the object that is granted or signed. The object's row is held by the command, as by a grant."""
    found = connection.exec_driver_sql(
        "SELECT loan_id FROM loan_card WHERE premises_id = %s AND living ORDER BY ends LIMIT 1", (command.id,)
    ).scalar_one_or_none()
    return None if found is None else str(found)


def for_request(connection: Connection, command: RequestLoan, state: Loan, at: Surroundings) -> LoanFacts:
    offer = _offer(connection, command.premises_id)
    return LoanFacts(offer, _is_active(connection, at.actor.organisation))


def for_grant(connection: Connection, command: GrantLoan, state: Loan, at: Surroundings) -> LoanFacts:
    """The object's row is locked first: what overlaps is then either visible here or waits for this grant's end."""
    if not state.premises_id:
        return LoanFacts(None, False)
    connection.exec_driver_sql("SELECT FROM premises WHERE id = %s FOR NO KEY UPDATE", (state.premises_id,))
    return LoanFacts(
        offer=_offer(connection, state.premises_id),
        provider_active=_is_active(connection, state.provider_id),
        overlapping=_overlapping(connection, state),
        ad_loans=_ad_loans(connection, state) if state.kind == "ad_surface" else (),
    )


def _overlapping(connection: Connection, state: Loan) -> Period | None:
    row = connection.exec_driver_sql(
        "SELECT starts, ends, loan_id FROM loan_card "
        "WHERE premises_id = %s AND living AND starts < %s AND ends > %s ORDER BY starts LIMIT 1",
        (state.premises_id, state.ends, state.starts),
    ).one_or_none()
    return None if row is None else Period(row[0], row[1], str(row[2]))


def _ad_loans(connection: Connection, state: Loan) -> tuple[Period, ...]:
    """All that uses the owner's quota in the years of this loan: granted once, up to its end or its return.

    A surface-day counts for all surfaces of an owner, so grants of different objects take one lock.
    """
    quota = lock_key("providers", "ad_quota", state.owner_id)
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (quota,))
    rows = connection.exec_driver_sql(_AD_LOANS, (state.owner_id, state.starts, state.ends)).all()
    return tuple(Period(starts, ends) for starts, ends in rows)


# A year's length on both sides, because another loan of the same year need not touch this one.
_AD_LOANS = """
SELECT starts, least(ends, coalesce(returned_at, ends)) FROM loan_card
WHERE kind = 'ad_surface' AND owner_id = %s AND status IN ('granted', 'signed', 'ended', 'returned')
    AND ends > %s::timestamptz - interval '367 days' AND starts < %s::timestamptz + interval '367 days'
"""


def _offer(connection: Connection, premises_id: str) -> Offer | None:
    row: Any = connection.exec_driver_sql(
        "SELECT status, owner_id, kind, available_from, available_until FROM premises_card WHERE premises_id = %s",
        (premises_id,),
    ).one_or_none()
    return None if row is None else Offer(row[0], str(row[1]), row[2], row[3], row[4])


def _is_active(connection: Connection, provider_id: str | None) -> bool:
    found = connection.exec_driver_sql(
        "SELECT status FROM known_provider WHERE provider_id = %s", (provider_id,)
    ).scalar_one_or_none()
    return found == "active"

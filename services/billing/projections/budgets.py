"""Budget lines, and what was asked and answered for each agreement: commands read it under the line's lock."""

from __future__ import annotations

from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.billing.domain.budget_line import (
    BudgetReserved,
    LimitSet,
    Money,
    ObligationReleased,
    ObligationTaken,
    ReservationBarred,
    ReservationRefused,
    ReservationReleased,
)
from services.billing.tables import budget, obligation, reservation

budgets = Projection("budgets", (budget, reservation, obligation))
on = budgets.on


@on("billing", "LimitSet", LimitSet)
def _limit(rows: Rows, event: LimitSet, entry: Entry) -> None:
    _line(rows, event, entry)
    rows.change(budget, {"budget_id": entry.stream_id}, limit_kopecks=event.amount_kopecks)


@on("billing", "BudgetReserved", BudgetReserved)
def _reserved(rows: Rows, event: BudgetReserved, entry: Entry) -> None:
    _answer(rows, event, entry, "reserved")


@on("billing", "ReservationRefused", ReservationRefused)
def _refused(rows: Rows, event: ReservationRefused, entry: Entry) -> None:
    _line(rows, event, entry)
    rows.add(budget, {"budget_id": entry.stream_id}, refusals=1)
    _answer(rows, event, entry, "refused")


@on("billing", "ReservationReleased", ReservationReleased)
def _released(rows: Rows, event: ReservationReleased, entry: Entry) -> None:
    _answer(rows, event, entry, "released")


@on("billing", "ReservationBarred", ReservationBarred)
def _barred(rows: Rows, event: ReservationBarred, entry: Entry) -> None:
    _line(rows, event, entry)
    rows.put(
        reservation,
        {"agreement_id": event.agreement_id, "attempt": event.attempt},
        body_id=event.body_id,
        year=event.year,
        status="barred",
        at=entry.time,
    )


@on("billing", "ObligationTaken", ObligationTaken)
def _obliged(rows: Rows, event: ObligationTaken, entry: Entry) -> None:
    _answer(rows, event, entry, "obliged")
    rows.put(
        obligation,
        {"agreement_id": event.agreement_id},
        body_id=event.body_id,
        year=event.year,
        provider_id=event.provider_id,
        amount_kopecks=event.amount_kopecks,
    )


@on("billing", "ObligationReleased", ObligationReleased)
def _closed(rows: Rows, event: ObligationReleased, entry: Entry) -> None:
    rows.change(reservation, {"agreement_id": event.agreement_id, "attempt": event.attempt}, status="closed")
    rows.change(obligation, {"agreement_id": event.agreement_id}, closed_at=entry.time)


def _line(rows: Rows, event: Money, entry: Entry) -> None:
    rows.put(budget, {"budget_id": entry.stream_id}, body_id=event.body_id, year=event.year)


def _answer(
    rows: Rows,
    event: BudgetReserved | ReservationRefused | ReservationReleased | ObligationTaken,
    entry: Entry,
    status: str,
) -> None:
    rows.put(
        reservation,
        {"agreement_id": event.agreement_id, "attempt": event.attempt},
        body_id=event.body_id,
        year=event.year,
        status=status,
        amount_kopecks=event.amount_kopecks,
        at=entry.time,
    )

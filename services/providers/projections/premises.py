"""Premises and their loans. The row of a loan is what the exclusion constraint looks at (tables.py)."""

from __future__ import annotations

from typing import Any

from kernel.instants import from_text
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.providers.domain.loan_terms import (
    LoanCancelled,
    LoanEnded,
    LoanGranted,
    LoanRefused,
    LoanRequested,
    LoanReturned,
    LoanSigned,
)
from services.providers.domain.premises import PremisesListed, PremisesWithdrawn
from services.providers.tables import loan_card, premises_card

premises = Projection("premises", (premises_card, loan_card))


@premises.on("providers", "PremisesListed", PremisesListed)
def _listed(rows: Rows, event: PremisesListed, entry: Entry) -> None:
    rows.put(premises_card, {"premises_id": entry.stream_id}, **event.model_dump(), status="listed")


@premises.on("providers", "PremisesWithdrawn", PremisesWithdrawn)
def _withdrawn(rows: Rows, event: PremisesWithdrawn, entry: Entry) -> None:
    rows.change(premises_card, {"premises_id": entry.stream_id}, status="withdrawn", reason=event.reason)


@premises.on("providers", "LoanRequested", LoanRequested)
def _requested(rows: Rows, event: LoanRequested, entry: Entry) -> None:
    rows.put(
        loan_card,
        {"loan_id": entry.stream_id},
        **event.model_dump(),
        status="requested",
        living=False,
        requested_at=from_text(entry.time),
    )


@premises.on("providers", "LoanGranted", LoanGranted)
def _granted(rows: Rows, event: LoanGranted, entry: Entry) -> None:
    _change(rows, entry, status="granted", living=True, granted_at=from_text(entry.time))


@premises.on("providers", "LoanRefused", LoanRefused)
def _refused(rows: Rows, event: LoanRefused, entry: Entry) -> None:
    _change(rows, entry, status="refused", reason=event.reason)


@premises.on("providers", "LoanCancelled", LoanCancelled)
def _cancelled(rows: Rows, event: LoanCancelled, entry: Entry) -> None:
    _change(rows, entry, status="cancelled", living=False, reason=event.reason)


@premises.on("providers", "LoanSigned", LoanSigned)
def _signed(rows: Rows, event: LoanSigned, entry: Entry) -> None:
    _change(rows, entry, status="signed", signed_at=from_text(entry.time))


@premises.on("providers", "LoanEnded", LoanEnded)
def _ended(rows: Rows, event: LoanEnded, entry: Entry) -> None:
    _change(rows, entry, status="ended", living=False, ended_at=from_text(entry.time))


@premises.on("providers", "LoanReturned", LoanReturned)
def _returned(rows: Rows, event: LoanReturned, entry: Entry) -> None:
    at = from_text(entry.time)
    _change(rows, entry, status="returned", living=False, returned_at=at, condition=event.condition)


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(loan_card, {"loan_id": entry.stream_id}, **values)

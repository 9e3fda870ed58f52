"""Answers to an agreement's askings: billing's about money, providers' about places.

An answer to an attempt that was given up changes nothing: whoever answered lets go by the event that gave it up
(see `domain/agreement`).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.projection import Entry, Seen
from services.orders.domain.agreement.state import AcceptBudget, AcceptPlaces, TakeBudgetRefusal, TakePlacesRefusal
from services.orders.reactions import reactions


class BudgetAnswer(Seen):
    agreement_id: str
    attempt: int


class BudgetRefusal(BudgetAnswer):
    reason: str


class PlacesAnswer(Seen):
    agreement_id: str


class PlacesRefusal(PlacesAnswer):
    attempt: int
    reason: str


@reactions.on("billing", "BudgetReserved", BudgetAnswer)
def budget_reserved(connection: Connection, event: BudgetAnswer, entry: Entry) -> Iterable[Command]:
    yield AcceptBudget(id=event.agreement_id, attempt=event.attempt)


@reactions.on("billing", "ReservationRefused", BudgetRefusal)
def reservation_refused(connection: Connection, event: BudgetRefusal, entry: Entry) -> Iterable[Command]:
    yield TakeBudgetRefusal(id=event.agreement_id, attempt=event.attempt, reason=event.reason)


@reactions.on("providers", "PlacesReserved", PlacesAnswer)
def places_reserved(connection: Connection, event: PlacesAnswer, entry: Entry) -> Iterable[Command]:
    yield AcceptPlaces(id=event.agreement_id)


@reactions.on("providers", "PlacesRefused", PlacesRefusal)
def places_refused(connection: Connection, event: PlacesRefusal, entry: Entry) -> Iterable[Command]:
    yield TakePlacesRefusal(id=event.agreement_id, attempt=event.attempt, reason=event.reason)

"""What is said about a loan of premises: its commands, its events, its refusals. What they mean is in loan.py."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from kernel.aggregate import Command, Event
from kernel.ids import Id
from kernel.instants import Instant
from kernel.refusal import Refusal

LOAN_LAW = "Civil Code art. 689"
Reason = Annotated[str, StringConstraints(min_length=3, max_length=1000, strip_whitespace=True)]

OVERLAPS = Refusal(
    "loan_overlaps",
    "Объект уже передан на это время{other}.",
    "The object is lent for that time already{other}.",
    rule="one object is never lent twice for one time",
    details={"other": ""},
)
NOT_OFFERED = Refusal(
    "premises_not_offered",
    "Объект {id} не предлагается.",
    "The object {id} is not offered.",
    rule=LOAN_LAW,
)
NOT_ACTIVE = Refusal(
    "provider_not_active",
    "Просить объект могут только действующие поставщики из реестра.",
    "Only active providers of the register can ask for an object.",
    rule="442-FZ art. 25",
    kind="forbidden",
)
OWN_PREMISES = Refusal(
    "own_premises",
    "Свой объект самому себе передать нельзя.",
    "Nobody lends an object to himself.",
    rule=LOAN_LAW,
    kind="invalid",
)
PERIOD_EMPTY = Refusal(
    "period_empty",
    "Конец срока должен быть позже начала.",
    "The period must end after it begins.",
    kind="invalid",
)
IN_THE_PAST = Refusal(
    "loan_in_past",
    "Срок уже прошёл: начинать можно не раньше сегодняшнего дня.",
    "That time has passed: a loan begins today at the earliest.",
    kind="invalid",
)
TOO_LONG = Refusal(
    "loan_too_long",
    "Срок больше {years} лет, наибольшего в крае.",
    "The period is longer than {years} years, the longest in this region.",
    rule="region: limits.loan_years",
    kind="invalid",
)
OUT_OF_WINDOW = Refusal(
    "loan_out_of_window",
    "Объект предлагается только на время {available_from} – {available_until}.",
    "The object is offered for {available_from} – {available_until} only.",
    rule=LOAN_LAW,
    kind="invalid",
)
AD_QUOTA = Refusal(
    "ad_quota_exceeded",
    "Годовая квота рекламных мест на {year} год: {quota} дней, осталось {left}, нужно {asked}.",
    "The yearly quota of advertising space for {year} is {quota} days; {left} are left, {asked} are asked for.",
    rule="region: limits.ad_surface_days_per_year (38-FZ art. 10)",
)
NOT_OVER = Refusal("loan_not_over", "Срок ещё не истёк.", "The period is not over yet.")


class LoanRequested(Event):
    premises_id: Id
    provider_id: Id
    owner_id: Id
    kind: str
    starts: Instant
    ends: Instant
    purpose: str


class LoanGranted(Event):
    premises_id: Id
    provider_id: Id
    starts: Instant
    ends: Instant


class LoanRefused(Event):
    reason: str


class LoanCancelled(Event):
    side: Literal["provider", "owner"]
    reason: str


class LoanSigned(Event):
    pass


class LoanReturned(Event):
    """The return act; `condition` is how the object was found."""

    condition: str


class LoanEnded(Event):
    pass


class RequestLoan(Command):
    """The provider is the actor's organisation."""

    id: Id
    premises_id: Id
    starts: Instant
    ends: Instant
    purpose: str = Field(min_length=3, max_length=1000)


class GrantLoan(Command):
    id: Id


class RefuseLoan(Command):
    id: Id
    reason: Reason


class CancelLoan(Command):
    """By the provider before signing; by the owner while what he granted isn't signed."""

    id: Id
    reason: Reason


class SignLoan(Command):
    id: Id


class ReturnLoan(Command):
    id: Id
    condition: str = Field(min_length=3, max_length=1000)


class EndLoan(Command):
    id: Id

"""What the stages of an entry share: its events, its state, and what each event changes in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Context, Event, changed
from kernel.instants import Instant
from services.registry.domain.card import Card, CardFields, Changes, FormOfService, HeadRef, Kind, ServiceKind, given
from services.registry.domain.terms import Answers, Dated, Grounded, Opens, TermKind

LIVING = ("applied", "returned", "active", "suspended")
"""The statuses of an entry whose INN no other entry may have."""

REGISTRAR = {"registrar"}
Reason = Annotated[str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True)]
Reasons = Annotated[tuple[Reason, ...], Field(min_length=1, max_length=20)]
Origin = Literal["provider", "registrar", "import"]


class Check(BaseModel):
    """What a registrar found on one requirement."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    requirement: Annotated[str, StringConstraints(min_length=2, max_length=100, strip_whitespace=True)]
    met: bool
    reason: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] = ""


# -- events -----------------------------------------------------------------------------------------------------------


class ProviderApplied(Event, CardFields, Dated, Opens, Answers):
    """`applied_by`: the account that made the application, and so doesn't decide on it."""

    applied_by: str
    origin: Origin = "provider"
    import_row: HeadRef = ""


class ProviderReturned(Event, Grounded, Opens, Answers):
    reasons: tuple[str, ...]


class FormalCheckDone(Event):
    checks: tuple[Check, ...]
    met: bool


class ProviderIncluded(Event, Grounded, Answers):
    number: str
    full_name: str
    short_name: str
    kind: Kind
    inn: str
    ogrn: str
    territory: str
    forms: tuple[FormOfService, ...]
    service_kinds: tuple[ServiceKind, ...]
    included_on: str


class ProviderRefused(Event, Grounded, Opens, Answers):
    reasons: tuple[str, ...]
    ground: str


class ProviderSuspended(Event, Grounded, Opens):
    reason: str


class RemedyReported(Event, Dated, Opens, Answers):
    """What the provider says it has done about the violations; the registrar decides on it by `until`."""

    report: str


class SuspensionUpheld(Event, Grounded, Opens, Answers):
    """The remedy is not enough: the entry stays suspended, and a new term to remedy begins."""

    reason: str


class ProviderRestored(Event, Grounded, Answers):
    reason: str = ""


class ProviderExcluded(Event, Grounded, Opens, Answers):
    reason: str


class ProviderWithdrawn(Event, Grounded):
    reason: str = ""


class TermMissed(Event):
    """The last second of a term has passed and nobody had answered it."""

    term: TermKind
    until: Instant
    last_day: str


class CardChanged(Event, Changes):
    """The changed fields, whole; null: unchanged."""


# -- state ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Licence:
    """`said`: "" while nothing had to be, then "expiring", "expired"."""

    licence_id: str
    number: str
    valid_to: date | None
    said: str = ""


@dataclass(frozen=True)
class RegisterEntry:
    """`term`: what somebody has to do by the end of `last_day`; `missed`: the term that nobody kept."""

    status: str = NEW
    card: Card | None = None
    applied_by: str = ""
    checks: tuple[Check, ...] = ()
    number: str = ""
    included_on: str = ""
    term: str = ""
    until: Instant | None = None
    last_day: str = ""
    missed: str = ""
    licences: tuple[Licence, ...] = ()
    documents: tuple[str, ...] = ()


register_entry = Aggregate("RegisterEntry", RegisterEntry)


def is_own(context: Context) -> bool:
    """Whether the actor may act for this entry: its own staff, or a registrar on behalf."""
    return context.actor.has("registrar") or context.actor.organisation == context.id


def _term(event: Opens | Event) -> dict[str, Any]:
    """The term that runs after a decision: the one that it begins. Nobody waits for an appeal."""
    if not isinstance(event, Opens) or event.deadline_explanation is None or event.term == "appeal":
        return {"term": "", "until": None, "last_day": "", "missed": ""}
    last_day = event.deadline_explanation["last_day"]
    return {"term": event.term, "until": event.until, "last_day": last_day, "missed": ""}


@register_entry.event(ProviderApplied, to="applied")
def _applied(state: RegisterEntry, event: ProviderApplied) -> RegisterEntry:
    card = Card(**{name: getattr(event, name) for name in Card.model_fields})
    return RegisterEntry(
        status="applied", card=card, applied_by=event.applied_by,
        licences=state.licences, documents=state.documents, **_term(event),
    )  # fmt: skip


@register_entry.event(ProviderReturned, to="returned")
def _returned(state: RegisterEntry, event: ProviderReturned) -> RegisterEntry:
    return changed(state, checks=(), **_term(event))


@register_entry.event(FormalCheckDone)
def _checked(state: RegisterEntry, event: FormalCheckDone) -> RegisterEntry:
    return changed(state, checks=event.checks)


@register_entry.event(ProviderIncluded, to="active")
def _included(state: RegisterEntry, event: ProviderIncluded) -> RegisterEntry:
    return changed(state, number=event.number, included_on=event.included_on, **_term(event))


@register_entry.event(ProviderRefused, to="refused")
@register_entry.event(ProviderSuspended, to="suspended")
@register_entry.event(RemedyReported)
@register_entry.event(SuspensionUpheld)
@register_entry.event(ProviderRestored, to="active")
@register_entry.event(ProviderExcluded, to="excluded")
@register_entry.event(ProviderWithdrawn, to="withdrawn")
def _moved(state: RegisterEntry, event: Event) -> RegisterEntry:
    return changed(state, **_term(event))


@register_entry.event(TermMissed)
def _term_missed(state: RegisterEntry, event: TermMissed) -> RegisterEntry:
    return changed(state, missed=event.term)


@register_entry.event(CardChanged)
def _card_changed(state: RegisterEntry, event: CardChanged) -> RegisterEntry:
    assert state.card is not None
    return changed(state, card=state.card.model_copy(update=given(event)))

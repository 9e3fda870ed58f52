"""Licences of a provider: recorded with their validity, warned of before they end, told when they have ended.

Nothing follows by itself from a licence that ended: it is a fact, and suspending on that ground is the registrar's decision.
A renewal is recorded under the licence's own id; what was due by the old end then does nothing.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import StringConstraints

from kernel.aggregate import ANY, SYSTEM, Command, Context, Decision, Due, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require
from services.registry.domain.register_entry.state import (
    LIVING,
    Licence,
    Reason,
    RegisterEntry,
    is_own,
    register_entry,
)

LAW = "99-FZ"
MAX_LICENCES = 50

LICENCE_UNKNOWN = Refusal(
    "licence_unknown", "Такой лицензии в карточке нет.", "The card has no such licence.", LAW, kind="missing"
)
LICENCE_TWICE = Refusal(
    "licence_recorded_already",
    "Лицензия № {number} уже внесена: продление запишите в неё же.",
    "The licence No. {number} is recorded already: record a renewal under it.",
    LAW,
)
LICENCE_OVER = Refusal(
    "licence_dates_invalid",
    "Лицензия действует по {valid_to}: этот день раньше её начала или уже прошёл.",
    "The licence is valid until {valid_to}: that day is before its beginning, or has passed.",
    LAW,
    kind="invalid",
)
TOO_MANY_LICENCES = Refusal(
    "too_many_licences", "В карточке не больше {limit} лицензий.", "A card has at most {limit} licences."
)

Said = Annotated[str, StringConstraints(min_length=2, max_length=300, strip_whitespace=True)]
LicenceNumber = Annotated[str, StringConstraints(min_length=2, max_length=60, strip_whitespace=True)]


class LicenceRecorded(Event):
    """A licence, or its renewal; `valid_to`: its last day, null for one without an end."""

    licence_id: Id
    number: str
    activity: str
    issued_by: str
    valid_from: date
    valid_to: date | None


class LicenceExpiring(Event):
    """The licence ends in `days_left` days, by the region's days of warning."""

    licence_id: Id
    number: str
    valid_to: date
    days_left: int


class LicenceExpired(Event):
    licence_id: Id
    number: str
    valid_to: date


class LicenceRemoved(Event):
    licence_id: Id
    number: str
    reason: str


class RecordLicence(Command):
    """Record a licence, or with `licence_id` its renewal."""

    id: Id
    licence_id: Id | None = None
    number: LicenceNumber
    activity: Said
    issued_by: Said
    valid_from: date
    valid_to: date | None = None


class WatchLicence(Command):
    """A licence's end comes near, or has come (the service gives itself this when a licence is recorded)."""

    id: Id
    licence_id: Id
    valid_to: date


class RemoveLicence(Command):
    """Take out a licence that was recorded wrongly, or that was withdrawn by who gave it."""

    id: Id
    licence_id: Id
    reason: Reason


def _midnight(day: date, zone: str) -> datetime:
    """The first instant of `day` in the region."""
    return datetime.combine(day, time(), ZoneInfo(zone))


@register_entry.command(
    RecordLicence, roles={"provider", "registrar"}, states=set(LIVING), emits=(LicenceRecorded,), ground=LAW
)
def record(state: RegisterEntry, command: RecordLicence, context: Context) -> Decision:
    require(is_own(context), NOT_YOURS)
    others = {held.number for held in state.licences if held.licence_id != command.licence_id}
    renewed = command.licence_id in {held.licence_id for held in state.licences}
    require(command.licence_id is None or renewed, LICENCE_UNKNOWN)
    require(command.number not in others, LICENCE_TWICE, number=command.number)
    require(renewed or len(state.licences) < MAX_LICENCES, TOO_MANY_LICENCES, limit=MAX_LICENCES)
    today, end = context.now.astimezone(ZoneInfo(context.rules.zone)).date(), command.valid_to
    require(end is None or max(today, command.valid_from) <= end, LICENCE_OVER, valid_to=str(end))
    event = LicenceRecorded(
        licence_id=command.licence_id or context.new_id(),
        number=command.number,
        activity=command.activity,
        issued_by=command.issued_by,
        valid_from=command.valid_from,
        valid_to=end,
    )
    return decided(event, due=_watches(event, context), licence_id=event.licence_id)


def _watches(event: LicenceRecorded, context: Context) -> tuple[Due, ...]:
    """A look at the region's days of warning before the end, and one when the last day is over."""
    if event.valid_to is None:
        return ()
    zone, watch = context.rules.zone, WatchLicence(id=context.id, licence_id=event.licence_id, valid_to=event.valid_to)
    warn_on = event.valid_to - timedelta(days=context.rules.licence_warning_days)
    return Due(_midnight(warn_on, zone), watch), Due(_midnight(event.valid_to + timedelta(days=1), zone), watch)


@register_entry.command(WatchLicence, roles={SYSTEM}, states=ANY, emits=(LicenceExpiring, LicenceExpired))
def watch(state: RegisterEntry, command: WatchLicence, context: Context) -> Decision:
    """Nothing where the licence was renewed or removed meanwhile, or this was said already."""
    held = next((each for each in state.licences if each.licence_id == command.licence_id), None)
    if held is None or held.valid_to != command.valid_to or held.said == "expired":
        return decided()
    said: dict[str, Any] = {"licence_id": held.licence_id, "number": held.number, "valid_to": command.valid_to}
    left = (command.valid_to - context.now.astimezone(ZoneInfo(context.rules.zone)).date()).days
    if left < 0:
        return decided(LicenceExpired(**said))
    return decided() if held.said else decided(LicenceExpiring(**said, days_left=left))


@register_entry.command(RemoveLicence, roles={"registrar"}, states=set(LIVING), emits=(LicenceRemoved,), ground=LAW)
def remove(state: RegisterEntry, command: RemoveLicence, context: Context) -> Decision:
    held = next((each for each in state.licences if each.licence_id == command.licence_id), None)
    require(held is not None, LICENCE_UNKNOWN)
    assert held is not None
    return decided(LicenceRemoved(licence_id=held.licence_id, number=held.number, reason=command.reason))


# -- what the events do -----------------------------------------------------------------------------------------------


def _without(state: RegisterEntry, licence_id: str) -> tuple[Licence, ...]:
    return tuple(held for held in state.licences if held.licence_id != licence_id)


@register_entry.event(LicenceRecorded)
def _recorded(state: RegisterEntry, event: LicenceRecorded) -> RegisterEntry:
    held = Licence(event.licence_id, event.number, event.valid_to)
    return changed(state, licences=(*_without(state, event.licence_id), held))


@register_entry.event(LicenceExpiring)
def _expiring(state: RegisterEntry, event: LicenceExpiring) -> RegisterEntry:
    held = Licence(event.licence_id, event.number, event.valid_to, "expiring")
    return changed(state, licences=(*_without(state, event.licence_id), held))


@register_entry.event(LicenceExpired)
def _expired(state: RegisterEntry, event: LicenceExpired) -> RegisterEntry:
    held = Licence(event.licence_id, event.number, event.valid_to, "expired")
    return changed(state, licences=(*_without(state, event.licence_id), held))


@register_entry.event(LicenceRemoved)
def _removed(state: RegisterEntry, event: LicenceRemoved) -> RegisterEntry:
    return changed(state, licences=_without(state, event.licence_id))

"""The register as it is searched and read: an entry's row, and the history of its decisions."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from kernel.aggregate import Event
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.registry.domain import names
from services.registry.domain.card import CardFields, given
from services.registry.domain.register_entry.state import (
    CardChanged,
    FormalCheckDone,
    ProviderApplied,
    ProviderExcluded,
    ProviderIncluded,
    ProviderRefused,
    ProviderRestored,
    ProviderReturned,
    ProviderSuspended,
    ProviderWithdrawn,
    RemedyReported,
    SuspensionUpheld,
    TermMissed,
)
from services.registry.tables.register import decision, provider

register = Projection("register", (provider, decision))

_MOVES: tuple[tuple[type[Event], str], ...] = (
    (ProviderReturned, "returned"),
    (ProviderRefused, "refused"),
    (ProviderSuspended, "suspended"),
    (RemedyReported, "suspended"),
    (SuspensionUpheld, "suspended"),
    (ProviderRestored, "active"),
    (ProviderExcluded, "excluded"),
    (ProviderWithdrawn, "withdrawn"),
)


@register.on("registry", "ProviderApplied", ProviderApplied)
def _applied(rows: Rows, event: ProviderApplied, entry: Entry) -> None:
    card = {name: entry.data[name] for name in CardFields.model_fields}
    rows.put(
        provider,
        {"id": entry.stream_id},
        **card,
        **_searched(event.full_name, event.short_name),
        status="applied",
        version=entry.version,
        number="",
        checked="",
        included_on=None,
        origin=event.origin,
        applied_at=entry.time,
        applied_by=event.applied_by,
        changed_at=entry.time,
        **_term(entry),
    )
    _keep(rows, entry, _besides(entry, {*card, "applied_by"}))


@register.on("registry", "FormalCheckDone", FormalCheckDone)
def _checked(rows: Rows, event: FormalCheckDone, entry: Entry) -> None:
    _change(rows, entry, checked="met" if event.met else "unmet")
    _keep(rows, entry, entry.data)


@register.on("registry", "ProviderIncluded", ProviderIncluded)
def _included(rows: Rows, event: ProviderIncluded, entry: Entry) -> None:
    _change(rows, entry, status="active", number=event.number, included_on=event.included_on, **_term(entry))
    _keep(rows, entry, _besides(entry, CardFields.model_fields))


@register.on("registry", "CardChanged", CardChanged)
def _card_changed(rows: Rows, event: CardChanged, entry: Entry) -> None:
    changed = {name: entry.data[name] for name in given(event)}
    row = rows.get(provider, {"id": entry.stream_id})
    assert row is not None, f"{entry.subject} changes before it applied"
    named = {name: str(changed.get(name, row[name])) for name in ("full_name", "short_name")}
    _change(rows, entry, **changed, **_searched(**named))
    _keep(rows, entry, {"fields": sorted(changed)})


def _mover(status: str) -> Any:
    def move(rows: Rows, event: Event, entry: Entry) -> None:
        _change(rows, entry, status=status, **_term(entry), **({"checked": ""} if status == "returned" else {}))
        _keep(rows, entry, entry.data)

    return move


for _type, _status in _MOVES:
    register.on("registry", _type.__name__, _type)(_mover(_status))


@register.on("registry", "TermMissed", TermMissed)
def _term_missed(rows: Rows, event: TermMissed, entry: Entry) -> None:
    _change(rows, entry, missed=event.term)
    _keep(rows, entry, entry.data)


def _term(entry: Entry) -> dict[str, Any]:
    """The term that a decision begins; nobody waits for an appeal."""
    begins = entry.data.get("term") not in (None, "appeal")
    return {
        "term": entry.data["term"] if begins else "",
        "term_until": entry.data["until"] if begins else None,
        "missed": "",
    }


def _besides(entry: Entry, names: Container[str]) -> dict[str, Any]:
    """What an event says besides the card's fields, which stand in the card."""
    return {name: value for name, value in entry.data.items() if name not in names}


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(provider, {"id": entry.stream_id}, **values, version=entry.version, changed_at=entry.time)


def _keep(rows: Rows, entry: Entry, details: dict[str, Any]) -> None:
    rows.insert(
        decision,
        provider_id=entry.stream_id,
        version=entry.version,
        event=entry.name,
        at=entry.time,
        actor=entry.actor,
        ground=entry.ground,
        details=details,
    )


def _searched(full_name: str, short_name: str) -> dict[str, Any]:
    both = f"{full_name} {short_name}"
    return {
        "name_key": names.normalised(short_name),
        "search": names.normalised(both),
        "grams": list(names.grams(both)),
        "words": sorted(names.telling_words(full_name)),
    }

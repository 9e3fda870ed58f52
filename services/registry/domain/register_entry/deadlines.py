"""Terms that run out: nothing is decided by itself, but that a term was missed is a fact, and some grounds rest on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kernel.aggregate import ANY, SYSTEM, Command, Context, Decision, Due, decided
from kernel.ids import Id
from kernel.instants import Instant
from services.registry.domain.register_entry.state import (
    ProviderApplied,
    ProviderExcluded,
    ProviderIncluded,
    ProviderRefused,
    ProviderRestored,
    ProviderReturned,
    RegisterEntry,
    RemedyReported,
    SuspensionUpheld,
    TermMissed,
    register_entry,
)
from services.registry.domain.terms import AFTER_THE_LAST_SECOND, Answers, Dated, TermKind, answered


class MissTerm(Command):
    """The term's last second has passed (the service gives itself this when the term begins)."""

    id: Id
    term: TermKind
    until: Instant


def reminder(id: str, term: Mapping[str, Any]) -> Iterable[Due]:
    """The due command of a term that has just begun (`terms.opened`)."""
    command = MissTerm(id=id, term=term["term"], until=term["until"])
    return (Due(term["until"] + AFTER_THE_LAST_SECOND, command),)


@register_entry.command(MissTerm, roles={SYSTEM}, states=ANY, emits=(TermMissed,))
def miss(state: RegisterEntry, command: MissTerm, context: Context) -> Decision:
    """Nothing where the term was answered meanwhile."""
    if (state.term, state.until, state.missed) != (command.term, command.until, ""):
        return decided()
    return decided(TermMissed(term=command.term, until=command.until, last_day=state.last_day))


_ANSWERED: Mapping[type[Any], TermKind] = {
    ProviderApplied: "correction",
    ProviderReturned: "decision",
    ProviderIncluded: "decision",
    ProviderRefused: "decision",
    RemedyReported: "remedy",
    SuspensionUpheld: "remedy_decision",
    ProviderRestored: "remedy_decision",
    ProviderExcluded: "remedy_decision",
}


class _DatedAnswer(Dated, Answers):
    """Any event of `_ANSWERED`."""


def _answered_again(state: RegisterEntry, event: _DatedAnswer) -> Mapping[str, Any]:
    return answered(state, event.day, _ANSWERED[type(event)])


for _type in _ANSWERED:
    register_entry.computes(_type)(_answered_again)

"""given(events).when(command).then(events | refusal): stories of one aggregate, told without any database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kernel.aggregate import Aggregate, Command, Context, Decision, Event
from kernel.identity import Actor
from kernel.ids import new_id

NOON = datetime(2027, 3, 10, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Given:
    """A stream as far as it has gone."""

    aggregate: Aggregate
    id: str
    state: Any
    rules: Any

    def when(self, command: Command, by: Actor, *, facts: Any = None, now: datetime = NOON) -> Told:
        context = Context(now=now, received_at=now, actor=by, new_id=new_id, id=self.id, facts=facts, rules=self.rules)
        return Told(self, self.aggregate.decide(self.state, command, context))


@dataclass(frozen=True)
class Told:
    """What was decided; `then` and `refused` say what it must have been."""

    before: Given
    decision: Decision

    def then(self, *expected: type[Event]) -> Given:
        """These events and no others; what the stream is after them."""
        assert self.decision.refusal is None, self.decision.refusal
        assert tuple(type(event) for event in self.decision.events) == expected
        aggregate = self.before.aggregate
        # The state goes through its stored form, as it does between two commands.
        state = aggregate.load_json(aggregate.dump(aggregate.fold(self.decision.events, self.before.state)))
        return Given(aggregate, self.before.id, state, self.before.rules)

    def refused(self, code: str, *facts: type[Event]) -> None:
        """This refusal, in whole sentences, and these facts (mostly none)."""
        assert self.decision.refusal is not None, self.decision.events
        assert self.decision.refusal.code == code
        assert tuple(type(event) for event in self.decision.events) == facts
        told = self.decision.refusal.to_dict()
        assert "{" not in told["ru"] + told["en"], "a sentence has a place that nothing fills"

    @property
    def event(self) -> Any:
        """The one event that was decided."""
        [event] = self.decision.events
        return event


def given(aggregate: Aggregate, *events: Event, id: str | None = None, rules: Any = None) -> Given:
    return Given(aggregate, id or new_id(), aggregate.fold(events), rules)

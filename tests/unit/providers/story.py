"""given(events).when(command).then(events | refusal), for the aggregates of the service `providers`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kernel.aggregate import Aggregate, Command, Context, Decision, Event
from kernel.identity import Actor
from kernel.ids import new_id
from services.providers.domain.rules import Rules

NOW = datetime(2027, 3, 10, 9, 0, tzinfo=UTC)
RULES = Rules(ZoneInfo("Europe/Moscow"), loan_years=5, ad_surface_days_per_year=30)
PROVIDER, BODY, OWNER = new_id(), new_id(), new_id()
SYSTEM = Actor.system("providers")


def somebody(role: str, organisation: str | None) -> Actor:
    return Actor(new_id(), frozenset({role}), organisation)


NPO = somebody("provider", PROVIDER)
OFFICER = somebody("officer", BODY)
LENDER = somebody("premises_owner", OWNER)


class Story:
    """A stream of one aggregate, told from what has happened to it."""

    def __init__(self, aggregate: Aggregate, *given: Event, id: str | None = None) -> None:
        self.aggregate = aggregate
        self.id = id or new_id()
        self.state: Any = aggregate.fold(given)

    def when(
        self, command: Command, actor: Actor, *, facts: Any = None, now: datetime = NOW, rules: Rules = RULES
    ) -> Told:
        context = Context(now=now, received_at=now, actor=actor, new_id=new_id, id=self.id, facts=facts, rules=rules)
        return Told(self, self.aggregate.decide(self.state, command, context))


class Told:
    """What was decided; `then` and `refused` say what it must have been."""

    def __init__(self, story: Story, decision: Decision) -> None:
        self.story, self.decision = story, decision

    def then(self, *expected: type[Event]) -> Sequence[Any]:
        assert self.decision.refusal is None, self.decision.refusal
        assert tuple(type(event) for event in self.decision.events) == expected
        for event in self.decision.events:
            self.check_computed(event)
            self.story.state = self.story.aggregate.evolve(self.story.state, event)
        return self.decision.events

    def refused(self, code: str) -> None:
        assert self.decision.refusal is not None, self.decision.events
        assert self.decision.refusal.code == code and self.decision.events == ()
        told = self.decision.refusal.to_dict()
        assert "{" not in told["ru"] + told["en"], "a sentence has a place that nothing fills"

    def check_computed(self, event: Event) -> None:
        """A replay computes the same."""
        again = self.story.aggregate.recomputed.get(type(event).__name__)
        for name, value in (again(self.story.state, event) if again else {}).items():
            assert getattr(event, name) == value

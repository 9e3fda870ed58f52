"""Aggregates (decision D1): a frozen state, `decide`, `evolve`; nothing else decides and nothing else changes.

`decide(state, command, context) -> Decision` and `evolve(state, event) -> state` are pure: no clock, no random,
no I/O. Time, ids and the actor come in the context. Replay folds events with `evolve` alone.

    competition = Aggregate("Competition", Competition)

    @competition.command(Publish, roles={"officer"}, states={"draft"}, emits=(CompetitionPublished,))
    def publish(state: Competition, command: Publish, context: Context) -> Decision: ...

    @competition.event(CompetitionPublished, to="published")
    def _(state: Competition, event: CompetitionPublished) -> Competition: ...

The state class is a frozen dataclass whose fields all have defaults and which has a field `status: str = NEW`.
The declared roles, states, events and the `to` of an event are what the checks, the contracts and the state
diagrams are made from; the store keeps them (deny by default).
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

from kernel.identity import Actor
from kernel.refusal import FORBIDDEN, WRONG_STATE, Refusal, Refused

NEW = ""
"""The status of an aggregate of which nothing has happened yet."""

ANY = frozenset({"*"})
"""In `states`: whatever the status is, but not NEW."""

SYSTEM = "system"
"""The role of the service itself: reactions and due commands. No token can carry it."""


class Event(BaseModel):
    """A fact. `class BidSubmitted(Event, readers="after:BiddingClosed:competition_id")`.

    `readers` says who may read the entry and from when: `public`, `auditor`, `parties:<field>,<field>` (data fields
    that hold organisation ids) or `after:<Event>:<field>` (public once that event with the same field is logged).
    `version` names the contract; inside a version only additive change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    readers: ClassVar[str] = "public"
    version: ClassVar[int] = 1

    def __init_subclass__(cls, readers: str = "public", version: int = 1, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.readers = readers
        cls.version = version


class Command(BaseModel):
    """What somebody asks for. Strict: unknown fields and wrong types are refused, never guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Due:
    """A command that the service gives itself at `at`, stored in the deciding transaction, fired once."""

    at: datetime
    command: Command


@dataclass(frozen=True)
class Decision:
    """What follows from a command: facts, the reply, due commands, or a refusal (with or without facts).

    `keep`: what the facts function wrote stays although the command is refused without an event (a counted attempt).
    """

    events: tuple[Event, ...] = ()
    reply: Mapping[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None
    due: tuple[Due, ...] = ()
    keep: bool = False


def decided(*events: Event, due: Iterable[Due] = (), **reply: Any) -> Decision:
    return Decision(events=events, reply=reply, due=tuple(due))


def refused(refusal: Refusal, *events: Event, **details: Any) -> Decision:
    return Decision(events=events, refusal=refusal.having(**details) if details else refusal)


@dataclass(frozen=True)
class Context:
    """All that a decision may know besides state and command.

    `now` is the clock's instant, `received_at` when the call reached the gateway (signed), `new_id` gives UUIDv7,
    `facts` is what the command's `facts` function found under the locks (see service.py), `rules` the region's
    configuration as this service loaded it, `id` the stream's id.
    """

    now: datetime
    received_at: datetime
    actor: Actor
    new_id: Callable[[], str]
    id: str
    version: int = 0
    facts: Any = None
    rules: Any = None


S = TypeVar("S")
Decide = Callable[[Any, Any, Context], Decision]
Evolve = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class CommandRule:
    """One command of an aggregate as it was declared."""

    type: builtins.type[Command]
    roles: frozenset[str]
    states: frozenset[str]
    emits: tuple[builtins.type[Event], ...]
    decide: Decide
    stream: Callable[[Any], str]
    ground: str

    @property
    def name(self) -> str:
        return snake(self.type.__name__)


@dataclass(frozen=True)
class EventRule:
    """One event of an aggregate as it was declared."""

    type: builtins.type[Event]
    evolve: Evolve
    to: str | None


class Aggregate:
    """A kind of aggregate: its state class and the rules declared on it."""

    def __init__(self, name: str, state: type[Any]) -> None:
        self.name = name
        self.state = state
        self.initial = state()
        self.commands: dict[type[Command], CommandRule] = {}
        self.events: dict[str, EventRule] = {}
        self.recomputed: dict[str, Callable[[Any, Any], Mapping[str, Any]]] = {}
        self._adapter: TypeAdapter[Any] = TypeAdapter(state)

    @property
    def table(self) -> str:
        return snake(self.name)

    def command(
        self,
        command: type[Command],
        *,
        roles: Iterable[str],
        states: Iterable[str],
        emits: tuple[type[Event], ...],
        stream: Callable[[Any], str] = lambda command: str(command.id),
        ground: str = "",
    ) -> Callable[[Decide], Decide]:
        """Declare who may give `command`, in which states, and what may follow.

        `stream` finds the stream's id in the command; `ground` is the legal ground that its events will name.
        """

        def declare(decide: Decide) -> Decide:
            rule = CommandRule(command, frozenset(roles), frozenset(states), emits, decide, stream, ground)
            if command in self.commands:
                raise ValueError(f"{command.__name__} is declared twice on {self.name}")
            self.commands[command] = rule
            return decide

        return declare

    def event(self, event: type[Event], *, to: str | None = None) -> Callable[[Evolve], Evolve]:
        """Declare how `event` changes the state; `to` is the status that it leads to (None: it stays)."""

        def declare(evolve: Evolve) -> Evolve:
            if event.__name__ in self.events:
                raise ValueError(f"{event.__name__} is declared twice on {self.name}")
            self.events[event.__name__] = EventRule(event, evolve, to)
            return evolve

        return declare

    def computes(self, event: type[Event]) -> Callable[[Callable[[Any, Any], Mapping[str, Any]]], Any]:
        """Declare how a replay computes again what `event` says was computed.

        The function takes (state before the event, event) and gives {field: value as it must be}.
        """

        def declare(function: Callable[[Any, Any], Mapping[str, Any]]) -> Any:
            self.recomputed[event.__name__] = function
            return function

        return declare

    def decide(self, state: Any, command: Command, context: Context) -> Decision:
        """The decision, with roles and states checked. Pure; also what unit tests call."""
        rule = self.commands[type(command)]
        if not rule.roles & context.actor.roles:
            return refused(FORBIDDEN, roles=", ".join(sorted(rule.roles)))
        if not _allowed(state.status, rule.states):
            return refused(WRONG_STATE, state=state.status or "new", allowed=", ".join(sorted(rule.states)) or "new")
        try:
            decision = rule.decide(state, command, context)
        except Refused as answer:
            return Decision(refusal=answer.refusal)
        for event in decision.events:
            if type(event) not in rule.emits:
                raise TypeError(f"{rule.type.__name__} may not emit {type(event).__name__}: declare it in `emits`")
        return decision

    def evolve(self, state: Any, event: Event) -> Any:
        """The state after `event`."""
        rule = self.events[type(event).__name__]
        after = rule.evolve(state, event)
        return after if rule.to is None or after.status == rule.to else changed(after, status=rule.to)

    def fold(self, events: Iterable[Event], state: Any = None) -> Any:
        state = self.initial if state is None else state
        for event in events:
            state = self.evolve(state, event)
        return state

    def dump(self, state: Any) -> bytes:
        """The state as JSON bytes."""
        return self._adapter.dump_json(state)

    def load(self, value: Any) -> Any:
        """The state from parsed JSON."""
        return self._adapter.validate_python(value, strict=False)

    def load_json(self, value: bytes | str) -> Any:
        return self._adapter.validate_json(value, strict=False)


def changed(state: S, **fields: Any) -> S:
    """`state` with other values in `fields`: what `dataclasses.replace` makes, at a third of its price.

    A fold makes a state for every event, and `replace` was most of what that took. For frozen dataclasses without
    slots and `__post_init__`. Raises TypeError for a field that there isn't.
    """
    held = vars(state)
    if not fields.keys() <= held.keys():
        raise TypeError(f"{type(state).__name__} has no {', '.join(sorted(fields.keys() - held.keys()))}")
    after = object.__new__(type(state))
    after.__dict__.update(held)
    after.__dict__.update(fields)
    return after


def _allowed(status: str, states: frozenset[str]) -> bool:
    return status in states or ("*" in states and status != NEW)


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """`SubmitBid` → `submit_bid`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

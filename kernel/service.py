"""What a service is: its aggregates, commands, queries, projections and reactions, named on one screen.

A service's own `service.py` builds one `Service`; that file is its table of contents. The kernel runs it the same way
embedded and behind RabbitMQ, and makes contracts, grants and topology from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import Connection, MetaData, Table

from kernel.aggregate import Aggregate, Command, CommandRule, Event
from kernel.identity import Actor
from kernel.projection import Entry, Projection
from kernel.refusal import Refusal
from kernel.tables import kernel_tables, state_table

Locks = Callable[[Any], list[tuple[str, int]]]
Facts = Callable[[Connection, Any, Any, "Surroundings"], Any]


@dataclass(frozen=True)
class Surroundings:
    """What a facts or query function may use besides the connection: who asks, when, under which rules."""

    actor: Actor
    now: Any
    rules: Any
    keys: Path
    received_at: Any = None


@dataclass(frozen=True)
class On:
    """One command of a service's table of contents.

    `locks(command)` names advisory locks to take first: `[("shared"|"exclusive", lock_key(…))]`.
    `facts(connection, command, state, surroundings)` runs in the transaction, under the locks and after the
    aggregate's row is held: whatever it returns reaches `decide` as `context.facts`; what it writes (a secret that
    must not be in an event, a number drawn from a counter) is undone when the command is refused.
    `receipt`: the reply carries a signed receipt of its first event.
    `secret`: the input or the reply hold what may not be kept (a password, a name, a token): under the idempotency key
    only a keyed hash of the input and an answer without its reply are stored. A repeated call is still done once; it is
    answered with ids and versions, and asks for the secret part anew.
    """

    command: type[Command]
    locks: Locks | None = None
    facts: Facts | None = None
    receipt: bool = False
    secret: bool = False


class Page(BaseModel):
    """Parameters of every list: an opaque cursor and a limit."""

    model_config = {"extra": "forbid", "frozen": True}
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=500)


@dataclass(frozen=True)
class Query:
    """A question that a service answers: `ask(connection, params, surroundings) -> JSON-able dict`."""

    name: str
    params: type[BaseModel]
    ask: Callable[[Connection, Any, Surroundings], Mapping[str, Any]]
    roles: frozenset[str]
    writes: bool = False


def query(
    params: type[BaseModel], *, roles: Iterable[str] = ("public",), name: str | None = None
) -> Callable[[Callable[..., Mapping[str, Any]]], Query]:
    """Make a Query of a function; its name is the query's. `roles` with "public" admits everybody."""

    def declare(function: Callable[..., Mapping[str, Any]]) -> Query:
        return Query(name or function.__name__, params, function, frozenset(roles))

    return declare


React = Callable[[Connection, Any, Entry], Iterable[Command]]


class Reactions:
    """Foreign (or own) events → own commands, each with this service's own tolerant model of the event."""

    def __init__(self) -> None:
        self.handlers: dict[tuple[str, str], tuple[type[BaseModel], React]] = {}

    def on(self, source: str, event: str, model: type[BaseModel]) -> Callable[[React], React]:
        def declare(function: React) -> React:
            if (source, event) in self.handlers:
                raise ValueError(f"{source}.{event} has a reaction already")
            self.handlers[source, event] = (model, function)
            return function

        return declare


@dataclass(frozen=True)
class Deposit:
    """A subscription that takes every entry of its sources as bytes and interprets nothing (the audit service).

    `take(connection, source, [(sequence, entry)])` runs in the transaction that moves the checkpoint.
    """

    sources: tuple[str, ...]
    take: Callable[[Connection, str, Sequence[tuple[int, bytes]]], None]


@dataclass
class Service:
    """A service as its `service.py` declares it.

    `tables`: its read tables' MetaData (schema = name). `secrets`: tables that hold what may not be in the log, so
    that a replay can't rebuild them. `constraints`: names of database constraints → the refusal that they mean.
    `published`: {table: consumer services} readable by others by SQL besides the log.
    `load_rules(region_folder)` reads the part of the region's configuration that this service needs.
    `duties`: functions `(host) -> bool` run by the worker besides sealing and subscriptions (True: did something).
    """

    name: str
    metadata: MetaData
    aggregates: tuple[Aggregate, ...] = ()
    commands: tuple[On, ...] = ()
    queries: tuple[Query, ...] = ()
    projections: tuple[Projection, ...] = ()
    reactions: Reactions = field(default_factory=Reactions)
    deposit: Deposit | None = None
    constraints: Mapping[str, Refusal] = field(default_factory=dict)
    secrets: tuple[Table, ...] = ()
    published: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    load_rules: Callable[[Path], Any] = lambda folder: None
    duties: tuple[Callable[[Any], bool], ...] = ()
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.metadata.schema != self.name:
            raise ValueError(f"the tables of {self.name} must be in the schema {self.name}")
        kernel_tables(self.metadata)
        self.state_tables = {a.name: state_table(a, self.metadata) for a in self.aggregates}
        self.rules_of: dict[str, tuple[Aggregate, CommandRule, On]] = {}
        declared = {c: (a, r) for a in self.aggregates for c, r in a.commands.items()}
        for on in self.commands:
            aggregate, rule = declared.pop(on.command)
            self.rules_of[rule.name] = (aggregate, rule, on)
        if declared:
            raise ValueError(f"{self.name}/service.py leaves out {[c.__name__ for c in declared]}")
        self.events: dict[str, tuple[Aggregate, type[Event]]] = {
            name: (a, rule.type) for a in self.aggregates for name, rule in a.events.items()
        }
        self.queries_of = {q.name: q for q in self.queries}

    def event_type(self, event: type[Event]) -> str:
        """The CloudEvents type: `market.orders.BidSubmitted.v1`."""
        return f"market.{self.family}.{event.__name__}.v{event.version}"

    @property
    def family(self) -> str:
        """The package's name: several custodians are one package."""
        return self.name.rstrip("0123456789").rstrip("_")

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose logs this one reads, in a stable order."""
        found = {source for source, _ in self.reactions.handlers}
        for projection in self.projections:
            found |= {source for source, _ in projection.handlers if source != self.name}
        if self.deposit:
            found |= set(self.deposit.sources)
        return tuple(sorted(found))

    def read_tables(self) -> tuple[Table, ...]:
        return tuple(table for projection in self.projections for table in projection.tables)

"""A page per service: a state diagram and a table of commands for each aggregate, as the kernel keeps them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.docs.tables import MADE, code, document, first_paragraph, table
from kernel.aggregate import NEW, SYSTEM, Aggregate, CommandRule, EventRule
from kernel.service import Service

ANY = "*"
BY_RULE = "by_rule"
"""Where an edge begins whose event depends on more than the state; the rule itself says when."""


def states_page(service: Service) -> str:
    """The page of one service's aggregates, commands in the order of its table of contents."""
    parts: list[Iterable[str]] = [
        [MADE],
        [f"# {service.family}: states and commands"],
        [
            "An edge is an event that leads from one state to another; a command may emit several, one after another.",
            "Edges from the box “as the rule decides” depend on more than the state. The kernel refuses every command",
            "in a state or by a role that isn't named here (`wrong_state`, `forbidden_role`). “System” is the service",
            "itself: a reaction to an event, or a due command.",
            f"Wider account: [services/{service.family}](../../services/{service.family}/README.md).",
        ],
    ]
    for aggregate in service.aggregates:
        rules = rules_of(service, aggregate)
        parts.append([f"## {aggregate.name}"])
        if said := first_paragraph(aggregate.state):
            parts.append([said])
        parts.append(["```mermaid", "stateDiagram-v2", *_edges(aggregate, rules), "```"])
        head = ("command", "who", "in states", "events and where they lead", "ground")
        parts.append(table(head, [_command(aggregate, rule) for rule in rules]))
    return document(*parts)


def rules_of(service: Service, aggregate: Aggregate) -> list[CommandRule]:
    """An aggregate's commands, in the order of `service.py`."""
    return [rule for owner, rule, _ in service.rules_of.values() if owner is aggregate]


def emitted(aggregate: Aggregate, rule: CommandRule) -> list[EventRule]:
    """The events that a command may emit, as the aggregate declares them."""
    return [aggregate.events[_name(event)] for event in rule.emits]


def _name(event: Any) -> str:
    return str(event.__name__)


def _command(aggregate: Aggregate, rule: CommandRule) -> tuple[str, ...]:
    who = ", ".join("system" if role == SYSTEM else f"`{role}`" for role in sorted(rule.roles))
    events = [_event(event) for event in emitted(aggregate, rule)]
    return f"`{rule.name}`", who, _from(rule.states), "; ".join(events) or "–", rule.ground or "–"


def _event(rule: EventRule) -> str:
    targets = targets_of(rule)
    return f"`{_name(rule.type)}`" + (f" → {code(*targets)}" if targets else "")


def _from(states: frozenset[str]) -> str:
    if ANY in states:
        return "any" if NEW in states else "any but new"
    return ", ".join("new" if state == NEW else f"`{state}`" for state in sorted(states))


def _edges(aggregate: Aggregate, rules: Sequence[CommandRule]) -> Iterator[str]:
    """Mermaid's lines: an edge per pair of states, labelled with its events."""
    named = set().union(*(rule.states for rule in rules)) - {NEW, ANY}
    labels: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        for origin, target, event in _moves(emitted(aggregate, rule), rule.states, named):
            events = labels.setdefault((origin, target), [])
            events += [event] if event not in events and origin != target else []
    if any(origin == BY_RULE for origin, _ in labels):
        yield f'    state "as the rule decides" as {BY_RULE}'
    for (origin, target), events in labels.items():
        if events:
            yield f"    {origin or '[*]'} --> {target} : {'<br/>'.join(events)}"
    passed = {origin for origin, _ in labels}
    reached = dict.fromkeys(target for _, target in labels)
    yield from (f"    {state} --> [*]" for state in reached if state not in named | passed)


def _moves(events: Sequence[EventRule], states: frozenset[str], named: set[str]) -> Iterator[tuple[str, str, str]]:
    """(from, to, event) of a command. `named`: the states in which some command is allowed by name."""
    passing: str | None = None
    for event in events:
        for target in targets_of(event):
            origins = [passing] if passing else sorted(states)
            if event.to is None or ANY in states:
                origins = [BY_RULE]
            yield from ((origin, target, _name(event.type)) for origin in origins)
        # A state in which nothing can be asked for is only passed through, where the command goes on from it.
        if event.to and event.to not in named and event is not events[-1]:
            passing = event.to


def targets_of(rule: EventRule) -> list[str]:
    """Where an event leads: what it declares, or what its `evolve` sets by name; nothing where the state stays."""
    if rule.to is not None:
        return [rule.to]
    source = ast.parse(textwrap.dedent(inspect.getsource(rule.evolve)))
    found: list[str] = []
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and _changes_state(node, rule):
            for keyword in node.keywords:
                if keyword.arg == "status":
                    found += [name for name in _texts(keyword.value) if name not in found]
    return found


def _changes_state(call: ast.Call, rule: EventRule) -> bool:
    """Whether a call makes the aggregate's next state: `changed(state, …)`, and not that of a part of it."""
    if not (isinstance(call.func, ast.Name) and call.func.id == "changed" and call.args):
        return False
    state = next(iter(inspect.signature(rule.evolve).parameters))
    first = call.args[0]
    return any(isinstance(node, ast.Name) and node.id == state for node in ast.walk(first))


def _texts(value: ast.expr) -> list[str]:
    """The texts that an expression may give: a text itself, or the branches of a choice."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [value.value]
    if isinstance(value, ast.IfExp):
        return [*_texts(value.body), *_texts(value.orelse)]
    return []

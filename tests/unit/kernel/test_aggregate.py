"""Declared rules are kept: roles, states, events; what decides is pure; what a state is survives its row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kernel.aggregate import (
    ANY,
    NEW,
    Aggregate,
    Command,
    Context,
    Decision,
    Due,
    Event,
    decided,
    refused,
    snake,
)
from kernel.identity import Actor
from kernel.instants import Instant
from kernel.refusal import FORBIDDEN, Refusal, Refused, require

NOW = datetime(2027, 1, 1, tzinfo=UTC)
TOO_MUCH = Refusal("too_much", "Слишком много: {amount}.", "Too much: {amount}.", rule="test rule 7")


class Opened(Event, readers="parties:owner", version=3):
    owner: str


class Filled(Event):
    amount: int


class Overfilled(Event):
    amount: int


class Closed(Event):
    pass


class Open(Command):
    id: str
    owner: str


class Fill(Command):
    id: str
    amount: int


class Close(Command):
    jar: str


@dataclass(frozen=True)
class Jar:
    status: str = NEW
    held: int = 0
    names: tuple[str, ...] = ()
    at: datetime | None = None
    parts: dict[str, int] = field(default_factory=dict)


def made() -> Aggregate:
    jar = Aggregate("TestJar", Jar)

    @jar.command(Open, roles={"owner", "officer"}, states={NEW}, emits=(Opened,), ground="law 1")
    def open_(state: Jar, command: Open, context: Context) -> Decision:
        return decided(Opened(owner=command.owner), due=[Due(context.now, Close(jar=command.id))], owner=command.owner)

    @jar.command(Fill, roles={"owner"}, states={"open"}, emits=(Filled, Overfilled))
    def fill(state: Jar, command: Fill, context: Context) -> Decision:
        require(command.amount < 1_000, TOO_MUCH, amount=command.amount)
        if command.amount > 100:
            return refused(TOO_MUCH, Overfilled(amount=command.amount), amount=command.amount)
        if command.amount < 0:
            return decided(Closed())  # not declared
        return decided(Filled(amount=command.amount), Filled(amount=1))

    @jar.command(Close, roles={"system"}, states=ANY, emits=(Closed,), stream=lambda command: command.jar)
    def close(state: Jar, command: Close, context: Context) -> Decision:
        return decided(Closed())

    jar.event(Opened, to="open")(lambda state, event: replace(state, names=(event.owner,)))
    jar.event(Filled)(lambda state, event: replace(state, held=state.held + event.amount))
    jar.event(Overfilled)(lambda state, event: state)
    jar.event(Closed, to="closed")(lambda state, event: state)
    return jar


def context(*roles: str) -> Context:
    return Context(NOW, NOW, Actor("somebody", frozenset(roles)), lambda: "id", "stream")


def decide(state: Jar, command: Command, *roles: str) -> Decision:
    return made().decide(state, command, context(*roles))


def test_a_command_in_its_state_by_its_role_is_decided_with_events_reply_and_due_commands() -> None:
    decision = decide(Jar(), Open(id="1", owner="me"), "owner")
    assert decision.events == (Opened(owner="me"),)
    assert decision.reply == {"owner": "me"} and decision.refusal is None
    assert decision.due == (Due(NOW, Close(jar="1")),)


def test_one_declared_role_is_enough_and_without_one_nothing_is_decided() -> None:
    assert decide(Jar(), Open(id="1", owner="me"), "auditor", "officer").events
    for roles in ((), ("auditor",), ("public",), ("system",)):
        decision = decide(Jar(), Open(id="1", owner="me"), *roles)
        assert decision.refusal and decision.refusal.code == FORBIDDEN.code and not decision.events
        assert decision.refusal.to_dict()["en"].endswith("officer, owner.")


@pytest.mark.parametrize(
    ("status", "command", "roles", "allowed"),
    [
        (NEW, Fill(id="1", amount=1), ("owner",), False),
        ("open", Fill(id="1", amount=1), ("owner",), True),
        ("closed", Fill(id="1", amount=1), ("owner",), False),
        ("open", Open(id="1", owner="me"), ("owner",), False),
        (NEW, Close(jar="1"), ("system",), False),
        ("open", Close(jar="1"), ("system",), True),
        ("anything", Close(jar="1"), ("system",), True),
    ],
)
def test_states_are_kept_and_any_means_whatever_exists(
    status: str, command: Command, roles: tuple[str, ...], allowed: bool
) -> None:
    decision = decide(Jar(status=status), command, *roles)
    assert (decision.refusal is None) is allowed
    if decision.refusal:
        assert decision.refusal.code == "wrong_state" and not decision.events
        assert decision.refusal.details["state"] == (status or "new")


def test_a_refusal_may_be_raised_from_within_or_come_with_a_fact() -> None:
    state = Jar(status="open")
    raised = decide(state, Fill(id="1", amount=5_000), "owner")
    assert raised.refusal and raised.refusal.to_dict()["en"] == "Too much: 5000." and not raised.events
    fact = decide(state, Fill(id="1", amount=500), "owner")
    assert fact.refusal and fact.refusal.rule == "test rule 7" and fact.events == (Overfilled(amount=500),)


def test_an_event_that_was_not_declared_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="Fill may not emit Closed"):
        decide(Jar(status="open"), Fill(id="1", amount=-1), "owner")


def test_nothing_is_declared_twice() -> None:
    jar = made()
    with pytest.raises(ValueError, match="Open is declared twice on TestJar"):
        jar.command(Open, roles=(), states=(), emits=())(lambda state, command, context: decided())
    with pytest.raises(ValueError, match="Closed is declared twice on TestJar"):
        jar.event(Closed)(lambda state, event: state)


def test_events_lead_to_their_status_and_folding_starts_anywhere() -> None:
    jar = made()
    events = (Opened(owner="me"), Filled(amount=3), Filled(amount=4))
    assert jar.fold(events) == Jar(status="open", held=7, names=("me",))
    assert jar.fold([Closed()], jar.fold(events)).status == "closed"
    assert jar.fold([]) == jar.initial == Jar()


def test_a_state_does_not_change_under_the_hands_of_whoever_evolves_it() -> None:
    jar = made()
    before = Jar(status="open", held=1)
    assert jar.evolve(before, Filled(amount=2)).held == 3
    assert before == Jar(status="open", held=1)


@given(
    st.builds(
        Jar,
        status=st.sampled_from([NEW, "open"]),
        held=st.integers(-(2**53) + 1, 2**53 - 1),
        names=st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple),
        at=st.none() | st.datetimes(timezones=st.just(UTC)),
        parts=st.dictionaries(st.text("abc"), st.integers(0, 9)),
    )
)
def test_a_state_comes_back_from_its_row_as_it_was(state: Jar) -> None:
    import orjson

    jar = made()
    assert jar.load(orjson.loads(jar.dump(state))) == state == jar.load_json(jar.dump(state))


@pytest.mark.parametrize(
    "data",
    [{"id": "1"}, {"id": "1", "amount": "5"}, {"id": "1", "amount": 5.0}, {"id": "1", "amount": 5, "more": 1}],
)
def test_a_command_takes_nothing_that_it_does_not_name(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fill.model_validate(data, strict=True)


def test_an_event_says_who_may_read_it_and_which_contract_it_has() -> None:
    assert (Opened.readers, Opened.version) == ("parties:owner", 3)
    assert (Filled.readers, Filled.version) == ("public", 1)
    with pytest.raises(ValidationError):
        Filled(amount=1).amount = 2  # type: ignore[misc]


def test_a_rule_names_its_stream_and_its_legal_ground() -> None:
    rules = made().commands
    assert rules[Open].stream(Open(id="7", owner="")) == "7" and rules[Open].ground == "law 1"
    assert rules[Close].stream(Close(jar="8")) == "8" and rules[Close].ground == ""


@pytest.mark.parametrize(("name", "snaked"), [("SubmitBid", "submit_bid"), ("Open", "open"), ("OpenBox2", "open_box2")])
def test_names_in_snake_case(name: str, snaked: str) -> None:
    assert snake(name) == snaked


def test_instants_travel_in_one_fixed_form() -> None:
    class At(Event):
        at: Instant

    assert At(at=NOW).model_dump(mode="json") == {"at": "2027-01-01T00:00:00.000000Z"}
    with pytest.raises(ValidationError):
        At(at=datetime(2027, 1, 1))  # noqa: DTZ001 - without a zone on purpose


def test_what_helps_to_decide_is_exported_as_values() -> None:
    assert refused(TOO_MUCH).refusal == TOO_MUCH
    assert decided() == Decision()
    with pytest.raises(Refused, match="too_much"):
        require(False, TOO_MUCH)
    require(Fraction(1, 2) < 1 and date(2027, 1, 1) < date(2027, 1, 2), TOO_MUCH)

"""DOMAIN §1: a lead and 3–5 partners with shares and roles; a member may be replaced with consent."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from kernel.identity import Actor
from kernel.ids import new_id
from kernel.settings import PROJECT
from services.registry.domain.consortium import (
    ConsentDeclined,
    ConsentGiven,
    ConsentToConsortium,
    ConsortiumDissolved,
    ConsortiumEstablished,
    ConsortiumFormed,
    DeclineConsortium,
    DissolveConsortium,
    FormConsortium,
    MemberReplaced,
    ProposeReplacement,
    ReplacementProposed,
    consortium,
)
from services.registry.rules import load_rules
from tests.story import Given, Told, given
from tests.support import person

RULES = load_rules(PROJECT / "region")
ID = new_id()
LEAD, *PARTNERS = [new_id() for _ in range(7)]
ACTIVE = dict.fromkeys([LEAD, *PARTNERS], "active")
NUMBER = "КО-2027-000001"


def staff(organisation: str) -> Actor:
    return person("provider", organisation=organisation)


def members(ids: list[str], shares: list[str]) -> list[dict[str, str]]:
    return [
        {"provider_id": id, "share": share, "role": "выездная служба"} for id, share in zip(ids, shares, strict=True)
    ]


FOUR = members([LEAD, *PARTNERS[:3]], ["40", "20", "20", "20"])
OTHER = members([LEAD, PARTNERS[0], PARTNERS[1], PARTNERS[3]], ["40", "25", "25", "10"])


def forming(named: list[dict[str, str]] = FOUR, statuses: dict[str, str] = ACTIVE) -> Told:
    command = FormConsortium(id=ID, name="Тёплый дом", members=named)
    return given(consortium, id=ID, rules=RULES).when(command, staff(LEAD), facts=(NUMBER, statuses))


def agree(entry: Given, who: str, statuses: dict[str, str] = ACTIVE) -> Told:
    return entry.when(ConsentToConsortium(id=ID), staff(who), facts=("", statuses))


def standing() -> Given:
    entry = forming().then(ConsortiumFormed)
    for partner in PARTNERS[:2]:
        entry = agree(entry, partner).then(ConsentGiven)
    return agree(entry, PARTNERS[2]).then(ConsentGiven, ConsortiumEstablished)


def replacing(statuses: dict[str, str] = ACTIVE, named: list[dict[str, str]] = OTHER) -> Told:
    command = ProposeReplacement(id=ID, members=named, reason="партнёр уходит")
    return standing().when(command, staff(LEAD), facts=("", statuses))


def test_it_stands_once_every_partner_has_agreed() -> None:
    assert forming().event.waiting == tuple(PARTNERS[:3])
    state = standing().state
    assert (state.status, state.waiting, len(state.members)) == ("standing", (), 4)
    agree(standing(), PARTNERS[0]).refused("consent_not_asked")
    agree(forming().then(ConsortiumFormed), LEAD).refused("consent_not_asked")
    agree(forming().then(ConsortiumFormed), PARTNERS[5]).refused("consent_not_asked")


@pytest.mark.parametrize(
    ("named", "code"),
    [
        (members([LEAD, *PARTNERS[:3]], ["40", "20", "20", "19.9999"]), "shares_unequal"),
        (members([LEAD, *PARTNERS[:3]], ["100", "0", "0", "0"]), "share_zero"),
        (members([LEAD, *PARTNERS[:2]], ["40", "30", "30"]), "partners_out_of_range"),
        (members([LEAD, *PARTNERS], ["40", "10", "10", "10", "10", "10", "10"]), "partners_out_of_range"),
        (members([LEAD, *PARTNERS[:2], PARTNERS[0]], ["40", "20", "20", "20"]), "member_twice"),
        (members(PARTNERS[:4], ["40", "20", "20", "20"]), "lead_missing"),
    ],
)
def test_members_that_are_not_right_are_refused(named: list[dict[str, str]], code: str) -> None:
    forming(named).refused(code)
    if code != "lead_missing":
        replacing(named=named).refused(code)


def test_every_member_is_in_the_register_when_named_and_when_it_comes_to_stand() -> None:
    forming(statuses={**ACTIVE, PARTNERS[0]: "suspended"}).refused("member_not_in_register")
    forming(statuses={LEAD: "active"}).refused("member_not_in_register")
    entry = forming().then(ConsortiumFormed)
    for partner in PARTNERS[:2]:
        entry = agree(entry, partner).then(ConsentGiven)
    agree(entry, PARTNERS[2], {**ACTIVE, PARTNERS[0]: "excluded"}).refused("member_not_in_register")


def test_a_partner_that_declines_ends_one_that_is_forming() -> None:
    decline = DeclineConsortium(id=ID, reason="нет людей")
    entry = forming().then(ConsortiumFormed)
    entry.when(decline, staff(PARTNERS[5])).refused("consent_not_asked")
    gone = entry.when(decline, staff(PARTNERS[1])).then(ConsentDeclined, ConsortiumDissolved)
    assert gone.state.status == "dissolved"


def test_a_member_is_replaced_with_the_consent_of_who_stays_comes_and_goes() -> None:
    told = replacing()
    assert (told.event.leaving_id, told.event.joining_id) == (PARTNERS[2], PARTNERS[3])
    assert set(told.event.waiting) == set(PARTNERS[:4])
    entry = told.then(ReplacementProposed)
    entry.when(ProposeReplacement(id=ID, members=OTHER, reason="ещё раз"), staff(LEAD), facts=("", ACTIVE)).refused(
        "change_waits"
    )
    for partner in PARTNERS[:3]:
        entry = agree(entry, partner).then(ConsentGiven)
        assert len(entry.state.members) == 4 and PARTNERS[2] in {each.provider_id for each in entry.state.members}
    after = agree(entry, PARTNERS[3]).then(ConsentGiven, MemberReplaced)
    assert [each.provider_id for each in after.state.members] == [each["provider_id"] for each in OTHER]


def test_who_has_left_the_register_is_not_asked() -> None:
    told = replacing({**ACTIVE, PARTNERS[2]: "withdrawn"})
    assert set(told.event.waiting) == {PARTNERS[0], PARTNERS[1], PARTNERS[3]}


def test_a_declined_replacement_leaves_everything_as_it_was() -> None:
    entry = replacing().then(ReplacementProposed)
    after = entry.when(DeclineConsortium(id=ID, reason="против"), staff(PARTNERS[0])).then(ConsentDeclined)
    assert (after.state.status, after.state.members, after.state.waiting) == ("standing", entry.state.members, ())


def test_one_partner_at_a_time_and_by_the_lead() -> None:
    two = members([LEAD, PARTNERS[0], PARTNERS[3], PARTNERS[4]], ["40", "20", "20", "20"])
    replacing(named=two).refused("not_one_replaced")
    replacing(named=FOUR).refused("not_one_replaced")
    command = ProposeReplacement(id=ID, members=OTHER, reason="хочу сам")
    standing().when(command, staff(PARTNERS[0]), facts=("", ACTIVE)).refused("not_yours")


def test_the_lead_or_a_registrar_dissolves() -> None:
    dissolve = DissolveConsortium(id=ID, reason="цель достигнута")
    standing().when(dissolve, staff(PARTNERS[0])).refused("not_yours")
    standing().when(dissolve, staff(LEAD)).then(ConsortiumDissolved)
    standing().when(dissolve, person("registrar")).then(ConsortiumDissolved)


SHARES = st.lists(st.integers(0, 1_000_000).map(lambda n: f"{n // 10_000}.{n % 10_000:04d}"), min_size=4, max_size=6)


@examples(SHARES | st.sampled_from([["25"] * 4, ["33.3334", "33.3333", "33.3332", "0.0001"], ["20"] * 5]))
def test_shares_are_a_whole_exactly_or_nothing_is_formed(shares: list[str]) -> None:
    told = forming(members([LEAD, *PARTNERS[: len(shares) - 1]], shares))
    exact = [Fraction(share) for share in shares]
    if sum(exact) == 100 and all(share > 0 for share in exact):
        told.then(ConsortiumFormed)
    else:
        assert told.decision.refusal is not None and told.decision.refusal.code in ("shares_unequal", "share_zero")


@settings(max_examples=150, deadline=None)
@examples(
    st.lists(st.tuples(st.sampled_from(["agree", "decline", "replace", "dissolve"]), st.integers(0, 5)), max_size=14)
)
def test_whatever_members_do_a_standing_consortium_is_whole_and_led(steps: list[tuple[str, int]]) -> None:
    """Shares of 100 %, partners in the region's number, the same lead; nobody became a member without consenting."""
    entry, agreed = forming().then(ConsortiumFormed), {LEAD}
    for what, who in steps:
        commands: dict[str, tuple[Any, Actor]] = {
            "agree": (ConsentToConsortium(id=ID), staff(PARTNERS[who])),
            "decline": (DeclineConsortium(id=ID, reason="нет людей"), staff(PARTNERS[who])),
            "replace": (_replacement(entry, PARTNERS[who]), staff(LEAD)),
            "dissolve": (DissolveConsortium(id=ID, reason="всё"), person("registrar")),
        }
        command, actor = commands[what]
        told = entry.when(command, actor, facts=("", ACTIVE))
        if told.decision.refusal is None:
            entry = told.then(*(type(event) for event in told.decision.events))
            agreed |= {event.provider_id for event in told.decision.events if isinstance(event, ConsentGiven)}
        state = entry.state
        assert sum(Fraction(member.share) for member in state.members) == 100
        assert 3 <= len(state.members) - 1 <= 5 and LEAD in {member.provider_id for member in state.members}
        if state.status == "standing":
            assert {member.provider_id for member in state.members} <= agreed


def _replacement(entry: Given, joining: str) -> ProposeReplacement:
    """The last partner gives its place and share to `joining`."""
    *kept, last = entry.state.members
    named = [*(member.model_dump() for member in kept), {**last.model_dump(), "provider_id": joining}]
    return ProposeReplacement(id=ID, members=named, reason="замена")

"""A consortium (umbrella network): a lead and partners with shares and roles, standing by the consent of each.

    new ─▶ forming ─▶ standing ─▶ dissolved          forming ─▶ dissolved, where a partner declines

Kept here: shares add up to 100 % exactly; as many partners as the region says; every member is in the register when it is
named and when the consortium comes to stand; the lead stays. One partner at a time is replaced: by the lead's proposal and
with the consent of everybody who stays, comes and goes; who has left the register isn't asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require
from services.registry.domain.catalogue.values import Part
from services.registry.domain.register_entry.state import Reason

LAW = "DOMAIN §1: a consortium"
WHOLE = 100

SHARES_UNEQUAL = Refusal(
    "shares_unequal",
    "Доли в сумме дают {sum} %, а нужно 100 %.",
    "The shares add up to {sum} %, not to 100 %.",
    LAW,
    kind="invalid",
)
SHARE_ZERO = Refusal("share_zero", "Доля больше нуля.", "A share is above zero.", LAW, kind="invalid")
MEMBER_TWICE = Refusal("member_twice", "Участник назван дважды.", "A member is named twice.", LAW, kind="invalid")
LEAD_MISSING = Refusal(
    "lead_missing",
    "Головная организация — та, что подаёт: назовите её среди участников.",
    "The lead is who sends this: name it among the members.",
    LAW,
    kind="invalid",
)
PARTNERS_OUT_OF_RANGE = Refusal(
    "partners_out_of_range",
    "Партнёров {given}, а должно быть от {minimum} до {maximum}.",
    "There are {given} partners; it must be {minimum} to {maximum}.",
    "region.toml: limits.consortium_partners",
    kind="invalid",
)
MEMBER_NOT_ACTIVE = Refusal(
    "member_not_in_register",
    "Не все участники действуют в реестре: {missing}.",
    "Not every member is active in the register: {missing}.",
    LAW,
)
NOT_WAITED_FOR = Refusal(
    "consent_not_asked", "Вашего согласия сейчас не ждут.", "Your consent isn't waited for now.", LAW
)
NOT_ONE_REPLACED = Refusal(
    "not_one_replaced",
    "За один раз заменяется один партнёр: уходит {leaving}, приходит {joining}.",
    "One partner is replaced at a time: {leaving} leave, {joining} come.",
    LAW,
    kind="invalid",
)
CHANGE_WAITS = Refusal(
    "change_waits", "Замена уже предложена и ждёт согласия.", "A replacement waits for consent already.", LAW
)

Share = Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,4})?$")]
Role = Annotated[str, StringConstraints(min_length=2, max_length=200, strip_whitespace=True)]


class Member(Part):
    """`share` in per cent, exact: "33.3333". `role`: what the member does."""

    provider_id: Id
    share: Share
    role: Role


Members = Annotated[tuple[Member, ...], Field(min_length=2, max_length=20)]


# -- events -----------------------------------------------------------------------------------------------------------


class ConsortiumFormed(Event):
    """The lead has agreed by forming it; `waiting`: whose consent is asked."""

    number: str
    name: str
    lead_id: Id
    members: tuple[Member, ...]
    waiting: tuple[Id, ...]


class ConsentGiven(Event):
    provider_id: Id


class ConsentDeclined(Event):
    """A consortium that was forming is dissolved by it; a standing one stays as it was."""

    provider_id: Id
    reason: str


class ConsortiumEstablished(Event):
    """Everybody has agreed."""

    members: tuple[Member, ...]


class ReplacementProposed(Event):
    members: tuple[Member, ...]
    leaving_id: Id
    joining_id: Id
    reason: str
    waiting: tuple[Id, ...]


class MemberReplaced(Event):
    """Everybody has agreed: these are the members now."""

    members: tuple[Member, ...]
    leaving_id: Id
    joining_id: Id


class ConsortiumDissolved(Event):
    reason: str


# -- commands ---------------------------------------------------------------------------------------------------------


class FormConsortium(Command):
    """Form a consortium as its lead: all members with shares and roles, the lead among them."""

    id: Id
    name: Role
    members: Members


class ConsentToConsortium(Command):
    id: Id


class DeclineConsortium(Command):
    id: Id
    reason: Reason


class ProposeReplacement(Command):
    """Propose the members as they shall be: one partner another, shares and roles as they become."""

    id: Id
    members: Members
    reason: Reason


class DissolveConsortium(Command):
    id: Id
    reason: Reason


# -- state and decisions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pending:
    """A replacement that waits for consent."""

    members: tuple[Member, ...]
    leaving_id: str
    joining_id: str


@dataclass(frozen=True)
class Consortium:
    """`waiting`: whose consent is asked still."""

    status: str = NEW
    lead_id: str = ""
    members: tuple[Member, ...] = ()
    waiting: tuple[str, ...] = ()
    pending: Pending | None = None


consortium = Aggregate("Consortium", Consortium)
Statuses = Mapping[str, str]


def check_members(members: tuple[Member, ...], lead_id: str, partners: tuple[int, int]) -> None:
    """Refuse members whose shares aren't a whole, who are too few or too many, or twice there, or without the lead."""
    ids = [member.provider_id for member in members]
    require(len(set(ids)) == len(ids), MEMBER_TWICE)
    require(lead_id in ids, LEAD_MISSING)
    minimum, maximum = partners
    require(
        minimum <= len(ids) - 1 <= maximum, PARTNERS_OUT_OF_RANGE, given=len(ids) - 1, minimum=minimum, maximum=maximum
    )
    shares = [Fraction(member.share) for member in members]
    require(all(share > 0 for share in shares), SHARE_ZERO)
    require(sum(shares) == WHOLE, SHARES_UNEQUAL, sum=str(float(sum(shares))))


def _all_active(members: tuple[Member, ...], statuses: Statuses) -> None:
    missing = [member.provider_id for member in members if statuses.get(member.provider_id) != "active"]
    require(not missing, MEMBER_NOT_ACTIVE, missing=", ".join(missing))


@consortium.command(FormConsortium, roles={"provider"}, states={NEW}, emits=(ConsortiumFormed,), ground=LAW)
def form(state: Consortium, command: FormConsortium, context: Context) -> Decision:
    """`context.facts`: (number, {provider: its status in the register})."""
    number, statuses = context.facts
    require(context.actor.organisation is not None, NOT_YOURS)
    lead_id = str(context.actor.organisation)
    check_members(command.members, lead_id, context.rules.consortium_partners)
    _all_active(command.members, statuses)
    waiting = tuple(member.provider_id for member in command.members if member.provider_id != lead_id)
    formed = ConsortiumFormed(
        number=number, name=command.name, lead_id=lead_id, members=command.members, waiting=waiting
    )
    return decided(formed, number=number)


@consortium.command(
    ConsentToConsortium,
    roles={"provider"},
    states={"forming", "standing"},
    emits=(ConsentGiven, ConsortiumEstablished, MemberReplaced),
    ground=LAW,
)
def consent(state: Consortium, command: ConsentToConsortium, context: Context) -> Decision:
    """With the last consent it comes to stand, or the member is replaced. `context.facts`: statuses of all members."""
    provider_id = str(context.actor.organisation)
    require(provider_id in state.waiting, NOT_WAITED_FOR)
    given = ConsentGiven(provider_id=provider_id)
    if len(state.waiting) > 1:
        return decided(given)
    _, statuses = context.facts
    if state.pending is None:
        _all_active(state.members, statuses)
        return decided(given, ConsortiumEstablished(members=state.members))
    _all_active(state.pending.members, statuses)
    replaced = MemberReplaced(
        members=state.pending.members, leaving_id=state.pending.leaving_id, joining_id=state.pending.joining_id
    )
    return decided(given, replaced)


@consortium.command(
    DeclineConsortium,
    roles={"provider"},
    states={"forming", "standing"},
    emits=(ConsentDeclined, ConsortiumDissolved),
    ground=LAW,
)
def decline(state: Consortium, command: DeclineConsortium, context: Context) -> Decision:
    provider_id = str(context.actor.organisation)
    require(provider_id in state.waiting, NOT_WAITED_FOR)
    declined = ConsentDeclined(provider_id=provider_id, reason=command.reason)
    if state.status == "forming":
        return decided(declined, ConsortiumDissolved(reason=command.reason))
    return decided(declined)


@consortium.command(
    ProposeReplacement, roles={"provider"}, states={"standing"}, emits=(ReplacementProposed,), ground=LAW
)
def propose_replacement(state: Consortium, command: ProposeReplacement, context: Context) -> Decision:
    require(context.actor.organisation == state.lead_id, NOT_YOURS)
    require(state.pending is None, CHANGE_WAITS)
    check_members(command.members, state.lead_id, context.rules.consortium_partners)
    _, statuses = context.facts
    _all_active(command.members, statuses)
    before, after = ({member.provider_id for member in members} for members in (state.members, command.members))
    leaving, joining = sorted(before - after), sorted(after - before)
    require(len(leaving) == len(joining) == 1, NOT_ONE_REPLACED, leaving=len(leaving), joining=len(joining))
    asked = [each for each in sorted(before | after) if each != state.lead_id]
    # DOMAIN §1: a member may be replaced with consent; who has left the register can't give any.
    waiting = tuple(each for each in asked if each != leaving[0] or statuses.get(each) == "active")
    proposed = ReplacementProposed(
        members=command.members, leaving_id=leaving[0], joining_id=joining[0], reason=command.reason, waiting=waiting
    )
    return decided(proposed)


@consortium.command(
    DissolveConsortium,
    roles={"provider", "registrar"},
    states={"forming", "standing"},
    emits=(ConsortiumDissolved,),
    ground=LAW,
)
def dissolve(state: Consortium, command: DissolveConsortium, context: Context) -> Decision:
    require(context.actor.has("registrar") or context.actor.organisation == state.lead_id, NOT_YOURS)
    return decided(ConsortiumDissolved(reason=command.reason))


# -- what the events do -----------------------------------------------------------------------------------------------


@consortium.event(ConsortiumFormed, to="forming")
def _formed(state: Consortium, event: ConsortiumFormed) -> Consortium:
    return changed(state, lead_id=event.lead_id, members=event.members, waiting=event.waiting)


@consortium.event(ConsentGiven)
def _given(state: Consortium, event: ConsentGiven) -> Consortium:
    return changed(state, waiting=tuple(each for each in state.waiting if each != event.provider_id))


@consortium.event(ConsentDeclined)
def _declined(state: Consortium, event: ConsentDeclined) -> Consortium:
    return changed(state, waiting=(), pending=None)


@consortium.event(ConsortiumEstablished, to="standing")
def _established(state: Consortium, event: ConsortiumEstablished) -> Consortium:
    return changed(state, members=event.members)


@consortium.event(ReplacementProposed)
def _proposed(state: Consortium, event: ReplacementProposed) -> Consortium:
    pending = Pending(event.members, event.leaving_id, event.joining_id)
    return changed(state, pending=pending, waiting=event.waiting)


@consortium.event(MemberReplaced)
def _replaced(state: Consortium, event: MemberReplaced) -> Consortium:
    return changed(state, members=event.members, pending=None, waiting=())


@consortium.event(ConsortiumDissolved, to="dissolved")
def _dissolved(state: Consortium, event: ConsortiumDissolved) -> Consortium:
    return changed(state, waiting=(), pending=None)

"""A provider proposes a new service; experts give opinions; the registrar approves, returns or refuses it.

    new ─▶ submitted ⇄ returned        submitted ─▶ approved | refused        submitted, returned ─▶ withdrawn

Kept here: experts are asked by name and say each once of every revision, those with an interest step aside; nothing is
approved before the region's number of opinions, and against their majority only with a reason. What is approved becomes a
service of the catalogue with its first standard and cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.money import Kopecks, PositiveKopecks, check_bounded
from kernel.refusal import NOT_YOURS, Refusal, require
from services.registry.domain.card import FormOfService, ServiceKind
from services.registry.domain.catalogue.listed_service import UNIT_UNKNOWN, UnitsPerPlace
from services.registry.domain.catalogue.values import LAW, Line, Part, ServiceCode, Standard, Text, Words
from services.registry.domain.terms import (
    Answers,
    Dated,
    GroundCode,
    Grounded,
    Opens,
    TermKind,
    answered,
    grounded,
    local_day,
    opened,
)

Account = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Reasons = Annotated[tuple[Line, ...], Field(min_length=1, max_length=20)]
View = Literal["for", "against", "recused"]

NOT_IN_REGISTER = Refusal(
    "proposer_not_in_register",
    "Новую услугу предлагает поставщик, включённый в реестр.",
    "A new service is proposed by a provider that is in the register.",
    LAW,
)
EXPERT_TWICE = Refusal(
    "expert_asked_already", "Эксперт {expert} уже назначен.", "The expert {expert} was asked already.", kind="invalid"
)
NOT_ASKED = Refusal(
    "expert_not_asked",
    "Вас не просили дать заключение по этому предложению.",
    "You were not asked for an opinion on this proposal.",
    kind="forbidden",
)
SAID_ALREADY = Refusal(
    "opinion_given", "Вы уже дали заключение по этой редакции.", "You gave your opinion on this revision already."
)
OPINIONS_MISSING = Refusal(
    "opinions_missing",
    "Заключений экспертов {given}, а нужно {needed}.",
    "There are {given} experts' opinions; {needed} are needed.",
    "region.toml: limits.proposal_opinions",
)
AGAINST_THE_EXPERTS = Refusal(
    "reason_against_experts",
    "Большинство экспертов против: напишите, почему предложение принимается.",
    "Most experts are against it: say why the proposal is approved.",
    LAW,
    kind="invalid",
)
BEGINS_IN_PAST = Refusal(
    "valid_from_past",
    "Услуга начинает действовать не раньше {earliest}.",
    "The service begins on {earliest} at the earliest.",
    kind="invalid",
)


class CostItem(Part):
    """A line of the cost calculation, per unit of the service."""

    name: Line
    kopecks: PositiveKopecks


class Proposed(Part):
    """What is proposed; the cost of a unit is the sum of its items."""

    name: Words
    kind: ServiceKind
    form: FormOfService
    unit: str
    need: Text
    standard: Standard
    cost_items: Annotated[tuple[CostItem, ...], Field(min_length=1, max_length=30)]


# -- events -----------------------------------------------------------------------------------------------------------


class ServiceProposed(Event, Proposed, Dated, Opens, Answers):
    """A proposal, or a new revision of a returned one. `cost_kopecks`: the sum of the items."""

    number: str
    provider_id: Id
    revision: int
    cost_kopecks: Kopecks


class ExpertsAsked(Event, readers="auditor"):
    """Who was asked is known to auditors alone until it has said something: nobody shall be pressed."""

    experts: tuple[Account, ...]


class OpinionGiven(Event):
    """`expert`: the account that gave it. `recused`: it has an interest, and its opinion doesn't count."""

    expert: Account
    revision: int
    view: View
    text: str


class ProposalReturned(Event, Grounded, Opens, Answers):
    reasons: tuple[str, ...]


class ProposalRefused(Event, Grounded, Answers):
    reasons: tuple[str, ...]


class ProposalApproved(Event, Grounded, Answers):
    """All that the new service of the catalogue begins with."""

    provider_id: Id
    code: str
    name: Words
    kind: ServiceKind
    form: FormOfService
    unit: str
    units_per_place: int | None
    standard: Standard
    cost_kopecks: Kopecks
    basis: str
    valid_from: date
    reason: str


class ProposalWithdrawn(Event, Dated):
    pass


# -- commands ---------------------------------------------------------------------------------------------------------


class ProposeService(Command, Proposed):
    """Propose a new service, or send a returned proposal again."""

    id: Id


class AskExperts(Command):
    id: Id
    experts: Annotated[tuple[Account, ...], Field(min_length=1, max_length=10)]


class GiveOpinion(Command):
    id: Id
    view: View
    text: Text


class ReturnProposal(Command):
    id: Id
    reasons: Reasons
    ground: GroundCode | None = None


class RefuseProposal(Command):
    id: Id
    reasons: Reasons
    ground: GroundCode | None = None


class ApproveProposal(Command):
    """Approve: the service gets `code` and holds from `valid_from`."""

    id: Id
    code: ServiceCode
    valid_from: date
    units_per_place: UnitsPerPlace | None = None
    reason: Line | None = None
    ground: GroundCode | None = None


class WithdrawProposal(Command):
    id: Id


# -- state and decisions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServiceProposal:
    """`opinions`: {expert: view} of the standing revision."""

    status: str = NEW
    number: str = ""
    provider_id: str = ""
    revision: int = 0
    proposed: Proposed | None = None
    cost_kopecks: int = 0
    experts: tuple[str, ...] = ()
    opinions: tuple[tuple[str, View], ...] = ()
    term: str = ""
    last_day: str = ""
    missed: str = ""


service_proposal = Aggregate("ServiceProposal", ServiceProposal)
REGISTRAR = {"registrar"}


@service_proposal.command(
    ProposeService, roles={"provider"}, states={NEW, "returned"}, emits=(ServiceProposed,), ground=LAW
)
def propose(state: ServiceProposal, command: ProposeService, context: Context) -> Decision:
    """`context.facts`: (number, whether the organisation is in the register now)."""
    number, in_register = context.facts
    organisation = context.actor.organisation
    require(organisation is not None and state.provider_id in ("", organisation), NOT_YOURS)
    require(in_register, NOT_IN_REGISTER)
    known = context.rules.units
    require(command.unit in known, UNIT_UNKNOWN, given=command.unit, known=", ".join(sorted(known)))
    day = local_day(context.now, context.rules.zone)
    event = ServiceProposed(
        **{name: getattr(command, name) for name in Proposed.model_fields},
        number=state.number or number,
        provider_id=str(organisation),
        revision=state.revision + 1,
        cost_kopecks=check_bounded(sum(item.kopecks for item in command.cost_items)),
        day=day,
        **opened("proposal_decision", context),
        **answered(state, day, "proposal_correction"),
    )
    return decided(event, number=event.number, revision=event.revision)


@service_proposal.command(AskExperts, roles=REGISTRAR, states={"submitted"}, emits=(ExpertsAsked,), ground=LAW)
def ask_experts(state: ServiceProposal, command: AskExperts, context: Context) -> Decision:
    asked: set[str] = set(state.experts)
    for expert in command.experts:
        require(expert not in asked, EXPERT_TWICE, expert=expert)
        asked.add(expert)
    return decided(ExpertsAsked(experts=command.experts))


@service_proposal.command(GiveOpinion, roles={"evaluator"}, states={"submitted"}, emits=(OpinionGiven,), ground=LAW)
def give_opinion(state: ServiceProposal, command: GiveOpinion, context: Context) -> Decision:
    require(context.actor.id in state.experts, NOT_ASKED)
    require(context.actor.id not in dict(state.opinions), SAID_ALREADY)
    return decided(OpinionGiven(expert=context.actor.id, revision=state.revision, view=command.view, text=command.text))


@service_proposal.command(ReturnProposal, roles=REGISTRAR, states={"submitted"}, emits=(ProposalReturned,), ground=LAW)
def return_proposal(state: ServiceProposal, command: ReturnProposal, context: Context) -> Decision:
    ground = grounded(state, "proposal_returned", command.ground, context)
    answer = answered(state, ground["day"], "proposal_decision")
    return decided(
        ProposalReturned(reasons=command.reasons, **ground, **opened("proposal_correction", context), **answer)
    )


@service_proposal.command(RefuseProposal, roles=REGISTRAR, states={"submitted"}, emits=(ProposalRefused,), ground=LAW)
def refuse_proposal(state: ServiceProposal, command: RefuseProposal, context: Context) -> Decision:
    ground = grounded(state, "proposal_refused", command.ground, context)
    answer = answered(state, ground["day"], "proposal_decision")
    return decided(ProposalRefused(reasons=command.reasons, **ground, **answer))


@service_proposal.command(ApproveProposal, roles=REGISTRAR, states={"submitted"}, emits=(ProposalApproved,), ground=LAW)
def approve_proposal(state: ServiceProposal, command: ApproveProposal, context: Context) -> Decision:
    views = [view for _, view in state.opinions if view != "recused"]
    needed = context.rules.proposal_opinions
    require(len(views) >= needed, OPINIONS_MISSING, given=len(views), needed=needed)
    against = views.count("against") > views.count("for")
    require(not against or command.reason is not None, AGAINST_THE_EXPERTS)
    ground = grounded(state, "proposal_approved", command.ground, context)
    require(command.valid_from >= date.fromisoformat(ground["day"]), BEGINS_IN_PAST, earliest=ground["day"])
    assert state.proposed is not None
    shared: dict[str, Any] = {
        name: getattr(state.proposed, name) for name in ("name", "kind", "form", "unit", "standard")
    }
    event = ProposalApproved(
        **shared,
        provider_id=state.provider_id,
        code=command.code,
        units_per_place=command.units_per_place,
        cost_kopecks=state.cost_kopecks,
        basis=f"{state.number}, редакция {state.revision}",
        valid_from=command.valid_from,
        reason=command.reason or "",
        **ground,
        **answered(state, ground["day"], "proposal_decision"),
    )
    return decided(event, code=command.code)


@service_proposal.command(
    WithdrawProposal, roles={"provider"}, states={"submitted", "returned"}, emits=(ProposalWithdrawn,), ground=LAW
)
def withdraw_proposal(state: ServiceProposal, command: WithdrawProposal, context: Context) -> Decision:
    require(context.actor.organisation == state.provider_id, NOT_YOURS)
    return decided(ProposalWithdrawn(day=local_day(context.now, context.rules.zone)))


# -- what the events do -----------------------------------------------------------------------------------------------


def _term(event: Event) -> dict[str, Any]:
    if not isinstance(event, Opens) or event.deadline_explanation is None:
        return {"term": "", "last_day": ""}
    return {"term": event.term, "last_day": event.deadline_explanation["last_day"]}


@service_proposal.event(ServiceProposed, to="submitted")
def _proposed(state: ServiceProposal, event: ServiceProposed) -> ServiceProposal:
    return changed(
        state,
        number=event.number,
        provider_id=event.provider_id,
        revision=event.revision,
        proposed=Proposed(**{name: getattr(event, name) for name in Proposed.model_fields}),
        cost_kopecks=event.cost_kopecks,
        opinions=(),
        **_term(event),
    )


@service_proposal.event(ExpertsAsked)
def _asked(state: ServiceProposal, event: ExpertsAsked) -> ServiceProposal:
    return changed(state, experts=(*state.experts, *event.experts))


@service_proposal.event(OpinionGiven)
def _opinion_given(state: ServiceProposal, event: OpinionGiven) -> ServiceProposal:
    return changed(state, opinions=(*state.opinions, (event.expert, event.view)))


@service_proposal.event(ProposalReturned, to="returned")
@service_proposal.event(ProposalRefused, to="refused")
@service_proposal.event(ProposalApproved, to="approved")
@service_proposal.event(ProposalWithdrawn, to="withdrawn")
def _moved(state: ServiceProposal, event: Event) -> ServiceProposal:
    return changed(state, **_term(event))


_ANSWERED: dict[type[Any], TermKind] = {
    ServiceProposed: "proposal_correction",
    ProposalReturned: "proposal_decision",
    ProposalRefused: "proposal_decision",
    ProposalApproved: "proposal_decision",
}


def _answered_again(state: ServiceProposal, event: Any) -> Mapping[str, Any]:
    return answered(state, event.day, _ANSWERED[type(event)])


def _proposed_again(state: ServiceProposal, event: ServiceProposed) -> Mapping[str, Any]:
    return {**_answered_again(state, event), "cost_kopecks": sum(item.kopecks for item in event.cost_items)}


service_proposal.computes(ServiceProposed)(_proposed_again)
for _type in (ProposalReturned, ProposalRefused, ProposalApproved):
    service_proposal.computes(_type)(_answered_again)

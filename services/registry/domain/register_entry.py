"""An entry of the provider register: applied → included, and what becomes of it after (442-FZ art. 25).

    new ─▶ applied ⇄ returned          applied ─▶ active ⇄ suspended ─▶ excluded
               └─▶ refused             applied, returned, active, suspended ─▶ withdrawn

Kept here: who applied does not include (four eyes); nothing is included before a formal check that is met; a refused,
excluded or withdrawn provider may apply again. That two living entries can't have one INN is kept by the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id, derived_id
from kernel.refusal import NOT_YOURS, Refusal, require
from services.registry.domain.card import (
    LAW,
    OWN_FIELDS,
    Card,
    CardFields,
    Changes,
    FormOfService,
    HeadRef,
    Kind,
    ServiceKind,
    accepted,
    given,
)

LIVING = ("applied", "returned", "active", "suspended")
"""The statuses of an entry whose INN no other entry may have."""

AGAIN = frozenset({NEW, "returned", "refused", "withdrawn", "excluded"})
Reason = Annotated[str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True)]
Reasons = Annotated[tuple[Reason, ...], Field(min_length=1, max_length=20)]
Origin = Literal["provider", "registrar", "import"]

FOUR_EYES = Refusal(
    "four_eyes",
    "Кто подал заявление, тот не включает в реестр: решение принимает другой сотрудник.",
    "Who made the application does not include it: somebody else decides.",
    "four eyes",
    kind="forbidden",
)
CHECK_NEEDED = Refusal(
    "check_needed",
    "Сначала проведите формальную проверку этого заявления.",
    "Make the formal check of this application first.",
    LAW,
)
CHECK_NOT_MET = Refusal(
    "check_not_met",
    "Не выполнены требования: {requirements}. Верните заявление на исправление или откажите.",
    "Requirements are not met: {requirements}. Return the application for correction, or refuse it.",
    LAW,
)
REASON_NEEDED = Refusal(
    "reason_needed",
    "Требование «{requirement}» не выполнено: напишите, почему.",
    "The requirement “{requirement}” is not met: say why.",
    kind="invalid",
)
CHECKED_TWICE = Refusal(
    "checked_twice",
    "Требование «{requirement}» проверено дважды.",
    "The requirement “{requirement}” is checked twice.",
    kind="invalid",
)
NOTHING_CHANGES = Refusal("nothing_changes", "Ни одно поле не меняется.", "No field changes.", kind="invalid")
ONLY_REGISTRAR = Refusal(
    "only_registrar",
    "Эти поля меняет только регистратор: {fields}.",
    "Only the registrar changes these fields: {fields}.",
    LAW,
    kind="forbidden",
)
ROW_NOT_OPEN = Refusal(
    "import_row_not_open",
    "Эта строка импорта не ждёт дополнения: она {state}.",
    "This row of an import isn't waiting to be completed: it is {state}.",
)
INN_TAKEN = Refusal(
    "inn_taken",
    "Поставщик с таким ИНН уже есть в реестре или подал заявление.",
    "A provider with this INN is in the register or has applied already.",
    LAW,
)


class Check(BaseModel):
    """What a registrar found on one requirement."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    requirement: Annotated[str, StringConstraints(min_length=2, max_length=100, strip_whitespace=True)]
    met: bool
    reason: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] = ""


# -- events -----------------------------------------------------------------------------------------------------------


class ProviderApplied(Event, CardFields):
    """`applied_by`: the account that made the application, and so doesn't decide on it."""

    applied_by: str
    origin: Origin = "provider"
    import_row: HeadRef = ""


class ProviderReturned(Event):
    reasons: tuple[str, ...]


class FormalCheckDone(Event):
    checks: tuple[Check, ...]
    met: bool


class ProviderIncluded(Event):
    number: str
    full_name: str
    short_name: str
    kind: Kind
    inn: str
    ogrn: str
    territory: str
    forms: tuple[FormOfService, ...]
    service_kinds: tuple[ServiceKind, ...]
    included_on: str


class ProviderRefused(Event):
    reasons: tuple[str, ...]
    ground: str


class ProviderSuspended(Event):
    reason: str


class ProviderRestored(Event):
    pass


class ProviderExcluded(Event):
    reason: str


class ProviderWithdrawn(Event):
    pass


class CardChanged(Event, Changes):
    """The changed fields, whole; null: unchanged."""


# -- commands ---------------------------------------------------------------------------------------------------------


class ApplyToRegister(Command, CardFields):
    """Apply, or apply again after a correction. `id` is the provider's: for its own staff their organisation."""

    id: Id


class CompleteImportRow(Command, CardFields):
    """Make an application of an import's row. The provider's id follows from the row, so that a row is used once."""

    row_id: Id


class ReturnApplication(Command):
    id: Id
    reasons: Reasons


class CheckApplication(Command):
    id: Id
    checks: Annotated[tuple[Check, ...], Field(min_length=1, max_length=30)]


class IncludeProvider(Command):
    id: Id


class RefuseProvider(Command):
    id: Id
    reasons: Reasons
    ground: Annotated[str, StringConstraints(min_length=3, max_length=200, strip_whitespace=True)] = LAW


class SuspendProvider(Command):
    id: Id
    reason: Reason


class RestoreProvider(Command):
    id: Id


class ExcludeProvider(Command):
    id: Id
    reason: Reason


class WithdrawProvider(Command):
    id: Id


class ChangeCard(Command, Changes):
    id: Id


# -- state ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegisterEntry:
    status: str = NEW
    card: Card | None = None
    applied_by: str = ""
    checks: tuple[Check, ...] = ()
    number: str = ""
    included_on: str = ""


register_entry = Aggregate("RegisterEntry", RegisterEntry)
REGISTRAR = {"registrar"}


def provider_of_row(row_id: str) -> str:
    """The id of the provider that the row of an import becomes."""
    return derived_id("provider-of-import-row", row_id)


def _own(context: Context) -> bool:
    return context.actor.has("registrar") or context.actor.organisation == context.id


@register_entry.command(
    ApplyToRegister, roles={"provider", "registrar"}, states=AGAIN, emits=(ProviderApplied,), ground=LAW
)
def apply(state: RegisterEntry, command: ApplyToRegister, context: Context) -> Decision:
    require(_own(context), NOT_YOURS)
    card = accepted(command, context.rules.codes)
    origin: Origin = "provider" if context.actor.organisation == context.id else "registrar"
    return decided(ProviderApplied(**dict(card), origin=origin, applied_by=context.actor.id))


@register_entry.command(
    CompleteImportRow,
    roles=REGISTRAR,
    states={NEW},
    emits=(ProviderApplied,),
    stream=lambda command: provider_of_row(command.row_id),
    ground=LAW,
)
def complete(state: RegisterEntry, command: CompleteImportRow, context: Context) -> Decision:
    require(context.facts == "draft", ROW_NOT_OPEN, state=context.facts or "—")
    card = accepted(command, context.rules.codes)
    return decided(
        ProviderApplied(**dict(card), origin="import", import_row=command.row_id, applied_by=context.actor.id)
    )


@register_entry.command(ReturnApplication, roles=REGISTRAR, states={"applied"}, emits=(ProviderReturned,), ground=LAW)
def return_for_correction(state: RegisterEntry, command: ReturnApplication, context: Context) -> Decision:
    return decided(ProviderReturned(reasons=command.reasons))


@register_entry.command(CheckApplication, roles=REGISTRAR, states={"applied"}, emits=(FormalCheckDone,), ground=LAW)
def check(state: RegisterEntry, command: CheckApplication, context: Context) -> Decision:
    seen: set[str] = set()
    for one in command.checks:
        require(one.requirement not in seen, CHECKED_TWICE, requirement=one.requirement)
        require(one.met or one.reason != "", REASON_NEEDED, requirement=one.requirement)
        seen.add(one.requirement)
    met = all(one.met for one in command.checks)
    return decided(FormalCheckDone(checks=command.checks, met=met), met=met)


@register_entry.command(IncludeProvider, roles=REGISTRAR, states={"applied"}, emits=(ProviderIncluded,), ground=LAW)
def include(state: RegisterEntry, command: IncludeProvider, context: Context) -> Decision:
    require(context.actor.id != state.applied_by, FOUR_EYES)
    require(bool(state.checks), CHECK_NEEDED)
    unmet = ", ".join(one.requirement for one in state.checks if not one.met)
    require(not unmet, CHECK_NOT_MET, requirements=unmet)
    assert state.card is not None
    card = state.card
    included = ProviderIncluded(
        number=context.facts,
        full_name=card.full_name,
        short_name=card.short_name,
        kind=card.kind,
        inn=card.inn,
        ogrn=card.ogrn,
        territory=card.territory,
        forms=card.forms,
        service_kinds=card.service_kinds,
        included_on=context.now.astimezone(ZoneInfo(context.rules.zone)).date().isoformat(),
    )
    return decided(included, number=included.number)


@register_entry.command(RefuseProvider, roles=REGISTRAR, states={"applied"}, emits=(ProviderRefused,), ground=LAW)
def refuse(state: RegisterEntry, command: RefuseProvider, context: Context) -> Decision:
    return decided(ProviderRefused(reasons=command.reasons, ground=command.ground))


@register_entry.command(SuspendProvider, roles=REGISTRAR, states={"active"}, emits=(ProviderSuspended,), ground=LAW)
def suspend(state: RegisterEntry, command: SuspendProvider, context: Context) -> Decision:
    return decided(ProviderSuspended(reason=command.reason))


@register_entry.command(RestoreProvider, roles=REGISTRAR, states={"suspended"}, emits=(ProviderRestored,), ground=LAW)
def restore(state: RegisterEntry, command: RestoreProvider, context: Context) -> Decision:
    return decided(ProviderRestored())


@register_entry.command(
    ExcludeProvider, roles=REGISTRAR, states={"active", "suspended"}, emits=(ProviderExcluded,), ground=LAW
)
def exclude(state: RegisterEntry, command: ExcludeProvider, context: Context) -> Decision:
    return decided(ProviderExcluded(reason=command.reason))


@register_entry.command(
    WithdrawProvider,
    roles={"provider", "registrar"},
    states=set(LIVING),
    emits=(ProviderWithdrawn,),
    ground="442-FZ art. 25 p. 2",  # being in the register is voluntary
)
def withdraw(state: RegisterEntry, command: WithdrawProvider, context: Context) -> Decision:
    require(_own(context), NOT_YOURS)
    return decided(ProviderWithdrawn())


@register_entry.command(
    ChangeCard, roles={"provider", "registrar"}, states=set(LIVING), emits=(CardChanged,), ground=LAW
)
def change_card(state: RegisterEntry, command: ChangeCard, context: Context) -> Decision:
    require(_own(context), NOT_YOURS)
    assert state.card is not None
    asked = given(command)
    if not context.actor.has("registrar"):
        foreign = sorted(asked.keys() - OWN_FIELDS)
        require(not foreign, ONLY_REGISTRAR, fields=", ".join(foreign))
    card = accepted(state.card.model_copy(update=_renamed(state.card, asked)), context.rules.codes)
    different = {name: value for name, value in dict(card).items() if value != getattr(state.card, name)}
    require(bool(different), NOTHING_CHANGES)
    return decided(CardChanged(**different), changed=sorted(different))


def _renamed(card: Card, asked: dict[str, object]) -> dict[str, object]:
    """An entrepreneur's names follow its OGRNIP; they are left to `accepted` unless somebody gave some."""
    if card.kind is not Kind.INDIVIDUAL:
        return asked
    return {"full_name": "", "short_name": "", **asked}


# -- what the events do -----------------------------------------------------------------------------------------------


@register_entry.event(ProviderApplied, to="applied")
def _applied(state: RegisterEntry, event: ProviderApplied) -> RegisterEntry:
    card = Card(**{name: getattr(event, name) for name in Card.model_fields})
    return RegisterEntry(status="applied", card=card, applied_by=event.applied_by)


@register_entry.event(ProviderReturned, to="returned")
def _returned(state: RegisterEntry, event: ProviderReturned) -> RegisterEntry:
    return changed(state, checks=())


@register_entry.event(FormalCheckDone)
def _checked(state: RegisterEntry, event: FormalCheckDone) -> RegisterEntry:
    return changed(state, checks=event.checks)


@register_entry.event(ProviderIncluded, to="active")
def _included(state: RegisterEntry, event: ProviderIncluded) -> RegisterEntry:
    return changed(state, number=event.number, included_on=event.included_on)


@register_entry.event(ProviderRefused, to="refused")
@register_entry.event(ProviderSuspended, to="suspended")
@register_entry.event(ProviderRestored, to="active")
@register_entry.event(ProviderExcluded, to="excluded")
@register_entry.event(ProviderWithdrawn, to="withdrawn")
def _moved(state: RegisterEntry, event: Event) -> RegisterEntry:
    return state


@register_entry.event(CardChanged)
def _card_changed(state: RegisterEntry, event: CardChanged) -> RegisterEntry:
    assert state.card is not None
    return changed(state, card=state.card.model_copy(update=given(event)))

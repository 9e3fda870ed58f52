"""From an application to the decision on it: applying and correcting, the formal check, included, returned or refused."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from kernel.aggregate import NEW, Command, Context, Decision, decided
from kernel.ids import Id, derived_id
from kernel.instants import to_text
from kernel.refusal import NOT_YOURS, Refusal, require
from services.registry.domain.card import LAW, CardFields, accepted
from services.registry.domain.register_entry.deadlines import reminder
from services.registry.domain.register_entry.state import (
    REGISTRAR,
    Check,
    FormalCheckDone,
    Origin,
    ProviderApplied,
    ProviderIncluded,
    ProviderRefused,
    ProviderReturned,
    Reasons,
    RegisterEntry,
    is_own,
    register_entry,
)
from services.registry.domain.terms import GroundCode, answered, grounded, local_day, opened

AGAIN = frozenset({NEW, "returned", "refused", "withdrawn", "excluded"})

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
CORRECTION_RUNS = Refusal(
    "correction_term_runs",
    "Заявление возвращено на исправление, срок: {last_day}. Отказать можно, когда он пройдёт.",
    "The application was returned for correction until {last_day}. It can be refused when that day has passed.",
    LAW,
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


class ApplyToRegister(Command, CardFields):
    """Apply, or apply again after a correction. `id` is the provider's: for its own staff their organisation."""

    id: Id


class CompleteImportRow(Command, CardFields):
    """Make an application of an import's row. The provider's id follows from the row, so that a row is used once."""

    row_id: Id


class ReturnApplication(Command):
    """Return an application for correction, with reasons; the region says in how many working days."""

    id: Id
    reasons: Reasons
    ground: GroundCode | None = None


class CheckApplication(Command):
    id: Id
    checks: Annotated[tuple[Check, ...], Field(min_length=1, max_length=30)]


class IncludeProvider(Command):
    id: Id
    ground: GroundCode | None = None


class RefuseProvider(Command):
    """Refuse an application; a returned one only when its term to correct was missed."""

    id: Id
    reasons: Reasons
    ground: GroundCode | None = None


def provider_of_row(row_id: str) -> str:
    """The id of the provider that the row of an import becomes."""
    return derived_id("provider-of-import-row", row_id)


@register_entry.command(
    ApplyToRegister, roles={"provider", "registrar"}, states=AGAIN, emits=(ProviderApplied,), ground=LAW
)
def apply(state: RegisterEntry, command: ApplyToRegister, context: Context) -> Decision:
    require(is_own(context), NOT_YOURS)
    origin: Origin = "provider" if context.actor.organisation == context.id else "registrar"
    return _applied(state, command, context, origin=origin)


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
    return _applied(state, command, context, origin="import", import_row=command.row_id)


def _applied(state: RegisterEntry, card: CardFields, context: Context, **more: Any) -> Decision:
    """The registrar decides within the region's working days; a correction says whether it came in time."""
    day, term = local_day(context.now, context.rules.zone), opened("decision", context)
    event = ProviderApplied(
        **dict(accepted(card, context.rules.codes)),
        **more,
        **term,
        **answered(state, day, "correction"),
        day=day,
        applied_by=context.actor.id,
    )
    return decided(event, due=reminder(context.id, term), decide_until=to_text(term["until"]), **event.explained)


@register_entry.command(ReturnApplication, roles=REGISTRAR, states={"applied"}, emits=(ProviderReturned,), ground=LAW)
def return_for_correction(state: RegisterEntry, command: ReturnApplication, context: Context) -> Decision:
    ground, term = grounded(state, "returned", command.ground, context), opened("correction", context)
    event = ProviderReturned(reasons=command.reasons, **ground, **term, **answered(state, ground["day"], "decision"))
    return decided(event, due=reminder(context.id, term))


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
    card, ground = state.card, grounded(state, "included", command.ground, context)
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
        included_on=ground["day"],
        **ground,
        **answered(state, ground["day"], "decision"),
    )
    return decided(included, number=included.number)


@register_entry.command(
    RefuseProvider, roles=REGISTRAR, states={"applied", "returned"}, emits=(ProviderRefused,), ground=LAW
)
def refuse(state: RegisterEntry, command: RefuseProvider, context: Context) -> Decision:
    if state.status == "returned":
        require(state.missed == "correction", CORRECTION_RUNS, last_day=state.last_day or "—")
    ground = grounded(state, "refused", command.ground, context)
    term = opened("appeal", context)
    return decided(
        ProviderRefused(reasons=command.reasons, **ground, **term, **answered(state, ground["day"], "decision"))
    )

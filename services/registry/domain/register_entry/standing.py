"""In the register: suspended and restored, what a provider remedies meanwhile, excluded, withdrawn, its card changed."""

from __future__ import annotations

from kernel.aggregate import Command, Context, Decision, decided
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require
from services.registry.domain.card import LAW, OWN_FIELDS, Card, Changes, Kind, accepted, given
from services.registry.domain.register_entry.deadlines import reminder
from services.registry.domain.register_entry.state import (
    LIVING,
    REGISTRAR,
    CardChanged,
    ProviderExcluded,
    ProviderRestored,
    ProviderSuspended,
    ProviderWithdrawn,
    Reason,
    RegisterEntry,
    RemedyReported,
    SuspensionUpheld,
    is_own,
    register_entry,
)
from services.registry.domain.terms import GroundCode, answered, grounded, local_day, opened

NO_REMEDY = Refusal(
    "no_remedy_reported",
    "Поставщик ещё не сообщил об устранении нарушений: решать пока не о чем.",
    "The provider hasn't reported a remedy yet: there is nothing to decide on.",
    LAW,
)
REMEDY_REPORTED = Refusal(
    "remedy_reported",
    "Об устранении уже сообщено, решение ждут до {last_day}.",
    "A remedy has been reported already; it is decided on by {last_day}.",
    LAW,
)
NOTHING_CHANGES = Refusal("nothing_changes", "Ни одно поле не меняется.", "No field changes.", kind="invalid")
ONLY_REGISTRAR = Refusal(
    "only_registrar",
    "Эти поля меняет только регистратор: {fields}.",
    "Only the registrar changes these fields: {fields}.",
    LAW,
    kind="forbidden",
)


class SuspendProvider(Command):
    """Suspend an entry; the provider remedies what was found within the region's working days."""

    id: Id
    reason: Reason
    ground: GroundCode | None = None


class ReportRemedy(Command):
    """Say what was done about the violations; also after the term, while the entry is suspended."""

    id: Id
    report: Reason


class UpholdSuspension(Command):
    """The remedy is not enough: the entry stays suspended and gets a new term."""

    id: Id
    reason: Reason
    ground: GroundCode | None = None


class RestoreProvider(Command):
    id: Id
    reason: Reason
    ground: GroundCode | None = None


class ExcludeProvider(Command):
    id: Id
    reason: Reason
    ground: GroundCode | None = None


class WithdrawProvider(Command):
    """Leave the register. It is voluntary, so a reason may be left out."""

    id: Id
    reason: Reason | None = None


class ChangeCard(Command, Changes):
    id: Id


@register_entry.command(SuspendProvider, roles=REGISTRAR, states={"active"}, emits=(ProviderSuspended,), ground=LAW)
def suspend(state: RegisterEntry, command: SuspendProvider, context: Context) -> Decision:
    ground, term = grounded(state, "suspended", command.ground, context), opened("remedy", context)
    return decided(ProviderSuspended(reason=command.reason, **ground, **term), due=reminder(context.id, term))


@register_entry.command(
    ReportRemedy, roles={"provider", "registrar"}, states={"suspended"}, emits=(RemedyReported,), ground=LAW
)
def report_remedy(state: RegisterEntry, command: ReportRemedy, context: Context) -> Decision:
    require(is_own(context), NOT_YOURS)
    require(state.term != "remedy_decision", REMEDY_REPORTED, last_day=state.last_day)
    day, term = local_day(context.now, context.rules.zone), opened("remedy_decision", context)
    event = RemedyReported(report=command.report, day=day, **term, **answered(state, day, "remedy"))
    return decided(event, due=reminder(context.id, term))


@register_entry.command(UpholdSuspension, roles=REGISTRAR, states={"suspended"}, emits=(SuspensionUpheld,), ground=LAW)
def uphold(state: RegisterEntry, command: UpholdSuspension, context: Context) -> Decision:
    require(state.term == "remedy_decision", NO_REMEDY)
    ground, term = grounded(state, "upheld", command.ground, context), opened("remedy", context)
    event = SuspensionUpheld(
        reason=command.reason, **ground, **term, **answered(state, ground["day"], "remedy_decision")
    )
    return decided(event, due=reminder(context.id, term))


@register_entry.command(RestoreProvider, roles=REGISTRAR, states={"suspended"}, emits=(ProviderRestored,), ground=LAW)
def restore(state: RegisterEntry, command: RestoreProvider, context: Context) -> Decision:
    ground = grounded(state, "restored", command.ground, context)
    return decided(
        ProviderRestored(reason=command.reason, **ground, **answered(state, ground["day"], "remedy_decision"))
    )


@register_entry.command(
    ExcludeProvider, roles=REGISTRAR, states={"active", "suspended"}, emits=(ProviderExcluded,), ground=LAW
)
def exclude(state: RegisterEntry, command: ExcludeProvider, context: Context) -> Decision:
    ground, term = grounded(state, "excluded", command.ground, context), opened("appeal", context)
    answer = answered(state, ground["day"], "remedy_decision")
    return decided(ProviderExcluded(reason=command.reason, **ground, **term, **answer))


@register_entry.command(
    WithdrawProvider,
    roles={"provider", "registrar"},
    states=set(LIVING),
    emits=(ProviderWithdrawn,),
    ground="442-FZ art. 25 p. 2",  # being in the register is voluntary
)
def withdraw(state: RegisterEntry, command: WithdrawProvider, context: Context) -> Decision:
    require(is_own(context), NOT_YOURS)
    return decided(ProviderWithdrawn(reason=command.reason or "", **grounded(state, "withdrawn", None, context)))


@register_entry.command(
    ChangeCard, roles={"provider", "registrar"}, states=set(LIVING), emits=(CardChanged,), ground=LAW
)
def change_card(state: RegisterEntry, command: ChangeCard, context: Context) -> Decision:
    require(is_own(context), NOT_YOURS)
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

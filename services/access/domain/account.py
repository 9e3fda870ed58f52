"""An account: whose organisation it acts for, which roles it has. No name, no login and no password are in its events.

    new ─▶ active ⇄ disabled

Roles that decide, pay, watch or administer need two administrators: one proposes, another grants. The first account is
made from the installation's own machine; it alone may make the second administrator, once. Setting somebody else's
password, or enabling a disabled account, sends such roles back to `proposed`: nobody takes an account over alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided, refused
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require

Role = Literal[
    "officer",
    "registrar",
    "evaluator",
    "provider",
    "premises_owner",
    "treasurer",
    "auditor",
    "custodian",
    "administrator",
    "beneficiary",
]
ROLES: frozenset[str] = frozenset(get_args(Role))
EVERYBODY = ROLES | {"public"}
OPERATOR = "operator"
"""The role of a token made with the installation's own key; no account can have it."""

TWO_NEEDED = ROLES - {"provider", "evaluator"}
# A beneficiary, or who represents one, acts for the beneficiary's pseudonym as staff do for their organisation.
ORGANISATION_NEEDED = frozenset({"provider", "officer", "treasurer", "premises_owner", "beneficiary"})
MISTAKES = 5

ALREADY_BEGUN = Refusal(
    "already_begun",
    "Первая учётная запись уже есть. Следующие создаёт администратор.",
    "There is a first account already. An administrator makes the others.",
)
LOGIN_TAKEN = Refusal("login_taken", "Такой логин уже занят.", "This login is taken.")
ORGANISATION_MISSING = Refusal(
    "organisation_missing",
    "Роль «{role}» действует от имени организации: укажите её в учётной записи.",
    "The role “{role}” acts for an organisation: the account needs one.",
    kind="invalid",
)
OWN_ROLES = Refusal(
    "own_roles",
    "Свои роли менять нельзя: это делает другой администратор.",
    "Nobody changes the roles of their own account: another administrator does.",
    "four eyes",
    kind="forbidden",
)
FOUR_EYES = Refusal(
    "four_eyes",
    "Вы предложили роль «{role}»: предоставляет её другой администратор.",
    "You proposed the role “{role}”: another administrator grants it.",
    "four eyes",
    kind="forbidden",
)
ROLE_HELD = Refusal("role_held", "Роль «{role}» уже есть.", "The account has the role “{role}” already.")
ROLE_NOT_HELD = Refusal("role_not_held", "Роли «{role}» нет.", "The account hasn't the role “{role}”.")
LAST_ADMINISTRATOR = Refusal(
    "last_administrator",
    "Это последний администратор: сначала назначьте другого.",
    "This is the last administrator: make another one first.",
)
WRONG_PASSWORD = Refusal(
    "wrong_password",
    "Прежний пароль не подошёл.",
    "The old password is wrong.",
    kind="forbidden",
)
TOO_MANY_MISTAKES = Refusal(
    "too_many_mistakes",
    "Прежний пароль введён неверно {limit} раз подряд: новый задаст администратор.",
    "The old password was wrong {limit} times in a row: an administrator sets a new one.",
    kind="forbidden",
)
SAME_PASSWORD = Refusal(
    "same_password", "Новый пароль совпадает с прежним.", "The new password is the old one.", kind="invalid"
)


# -- events: readers are auditors, and nothing in them is personal ----------------------------------------------------


class AccountCreated(Event, readers="auditor"):
    """`credential`: a keyed commitment to what the secret table holds."""

    organisation: str
    bootstrap: bool
    credential: str


class RoleProposed(Event, readers="auditor"):
    role: str
    proposed_by: str


class RoleGranted(Event, readers="auditor"):
    """`proposed_by`: "" where one administrator is enough."""

    role: str
    proposed_by: str


class RoleRevoked(Event, readers="auditor"):
    """Also a proposal that is taken back."""

    role: str


class AccountDisabled(Event, readers="auditor"):
    reason: str


class AccountEnabled(Event, readers="auditor"):
    pass


class PasswordChanged(Event, readers="auditor"):
    credential: str


class PasswordReset(Event, readers="auditor"):
    credential: str


class PasswordMistaken(Event, readers="auditor"):
    pass


# -- commands ---------------------------------------------------------------------------------------------------------

Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@-]{2,79}$")]
Password = Annotated[str, StringConstraints(min_length=10, max_length=200)]
DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class Bootstrap(Command):
    """The first account, an administrator's."""

    id: Id
    login: Login
    password: Password
    display_name: DisplayName


class CreateAccount(Command):
    """`organisation`: the provider or body that the account acts for."""

    id: Id
    login: Login
    password: Password
    display_name: DisplayName
    organisation: Id | None = None
    roles: Annotated[tuple[Role, ...], Field(max_length=9)] = ()


class GrantRole(Command):
    """Propose a role, or grant what another administrator proposed."""

    id: Id
    role: Role


class RevokeRole(Command):
    id: Id
    role: Role


class DisableAccount(Command):
    id: Id
    reason: Annotated[str, StringConstraints(min_length=3, max_length=300, strip_whitespace=True)]


class EnableAccount(Command):
    id: Id


class ChangePassword(Command):
    id: Id
    old: Annotated[str, StringConstraints(max_length=200)]
    new: Password


class ResetPassword(Command):
    id: Id
    password: Password


# -- state ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """`proposed`: {role: who proposed it}. `mistakes`: wrong old passwords in a row."""

    status: str = NEW
    organisation: str = ""
    bootstrap: bool = False
    roles: tuple[str, ...] = ()
    proposed: Mapping[str, str] = field(default_factory=dict)
    credential: str = ""
    mistakes: int = 0


@dataclass(frozen=True)
class Created:
    """Facts of a new account: the commitment to its credential, and how things stand with administrators."""

    credential: str
    accounts: int = 0
    administrators: int = 0
    by_first: bool = False


@dataclass(frozen=True)
class Standing:
    """How many active administrators there are, and whether the actor's account is the first one."""

    administrators: int
    by_first: bool


@dataclass(frozen=True)
class NewPassword:
    """Whether the old password was right, and the commitment to the credential with the new one."""

    right: bool
    credential: str


account = Aggregate("Account", Account)
ADMINISTRATOR = {"administrator"}
KEPT = {"active", "disabled"}


def _enough_alone(role: str, standing: Standing | Created) -> bool:
    """Whether one administrator is enough: for roles that decide nothing, and for the second administrator."""
    if role not in TWO_NEEDED:
        return True
    return role == "administrator" and standing.by_first and standing.administrators == 1


@account.command(Bootstrap, roles={OPERATOR}, states={NEW}, emits=(AccountCreated, RoleGranted))
def bootstrap(state: Account, command: Bootstrap, context: Context) -> Decision:
    facts: Created = context.facts
    require(facts.accounts == 0, ALREADY_BEGUN)
    return decided(
        AccountCreated(organisation="", bootstrap=True, credential=facts.credential),
        RoleGranted(role="administrator", proposed_by=""),
    )


@account.command(CreateAccount, roles=ADMINISTRATOR, states={NEW}, emits=(AccountCreated, RoleGranted, RoleProposed))
def create(state: Account, command: CreateAccount, context: Context) -> Decision:
    facts: Created = context.facts
    organisation = command.organisation or ""
    events: list[Event] = [AccountCreated(organisation=organisation, bootstrap=False, credential=facts.credential)]
    waiting = []
    for role in dict.fromkeys(command.roles):
        _check_organisation(role, organisation)
        if _enough_alone(role, facts):
            events.append(RoleGranted(role=role, proposed_by=""))
        else:
            events.append(RoleProposed(role=role, proposed_by=context.actor.id))
            waiting.append(role)
    return decided(*events, waiting=waiting)


def _check_organisation(role: str, organisation: str) -> None:
    require(organisation != "" or role not in ORGANISATION_NEEDED, ORGANISATION_MISSING, role=role)


@account.command(GrantRole, roles=ADMINISTRATOR, states={"active"}, emits=(RoleGranted, RoleProposed))
def grant(state: Account, command: GrantRole, context: Context) -> Decision:
    role, by = command.role, context.actor.id
    require(by != context.id, OWN_ROLES)
    require(role not in state.roles, ROLE_HELD, role=role)
    _check_organisation(role, state.organisation)
    if _enough_alone(role, context.facts):
        return decided(RoleGranted(role=role, proposed_by=""), granted=True)
    proposer = state.proposed.get(role)
    if proposer is None:
        return decided(RoleProposed(role=role, proposed_by=by), granted=False)
    require(proposer != by, FOUR_EYES, role=role)
    return decided(RoleGranted(role=role, proposed_by=proposer), granted=True)


@account.command(RevokeRole, roles=ADMINISTRATOR, states=KEPT, emits=(RoleRevoked,))
def revoke(state: Account, command: RevokeRole, context: Context) -> Decision:
    require(command.role in state.roles or command.role in state.proposed, ROLE_NOT_HELD, role=command.role)
    if command.role == "administrator":
        _keep_one_administrator(state, context.facts)
    return decided(RoleRevoked(role=command.role))


def _keep_one_administrator(state: Account, standing: Standing) -> None:
    counted = state.status == "active" and "administrator" in state.roles
    require(not counted or standing.administrators > 1, LAST_ADMINISTRATOR)


@account.command(DisableAccount, roles=ADMINISTRATOR, states={"active"}, emits=(AccountDisabled,))
def disable(state: Account, command: DisableAccount, context: Context) -> Decision:
    _keep_one_administrator(state, context.facts)
    return decided(AccountDisabled(reason=command.reason))


def _sent_back(state: Account, by: str) -> Iterable[Event]:
    """Roles for which two are needed, held until now: the actor proposes them, another one grants."""
    for role in state.roles:
        if role in TWO_NEEDED:
            yield RoleRevoked(role=role)
            yield RoleProposed(role=role, proposed_by=by)


@account.command(
    EnableAccount, roles=ADMINISTRATOR, states={"disabled"}, emits=(AccountEnabled, RoleRevoked, RoleProposed)
)
def enable(state: Account, command: EnableAccount, context: Context) -> Decision:
    require(context.actor.id != context.id, OWN_ROLES)
    return decided(AccountEnabled(), *_sent_back(state, context.actor.id))


@account.command(ResetPassword, roles=ADMINISTRATOR, states=KEPT, emits=(PasswordReset, RoleRevoked, RoleProposed))
def reset(state: Account, command: ResetPassword, context: Context) -> Decision:
    require(context.actor.id != context.id, NOT_YOURS)
    facts: tuple[Standing, str] = context.facts
    standing, credential = facts
    _keep_one_administrator(state, standing)
    return decided(PasswordReset(credential=credential), *_sent_back(state, context.actor.id))


@account.command(ChangePassword, roles=ROLES, states={"active"}, emits=(PasswordChanged, PasswordMistaken))
def change_password(state: Account, command: ChangePassword, context: Context) -> Decision:
    require(context.actor.id == context.id, NOT_YOURS)
    require(state.mistakes < MISTAKES, TOO_MANY_MISTAKES, limit=MISTAKES)
    facts: NewPassword = context.facts
    if not facts.right:
        return refused(WRONG_PASSWORD, PasswordMistaken())
    require(command.new != command.old, SAME_PASSWORD)
    return decided(PasswordChanged(credential=facts.credential))


# -- what the events do -----------------------------------------------------------------------------------------------


@account.event(AccountCreated, to="active")
def _created(state: Account, event: AccountCreated) -> Account:
    return Account(organisation=event.organisation, bootstrap=event.bootstrap, credential=event.credential)


@account.event(RoleProposed)
def _proposed(state: Account, event: RoleProposed) -> Account:
    return changed(state, proposed={**state.proposed, event.role: event.proposed_by})


@account.event(RoleGranted)
def _granted(state: Account, event: RoleGranted) -> Account:
    return changed(state, roles=tuple(sorted({*state.roles, event.role})), proposed=_without(state, event.role))


@account.event(RoleRevoked)
def _revoked(state: Account, event: RoleRevoked) -> Account:
    roles = tuple(role for role in state.roles if role != event.role)
    return changed(state, roles=roles, proposed=_without(state, event.role))


def _without(state: Account, role: str) -> Mapping[str, str]:
    return {name: by for name, by in state.proposed.items() if name != role}


@account.event(AccountDisabled, to="disabled")
@account.event(AccountEnabled, to="active")
def _moved(state: Account, event: Event) -> Account:
    return state


@account.event(PasswordReset)
@account.event(PasswordChanged)
def _password(state: Account, event: PasswordChanged | PasswordReset) -> Account:
    return changed(state, credential=event.credential, mistakes=0)


@account.event(PasswordMistaken)
def _mistaken(state: Account, event: PasswordMistaken) -> Account:
    return changed(state, mistakes=state.mistakes + 1)

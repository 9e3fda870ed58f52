"""Accounts and sessions: two administrators for weighty roles, and no way around them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.aggregate import Event
from kernel.ids import new_id
from services.access import safe
from services.access.domain.account import (
    MISTAKES,
    ROLES,
    TWO_NEEDED,
    AccountCreated,
    AccountDisabled,
    AccountEnabled,
    Bootstrap,
    ChangePassword,
    CreateAccount,
    Created,
    DisableAccount,
    EnableAccount,
    GrantRole,
    NewPassword,
    PasswordChanged,
    PasswordMistaken,
    PasswordReset,
    ResetPassword,
    RevokeRole,
    RoleGranted,
    RoleProposed,
    RoleRevoked,
    Standing,
    account,
)
from services.access.domain.session import (
    Attempt,
    IssueApiToken,
    Issued,
    RevokeSession,
    SessionRevoked,
    SessionStarted,
    SignIn,
    SignInFailed,
    session,
)
from tests.story import Given, given
from tests.support import person

ID, ORGANISATION = new_id(), new_id()
FIRST, SECOND = person("administrator"), person("administrator")
SELF = person("officer", id=ID)
WHO: dict[str, Any] = {"id": ID, "login": "primerova", "password": "очень длинный пароль", "display_name": "Примерова"}
MANY, LAST = Standing(administrators=2, by_first=False), Standing(administrators=1, by_first=False)
ALONE = Standing(administrators=1, by_first=True)


def existing(*roles: str, organisation: str = ORGANISATION) -> Given:
    granted: list[Event] = [RoleGranted(role=role, proposed_by="") for role in roles]
    return given(account, AccountCreated(organisation=organisation, bootstrap=False, credential="c"), *granted, id=ID)


# -- beginning --------------------------------------------------------------------------------------------------------


def test_the_first_account_is_made_once_and_by_nobody_from_outside() -> None:
    begin = Bootstrap(**WHO)
    told = given(account, id=ID).when(begin, person("operator"), facts=Created("c0ffee"))
    assert told.then(AccountCreated, RoleGranted).state.roles == ("administrator",)
    assert "примерова" not in "".join(event.model_dump_json() for event in told.decision.events).casefold()
    given(account, id=ID).when(begin, person("operator"), facts=Created("c", accounts=1)).refused("already_begun")
    given(account, id=ID).when(begin, FIRST, facts=Created("c")).refused("forbidden_role")
    assert "operator" not in ROLES


def test_the_first_administrator_makes_the_second_alone_and_no_third() -> None:
    create = CreateAccount(**WHO, roles=["administrator"])
    alone = Created("c", accounts=1, administrators=1, by_first=True)
    given(account, id=ID).when(create, FIRST, facts=alone).then(AccountCreated, RoleGranted)
    given(account, id=ID).when(create, FIRST, facts=Created("c", 2, 2, True)).then(AccountCreated, RoleProposed)
    given(account, id=ID).when(create, FIRST, facts=Created("c", 2, 1, False)).then(AccountCreated, RoleProposed)
    grant = GrantRole(id=ID, role="administrator")
    existing().when(grant, FIRST, facts=ALONE).then(RoleGranted)
    existing().when(GrantRole(id=ID, role="registrar"), FIRST, facts=ALONE).then(RoleProposed)


# -- roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(ROLES))
def test_weighty_roles_need_two_administrators(role: Any) -> None:
    grant = GrantRole(id=ID, role=role)
    told = existing().when(grant, FIRST, facts=MANY)
    assert told.decision.reply == {"granted": role not in TWO_NEEDED}
    if role in TWO_NEEDED:
        waiting = told.then(RoleProposed)
        assert waiting.state.roles == ()
        waiting.when(grant, FIRST, facts=MANY).refused("four_eyes")
        granted = waiting.when(grant, SECOND, facts=MANY)
        assert granted.event.proposed_by == FIRST.id
        assert granted.then(RoleGranted).state == existing(role).state


def test_what_a_new_account_may_at_once_and_what_waits() -> None:
    create = CreateAccount(**WHO, organisation=ORGANISATION, roles=["provider", "treasurer", "evaluator"])
    told = given(account, id=ID).when(create, FIRST, facts=Created("c", 2, 2))
    assert told.decision.reply == {"waiting": ["treasurer"]}
    state = told.then(AccountCreated, RoleGranted, RoleProposed, RoleGranted).state
    assert state.roles == ("evaluator", "provider") and state.proposed == {"treasurer": FIRST.id}


def test_who_acts_for_an_organisation_has_one() -> None:
    create = CreateAccount(**WHO, roles=["provider"])
    given(account, id=ID).when(create, FIRST, facts=Created("c", 2, 2)).refused("organisation_missing")
    bare = existing(organisation="")
    bare.when(GrantRole(id=ID, role="officer"), FIRST, facts=MANY).refused("organisation_missing")
    bare.when(GrantRole(id=ID, role="registrar"), FIRST, facts=MANY).then(RoleProposed)


def test_nobody_changes_their_own_roles() -> None:
    own = person("administrator", id=ID)
    existing("administrator").when(GrantRole(id=ID, role="auditor"), own, facts=MANY).refused("own_roles")
    waiting = existing("administrator").when(GrantRole(id=ID, role="auditor"), FIRST, facts=MANY).then(RoleProposed)
    waiting.when(GrantRole(id=ID, role="auditor"), own, facts=MANY).refused("own_roles")
    existing().when(GrantRole(id=ID, role="auditor"), person("officer"), facts=MANY).refused("forbidden_role")


def test_a_role_is_taken_by_one_and_a_proposal_taken_back() -> None:
    revoke = RevokeRole(id=ID, role="auditor")
    assert existing("auditor").when(revoke, FIRST, facts=MANY).then(RoleRevoked).state.roles == ()
    existing().when(revoke, FIRST, facts=MANY).refused("role_not_held")
    waiting = existing().when(GrantRole(id=ID, role="auditor"), FIRST, facts=MANY).then(RoleProposed)
    assert waiting.when(revoke, SECOND, facts=MANY).then(RoleRevoked).state.proposed == {}
    existing("auditor").when(GrantRole(id=ID, role="auditor"), FIRST, facts=MANY).refused("role_held")


@pytest.mark.parametrize(
    "command",
    [
        RevokeRole(id=ID, role="administrator"),
        DisableAccount(id=ID, reason="уволен"),
        ResetPassword(id=ID, password="совсем другой пароль"),
    ],
)
def test_the_last_administrator_stays(command: Any) -> None:
    def facts(standing: Standing) -> Any:
        return (standing, "c") if isinstance(command, ResetPassword) else standing

    existing("administrator").when(command, FIRST, facts=facts(LAST)).refused("last_administrator")
    assert existing("administrator").when(command, FIRST, facts=facts(MANY)).decision.refusal is None
    assert existing("registrar", "administrator").when(command, SELF, facts=facts(MANY)).decision.refusal is not None


# -- taking an account over -------------------------------------------------------------------------------------------


def test_a_new_password_by_an_administrator_sends_weighty_roles_back() -> None:
    reset = ResetPassword(id=ID, password="совсем другой пароль")
    told = existing("provider", "treasurer").when(reset, FIRST, facts=(MANY, "new"))
    state = told.then(PasswordReset, RoleRevoked, RoleProposed).state
    assert state.roles == ("provider",) and state.proposed == {"treasurer": FIRST.id} and state.credential == "new"
    existing().when(reset, person("administrator", id=ID), facts=(MANY, "new")).refused("not_yours")


def test_an_account_comes_back_without_its_weighty_roles() -> None:
    off = existing("treasurer").when(DisableAccount(id=ID, reason="отпуск"), FIRST, facts=MANY).then(AccountDisabled)
    off.when(GrantRole(id=ID, role="auditor"), FIRST, facts=MANY).refused("wrong_state")
    back = off.when(EnableAccount(id=ID), SECOND).then(AccountEnabled, RoleRevoked, RoleProposed)
    back.when(GrantRole(id=ID, role="treasurer"), SECOND, facts=MANY).refused("four_eyes")
    back.when(GrantRole(id=ID, role="treasurer"), FIRST, facts=MANY).then(RoleGranted)


def test_ones_own_password_needs_the_old_one_five_times_at_most() -> None:
    change = ChangePassword(id=ID, old="старый", new="совсем новый пароль")
    right, wrong = NewPassword(True, "new"), NewPassword(False, "")
    entry = existing()
    entry.when(change, FIRST, facts=right).refused("not_yours")
    assert entry.when(change, SELF, facts=right).then(PasswordChanged).state.credential == "new"
    for _ in range(MISTAKES):
        told = entry.when(change, SELF, facts=wrong)
        told.refused("wrong_password", PasswordMistaken)
        entry = Given(account, ID, account.fold(told.decision.events, entry.state), None)
    entry.when(change, SELF, facts=right).refused("too_many_mistakes")
    reset = entry.when(ResetPassword(id=ID, password="совсем другой пароль"), FIRST, facts=(MANY, "r"))
    reset.then(PasswordReset).when(change, SELF, facts=right).then(PasswordChanged)
    same = ChangePassword(id=ID, old="тот же самый пароль", new="тот же самый пароль")
    existing().when(same, SELF, facts=right).refused("same_password")


# -- sessions ---------------------------------------------------------------------------------------------------------

ISSUED = Issued("the.token", "5f", datetime(2027, 3, 11, tzinfo=UTC))
SIGN_IN = SignIn(id=ID, login="primerova", password="очень длинный пароль")


def attempt(**changes: Any) -> Attempt:
    return Attempt(**{"account_id": SELF.id, "right": True, "roles": ("officer",), "version": 3, **changes})


def test_the_token_is_in_the_answer_and_its_hash_in_the_log() -> None:
    told = given(session, id=ID).when(SIGN_IN, person("public"), facts=attempt(issued=ISSUED))
    assert told.decision.reply["token"] == "the.token"
    assert "the.token" not in told.event.model_dump_json() and told.event.token_hash == "5f"
    assert (told.event.account_version, told.event.roles) == (3, ("officer",))
    told.then(SessionStarted)


@pytest.mark.parametrize(
    ("found", "facts"),
    [
        (Attempt(), []),  # nobody has this login
        (attempt(right=False), [SignInFailed]),
        (attempt(right=False, limited=True), []),
        (attempt(), []),  # the password is right and the account disabled
    ],
)
def test_every_failed_sign_in_sounds_alike_and_few_are_facts(found: Attempt, facts: list[type[Event]]) -> None:
    told = given(session, id=ID).when(SIGN_IN, person("public"), facts=found)
    told.refused("sign_in_failed", *facts)
    assert told.decision.refusal == given(session).when(SIGN_IN, person("public"), facts=Attempt()).decision.refusal


def test_a_program_gets_some_of_the_accounts_own_roles() -> None:
    ask = IssueApiToken(id=ID, password="очень длинный пароль", roles=["officer"], days=30)
    told = given(session, id=ID).when(ask, SELF, facts=attempt(issued=ISSUED, roles=("officer", "treasurer")))
    assert told.event.kind == "program" and told.event.roles == ("officer",)
    more = IssueApiToken(id=ID, password="очень длинный пароль", roles=["officer", "auditor"], days=30)
    given(session, id=ID).when(more, SELF, facts=attempt()).refused("roles_not_held")
    given(session, id=ID).when(ask, SELF, facts=attempt(right=False)).refused("sign_in_failed", SignInFailed)
    given(session, id=ID).when(ask, SELF, facts=attempt(right=False, limited=True)).refused("sign_in_failed")


def test_a_session_is_ended_by_its_owner_or_an_administrator() -> None:
    started = given(session, id=ID).when(SIGN_IN, person("public"), facts=attempt(issued=ISSUED)).then(SessionStarted)
    end = RevokeSession(id=ID)
    started.when(end, person("officer")).refused("not_yours")
    for who in (SELF, FIRST):
        started.when(end, who).then(SessionRevoked).when(end, who).refused("wrong_state")


def test_passwords_are_argon2id_and_an_unknown_login_costs_the_same_work() -> None:
    made = safe.hash_of("очень длинный пароль")
    assert made.startswith("$argon2id$") and made != safe.hash_of("очень длинный пароль")
    assert safe.is_right(made, "очень длинный пароль") and not safe.is_right(made, "очень длинный парол")
    assert not safe.is_right(None, "очень длинный пароль") and not safe.is_right("broken", "x")

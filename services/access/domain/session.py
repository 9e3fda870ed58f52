"""A session: a signed token that an account holds for a while, or a program for longer; and a sign-in that failed.

    new ─▶ open ─▶ revoked        new ─▶ failed

A failed sign-in to an account is a fact, five in fifteen minutes at most: after that every attempt is refused unseen until
the time has passed. Unknown logins are no facts. All refusals are worded alike, so that nobody learns which logins exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided, refused
from kernel.ids import Id
from kernel.instants import Instant
from kernel.refusal import NOT_YOURS, Refusal, require
from services.access.domain.account import EVERYBODY, ROLES, Role

FAILURES = 5
WITHIN = timedelta(minutes=15)
LIFETIME = timedelta(hours=12)

SIGN_IN_FAILED = Refusal(
    "sign_in_failed",
    "Логин или пароль не подошли, или было слишком много попыток: тогда подождите {minutes} минут.",
    "Wrong login or password, or too many attempts: in that case wait {minutes} minutes.",
    kind="unauthenticated",
)
ROLES_NOT_HELD = Refusal(
    "roles_not_held",
    "У учётной записи нет ролей: {roles}.",
    "The account hasn't the roles: {roles}.",
    kind="forbidden",
)


class SessionStarted(Event, readers="auditor"):
    """`token_hash`: SHA-256 of the token. `token_ends`: by real time, also in a sandbox.

    `account_version`: a later loss of rights of the account revokes the token.
    """

    account_id: str
    kind: Literal["person", "program"]
    roles: tuple[str, ...]
    organisation: str
    token_hash: str
    token_ends: Instant
    account_version: int


class SignInFailed(Event, readers="auditor"):
    account_id: str


class SessionRevoked(Event, readers="auditor"):
    pass


class SignIn(Command):
    """`id`: of the session to be. The answer holds the token and is never stored."""

    id: Id
    login: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class IssueApiToken(Command):
    """A token for a program, with some of the own account's roles. The password is asked for again."""

    id: Id
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=9)]
    days: int = Field(ge=1, le=365)


class RevokeSession(Command):
    id: Id


@dataclass(frozen=True)
class Issued:
    """A token that was made: it goes into the answer, its hash into the log."""

    token: str
    token_hash: str
    ends: datetime


@dataclass(frozen=True)
class Attempt:
    """What was found of a sign-in: whose account, whether it may go on, and the token where it does."""

    account_id: str = ""
    limited: bool = False
    right: bool = False
    version: int = 0
    roles: tuple[str, ...] = ()
    organisation: str = ""
    issued: Issued | None = None


@dataclass(frozen=True)
class Session:
    status: str = NEW
    account_id: str = ""


session = Aggregate("Session", Session)


@session.command(SignIn, roles=EVERYBODY, states={NEW}, emits=(SessionStarted, SignInFailed))
def sign_in(state: Session, command: SignIn, context: Context) -> Decision:
    attempt: Attempt = context.facts
    if attempt.issued is None:
        return _failed(attempt)
    return _started(attempt, attempt.issued, attempt.roles, "person")


@session.command(IssueApiToken, roles=ROLES, states={NEW}, emits=(SessionStarted, SignInFailed))
def issue(state: Session, command: IssueApiToken, context: Context) -> Decision:
    attempt: Attempt = context.facts
    if not attempt.right or attempt.limited:
        return _failed(attempt)
    lacking = sorted(set(command.roles) - set(attempt.roles))
    if lacking or attempt.issued is None:
        return refused(ROLES_NOT_HELD, roles=", ".join(lacking))
    return _started(attempt, attempt.issued, tuple(sorted(set(command.roles))), "program")


def _failed(attempt: Attempt) -> Decision:
    told = SIGN_IN_FAILED.having(minutes=WITHIN // timedelta(minutes=1))
    if not attempt.account_id or attempt.limited or attempt.right:
        return refused(told)
    return refused(told, SignInFailed(account_id=attempt.account_id))


def _started(attempt: Attempt, issued: Issued, roles: tuple[str, ...], kind: Literal["person", "program"]) -> Decision:
    event = SessionStarted(
        account_id=attempt.account_id,
        kind=kind,
        roles=roles,
        organisation=attempt.organisation,
        token_hash=issued.token_hash,
        token_ends=issued.ends,
        account_version=attempt.version,
    )
    return decided(
        event,
        token=issued.token,
        token_ends=event.model_dump(mode="json")["token_ends"],
        account_id=attempt.account_id,
        roles=list(roles),
        organisation=attempt.organisation,
    )


@session.command(RevokeSession, roles=ROLES, states={"open"}, emits=(SessionRevoked,))
def revoke(state: Session, command: RevokeSession, context: Context) -> Decision:
    require(context.actor.has("administrator") or context.actor.id == state.account_id, NOT_YOURS)
    return decided(SessionRevoked())


@session.event(SessionStarted, to="open")
def _session_started(state: Session, event: SessionStarted) -> Session:
    return changed(state, account_id=event.account_id)


@session.event(SignInFailed, to="failed")
def _sign_in_failed(state: Session, event: SignInFailed) -> Session:
    return changed(state, account_id=event.account_id)


@session.event(SessionRevoked, to="revoked")
def _session_revoked(state: Session, event: SessionRevoked) -> Session:
    return state

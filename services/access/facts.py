"""What access's commands need besides their state: credentials, who the administrators are, tokens.

Passwords are hashed and tokens signed here, so that deciding stays pure. What a refused command wrote is undone with it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from kernel.database import lock_key
from kernel.identity import Actor
from kernel.ids import is_id
from kernel.service import Surroundings
from services.access import safe
from services.access.domain.account import (
    Account,
    Bootstrap,
    ChangePassword,
    CreateAccount,
    Created,
    NewPassword,
    ResetPassword,
    Standing,
)
from services.access.domain.session import FAILURES, LIFETIME, WITHIN, Attempt, IssueApiToken, SignIn
from services.access.safe import Credential, Safe

# -- accounts ---------------------------------------------------------------------------------------------------------


def one_at_a_time(command: Any) -> list[tuple[str, int]]:
    """How many administrators there are is one fact over many streams, so these commands go one after the other."""
    return [("exclusive", lock_key("access", "administrators"))]


def standing(connection: Connection, command: Any, state: Account, at: Surroundings) -> Standing:
    row = connection.exec_driver_sql(
        "SELECT count(*) FILTER (WHERE status = 'active' AND roles @> ARRAY['administrator']), "
        "coalesce(bool_or(bootstrap AND id::text = %s), false) FROM account_view",
        (at.actor.id,),
    ).one()
    return Standing(administrators=row[0], by_first=row[1])


def created(connection: Connection, command: Bootstrap | CreateAccount, state: Account, at: Surroundings) -> Created:
    """Keep the credential of a new account."""
    accounts = connection.exec_driver_sql("SELECT count(*) FROM account_view").scalar_one()
    now = standing(connection, command, state, at)
    box = Safe.at(connection, at.keys)
    kept = Credential(
        command.id,
        box.login_mac(command.login),
        box.seal(command.id, command.login, command.display_name),
        safe.hash_of(command.password),
    )
    connection.exec_driver_sql(
        "INSERT INTO credential (account_id, login_mac, sealed, password_hash) VALUES (%s, %s, %s, %s)",
        (kept.account_id, kept.login_mac, kept.sealed, kept.password_hash),
    )
    return Created(box.commitment(kept), accounts, now.administrators, now.by_first)


def changed_password(connection: Connection, command: ChangePassword, state: Account, at: Surroundings) -> NewPassword:
    """Try the old password and keep the new one; what decides against it is looked at first, as it costs less."""
    found = credential_of(connection, command.id)
    if found is None or at.actor.id != command.id or not safe.is_right(found.password_hash, command.old):
        return NewPassword(right=False, credential="")
    return NewPassword(True, _with_password(connection, found, command.new, at))


def reset_password(
    connection: Connection, command: ResetPassword, state: Account, at: Surroundings
) -> tuple[Standing, str]:
    found = credential_of(connection, command.id)
    assert found is not None, f"the account {command.id} has no credential"
    return standing(connection, command, state, at), _with_password(connection, found, command.password, at)


def credential_of(connection: Connection, account_id: str) -> Credential | None:
    row = connection.exec_driver_sql(
        "SELECT account_id::text, login_mac, sealed, password_hash FROM credential WHERE account_id = %s", (account_id,)
    ).one_or_none()
    return None if row is None else Credential(row[0], bytes(row[1]), bytes(row[2]), row[3])


def _with_password(connection: Connection, found: Credential, password: str, at: Surroundings) -> str:
    kept = Credential(found.account_id, found.login_mac, found.sealed, safe.hash_of(password))
    connection.exec_driver_sql(
        "UPDATE credential SET password_hash = %s WHERE account_id = %s", (kept.password_hash, kept.account_id)
    )
    return Safe.at(connection, at.keys).commitment(kept)


# -- sessions ---------------------------------------------------------------------------------------------------------


def one_login(command: SignIn) -> list[tuple[str, int]]:
    """Attempts at one login go one after the other, so that many at once are counted too."""
    return [("exclusive", lock_key("access", "sign-in", command.login.strip().casefold()))]


def signed_in(connection: Connection, command: SignIn, state: Any, at: Surroundings) -> Attempt:
    row = connection.exec_driver_sql(
        "SELECT account_id::text, password_hash FROM credential WHERE login_mac = %s",
        (Safe.at(connection, at.keys).login_mac(command.login),),
    ).one_or_none()
    account_id, password_hash = row or ("", None)
    return _attempt(connection, account_id, password_hash, command.password, None, LIFETIME, at)


def token_issued(connection: Connection, command: IssueApiToken, state: Any, at: Surroundings) -> Attempt:
    found = credential_of(connection, at.actor.id) if is_account(at.actor) else None
    account_id, password_hash = (found.account_id, found.password_hash) if found else ("", None)
    lifetime = timedelta(days=command.days)
    return _attempt(connection, account_id, password_hash, command.password, frozenset(command.roles), lifetime, at)


def is_account(actor: Actor) -> bool:
    """Whether the actor's id can be that of an account (a token made by hand may name anything)."""
    return is_id(actor.id)


def _attempt(
    connection: Connection,
    account_id: str,
    password_hash: str | None,
    password: str,
    wanted: frozenset[str] | None,
    lifetime: timedelta,
    at: Surroundings,
) -> Attempt:
    """Try a password and, where all is well, make the token: with all roles of the account, or with those `wanted`."""
    limited = bool(account_id) and _failures(connection, account_id, at) >= FAILURES
    right = not limited and safe.is_right(password_hash, password)
    if not right:
        return Attempt(account_id, limited=limited)
    status, version, roles, organisation = connection.exec_driver_sql(
        "SELECT status, version, roles, organisation FROM account_view WHERE id = %s", (account_id,)
    ).one()
    found = Attempt(account_id, False, True, version, tuple(roles), organisation)
    if status != "active" or not (wanted or frozenset()) <= set(roles):
        return found
    actor = Actor(account_id, wanted or frozenset(roles), organisation or None)
    return Attempt(account_id, False, True, version, tuple(roles), organisation, safe.issue(at.keys, actor, lifetime))


def _failures(connection: Connection, account_id: str, at: Surroundings) -> int:
    """Failed attempts within the time that counts, since the last that succeeded."""
    count: int = connection.exec_driver_sql(
        "SELECT count(*) FROM sign_in_failure WHERE account_id = %s AND at > %s AND at > "
        "coalesce((SELECT max(started_at) FROM session_view WHERE account_id = %s), '-infinity')",
        (account_id, at.now - WITHIN, account_id),
    ).scalar_one()
    return count

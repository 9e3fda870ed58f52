"""Accounts and their roles, as administrators see them and a sign-in needs them."""

from __future__ import annotations

from typing import Any

from kernel.aggregate import Event
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.access.domain.account import (
    Account,
    AccountCreated,
    AccountDisabled,
    AccountEnabled,
    PasswordChanged,
    PasswordMistaken,
    PasswordReset,
    RoleGranted,
    RoleProposed,
    RoleRevoked,
    account,
)
from services.access.tables import account_view

accounts = Projection("accounts", (account_view,))

LOSSES = (RoleRevoked, AccountDisabled, PasswordReset, PasswordChanged)
"""After these a token from before is no longer taken."""


@accounts.on("access", "AccountCreated", AccountCreated)
def _created(rows: Rows, event: AccountCreated, entry: Entry) -> None:
    rows.insert(
        account_view,
        id=entry.stream_id,
        version=entry.version,
        status="active",
        organisation=event.organisation,
        bootstrap=event.bootstrap,
        roles=[],
        proposed={},
        rights_version=0,
        created_at=entry.time,
    )


def _follow(rows: Rows, event: Event, entry: Entry) -> None:
    """Roles and status move as the aggregate's own rules say."""
    key = {"id": entry.stream_id}
    row = rows.get(account_view, key)
    assert row is not None, f"{entry.subject} changes before it was created"
    before = Account(status=row["status"], roles=tuple(row["roles"]), proposed=row["proposed"])
    after = account.evolve(before, event)
    changed: dict[str, Any] = {
        "version": entry.version,
        "status": after.status,
        "roles": list(after.roles),
        "proposed": dict(after.proposed),
    }
    if isinstance(event, LOSSES):
        changed["rights_version"] = entry.version
    rows.change(account_view, key, **changed)


for _type in (
    RoleProposed,
    RoleGranted,
    RoleRevoked,
    AccountDisabled,
    AccountEnabled,
    PasswordChanged,
    PasswordReset,
    PasswordMistaken,
):
    accounts.on("access", _type.__name__, _type)(_follow)

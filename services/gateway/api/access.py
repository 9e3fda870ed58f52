"""Sign-in, one's own account, and everybody's accounts for administrators."""

from __future__ import annotations

from typing import Any

from services.gateway.api.route import area, command, query
from services.gateway.calls import Asker
from services.gateway.gate import Gate


async def _own_account(gate: Gate, asker: Asker, target: str, data: dict[str, Any], key: str) -> dict[str, Any]:
    """The asker's own account; nobody names another's here."""
    return {**data, "id": asker.actor.id}


ROUTES = area(
    "access",
    # A repetition only makes another session, and the answer holds the token: it isn't kept under a key.
    command(
        "POST", "/sign-in", "access.sign_in", "Войти", "Sign in", keyless=True, fresh=True, limit="sign_in"
    ),
    query("/me", "access.me", "Кто я", "Who I am"),
    command(
        "POST", "/me/password", "access.change_password", "Сменить свой пароль", "Change one's password",
        prepare=_own_account, fresh=True, limit="sign_in",
    ),
    query("/sessions", "access.sessions", "Мои сеансы", "One's own sessions"),
    query("/sessions/revoked", "access.revoked_tokens", "Отозванные токены", "Tokens that are no longer taken"),
    command(
        "POST", "/sessions/tokens", "access.issue_api_token", "Токен для программы", "A token for a program",
        fresh=True, limit="sign_in",
    ),
    command("DELETE", "/sessions/{id}", "access.revoke_session", "Завершить сеанс", "End a session"),
    query("/accounts", "access.accounts", "Учётные записи", "Accounts"),
    command("POST", "/accounts", "access.create_account", "Создать учётную запись", "Create an account", fresh=True),
    command("POST", "/accounts/{id}/disable", "access.disable_account", "Отключить", "Disable an account"),
    command("POST", "/accounts/{id}/enable", "access.enable_account", "Включить", "Enable an account"),
    command("POST", "/accounts/{id}/password", "access.reset_password", "Задать новый пароль", "Set a new password"),
    command("PUT", "/accounts/{id}/roles/{role}", "access.grant_role", "Дать роль", "Propose or grant a role"),
    command("DELETE", "/accounts/{id}/roles/{role}", "access.revoke_role", "Отнять роль", "Take a role away"),
)  # fmt: skip

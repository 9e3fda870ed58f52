"""Accounts, roles, sessions: who may act. Its table of contents."""

from __future__ import annotations

from pathlib import Path

from kernel.service import On, Service
from services.access import facts
from services.access.domain import account, session
from services.access.projections.accounts import accounts as accounts_projection
from services.access.projections.sessions import sessions as sessions_projection
from services.access.queries.accounts import accounts, me
from services.access.queries.sessions import revoked_tokens, sessions
from services.access.tables import credential, metadata, root_key


def service() -> Service:
    return Service(
        name="access",
        metadata=metadata,
        aggregates=(account.account, session.session),
        commands=(
            On(account.Bootstrap, locks=facts.one_at_a_time, facts=facts.created, secret=True),
            On(account.CreateAccount, locks=facts.one_at_a_time, facts=facts.created, secret=True),
            On(account.GrantRole, locks=facts.one_at_a_time, facts=facts.standing),
            On(account.RevokeRole, locks=facts.one_at_a_time, facts=facts.standing),
            On(account.DisableAccount, locks=facts.one_at_a_time, facts=facts.standing),
            On(account.EnableAccount),
            On(account.ResetPassword, locks=facts.one_at_a_time, facts=facts.reset_password, secret=True),
            On(account.ChangePassword, facts=facts.changed_password, secret=True),
            On(session.SignIn, locks=facts.one_login, facts=facts.signed_in, secret=True),
            On(session.IssueApiToken, facts=facts.token_issued, secret=True),
            On(session.RevokeSession),
        ),
        queries=(me, accounts, sessions, revoked_tokens),
        projections=(accounts_projection, sessions_projection),
        constraints={"credential_login": account.LOGIN_TAKEN},
        secrets=(credential, root_key),
        folder=Path(__file__).parent,
    )

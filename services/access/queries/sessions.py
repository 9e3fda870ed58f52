"""Sessions of the own account, and the list of tokens that are no longer taken."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from kernel.instants import to_text
from kernel.service import Surroundings, query
from services.access.domain.account import ROLES
from services.access.facts import is_account


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# Tokens live by real time, so a sandbox's clock has no say here.
_REVOKED = """
s.revoked OR a.status <> 'active' OR a.rights_version > s.account_version
"""


@query(Nothing)
def revoked_tokens(connection: Connection, asked: Nothing, at: Surroundings) -> dict[str, Any]:
    """SHA-256 (hex) of every token that has not ended and is revoked: by hand, or as its account lost rights.

    Services check a token by its signature alone; the edge holds it against this list. Hashes tell nothing of tokens.
    """
    rows = connection.exec_driver_sql(
        f"SELECT s.token_hash FROM session_view s JOIN account_view a ON a.id = s.account_id "
        f"WHERE s.token_ends > clock_timestamp() AND ({_REVOKED}) ORDER BY 1"
    )
    return {"token_hashes": list(rows.scalars())}


@query(Nothing, roles=ROLES)
def sessions(connection: Connection, asked: Nothing, at: Surroundings) -> dict[str, Any]:
    """The own account's sessions that have not ended, the newest first, 200 at most."""
    if not is_account(at.actor):
        return {"items": []}
    rows = connection.exec_driver_sql(
        f"SELECT s.id::text, s.kind, s.roles, s.started_at, s.token_ends, ({_REVOKED}) AS revoked "
        "FROM session_view s JOIN account_view a ON a.id = s.account_id "
        "WHERE s.account_id = %s AND s.token_ends > clock_timestamp() ORDER BY s.started_at DESC, s.id DESC LIMIT 200",
        (at.actor.id,),
    ).mappings()
    return {
        "items": [
            {**dict(row), "started_at": to_text(row["started_at"]), "token_ends": to_text(row["token_ends"])}
            for row in rows
        ]
    }

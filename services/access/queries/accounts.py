"""Who one is, and which accounts there are. Names are shown to their owners, logins to administrators too."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import key_of, page_of
from kernel.refusal import UNAUTHENTICATED, Refused
from kernel.service import Page, Surroundings, query
from services.access.domain.account import Role
from services.access.facts import credential_of, is_account
from services.access.safe import Safe


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountsParams(Page):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    role: Role | None = None
    organisation: Id | None = None


@query(Nothing)
def me(connection: Connection, asked: Nothing, at: Surroundings) -> dict[str, Any]:
    """The own account: id, login, display name, roles, organisation, roles that wait for a second administrator."""
    row = (
        connection.exec_driver_sql(
            "SELECT id::text, status, organisation, roles, proposed FROM account_view WHERE id = %s", (at.actor.id,)
        )
        .mappings()
        .one_or_none()
        if is_account(at.actor)
        else None
    )
    found = credential_of(connection, at.actor.id) if row else None
    if row is None or found is None:
        raise Refused(UNAUTHENTICATED.having(reason="нужна учётная запись / an account is needed"))
    opened = Safe.at(connection, at.keys).open(found.account_id, found.sealed)
    return {**dict(row), "proposed": sorted(row["proposed"]), **opened}


@query(AccountsParams, roles={"administrator", "auditor"})
def accounts(connection: Connection, asked: AccountsParams, at: Surroundings) -> dict[str, Any]:
    """Accounts in the order of their making. `proposed`: {role: who proposed it}."""
    after = key_of(asked.cursor, (str,))
    rows = connection.exec_driver_sql(
        "SELECT a.id::text, a.version, a.status, a.organisation, a.bootstrap, a.roles, a.proposed, c.sealed "
        "FROM account_view a JOIN credential c ON c.account_id = a.id "
        "WHERE (%s::uuid IS NULL OR a.id > %s::uuid) AND (%s::text IS NULL OR a.roles @> ARRAY[%s::text]) "
        "AND (%s::text IS NULL OR a.organisation = %s) ORDER BY a.id LIMIT %s",
        (*(after or [None]) * 2, asked.role, asked.role, asked.organisation, asked.organisation, asked.limit + 1),
    ).mappings().all()  # fmt: skip
    page = page_of(rows, asked.limit, ("id",))
    box = Safe.at(connection, at.keys) if at.actor.has("administrator") else None
    for item in page["items"]:
        sealed = bytes(item.pop("sealed"))
        if box:
            item["login"] = box.open(item["id"], sealed)["login"]
    return page

"""`deploy/postgres/roles.sql`: every role and right of an installation's database, on one page for whoever answers for it.

`./market migrate` gives the same rights from the same declarations; the file is for reading them, and for giving them
again by hand where an administrator's policy wants that.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel.database import role_of
from kernel.schema import OWNER, grants
from kernel.service import Service

HEAD = """\
-- Roles and rights of an installation. Generated from the code: python -m app.deploy
-- Run as an owner of the database after ./market migrate, which gives the same:
--   psql --single-transaction --set ON_ERROR_STOP=1 --file roles.sql "$MARKET_DATABASE_URL"
-- Passwords are none of this file's: ./market migrate sets them from MARKET_ROLE_PASSWORDS.
"""


def roles_sql(services: Sequence[Service]) -> str:
    """The whole file."""
    lines = [HEAD, f"{_role(OWNER, 'NOLOGIN')}"]
    lines += [_role(role_of(service.name), "LOGIN") for service in services]
    lines += ["", "GRANT USAGE ON SCHEMA market TO PUBLIC;", "GRANT SELECT ON market.sandbox TO PUBLIC;"]
    for statement in grants(services):
        if statement.startswith("REVOKE"):
            lines.append("")
        lines.append(f"{statement};")
    return "\n".join(lines) + "\n"


def _role(name: str, login: str) -> str:
    return (
        f"DO $$ BEGIN CREATE ROLE {name} {login} NOSUPERUSER NOCREATEDB NOCREATEROLE;"
        " EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
    )

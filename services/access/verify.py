"""Holding the table of credentials against the log: an auditor's live comparison asks this.

A password that somebody set in the database, past every command, differs from the commitment in the account's events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from kernel.settings import Settings
from services.access.safe import CantOpen, Credential, Safe

States = Mapping[str, Mapping[str, Any]]
Finding = tuple[str, str, str, str, str]
"""(table, key, field, what the log says, what was found): the fields of a replay's Difference."""

TABLE = "access.credential"


def check_secrets(connection: Connection, states: States, keys: Path | None = None) -> list[Finding]:
    """What differs from the log; nothing where all is as it was written.

    `states`: {"Account": {id: replayed state}}. `keys`: the folder that holds `access.kek`; without it that of the
    settings. The connection must be able to read the schema `access`.
    """
    folder = keys or Settings().keys
    if not (folder / "access.kek").exists():
        is_used = connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM access.credential)").scalar_one()
        missing = ("access", str(folder / "access.kek"), "(file)", "a key file", "no file, so nothing was checked")
        return [missing] if is_used else []
    try:
        box = Safe.at(connection, folder)
    except CantOpen as problem:
        return [("access.root_key", "one", "wrapped", "what access.kek opens", str(problem))]
    return list(_credentials(connection, states.get("Account", {}), box))


def _credentials(connection: Connection, states: Mapping[str, Any], box: Safe) -> Iterator[Finding]:
    rows = connection.exec_driver_sql(
        "SELECT account_id::text, login_mac, sealed, password_hash FROM access.credential"
    )
    found = {row[0]: Credential(row[0], bytes(row[1]), bytes(row[2]), row[3]) for row in rows}
    for account_id in sorted(states.keys() - found.keys()):
        yield TABLE, account_id, "(row)", "a row", "no row"
    for account_id in sorted(found.keys() - states.keys()):
        yield TABLE, account_id, "(row)", "no such account", "a row"
    for account_id in sorted(found.keys() & states.keys()):
        if box.commitment(found[account_id]) != states[account_id].credential:
            yield TABLE, account_id, _field(found[account_id], box), "what its commitment fixes", "something else"


def _field(row: Credential, box: Safe) -> str:
    """Which field differs, as far as the others can tell: the commitment is one for the whole row."""
    try:
        login = box.open(row.account_id, row.sealed)["login"]
    except CantOpen:
        return "sealed"
    return "login_mac" if box.login_mac(login) != row.login_mac else "password_hash"

"""Changing a key that encrypts other keys: all of them are opened under the old one and closed under the new.

The service stands still meanwhile, since a process that knows the old key alone would write what nobody can open later.
Its tables are locked, its sessions counted, all rows changed in one transaction; then the new file takes the old one's
place. Until then the service refuses to use either (`kernel.keys.HalfChanged`). Whatever cuts a change off, the same
command ends it, and what opens under neither key stops it before anything was changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine

from app.failure import Failure
from app.keys.files import begun, ended, forgotten, next_of
from app.keys.known import Key
from kernel.database import role_of
from kernel.failpoints import failpoint
from services.access import safe as access
from services.custodian import keystore
from services.vault import facts as vault
from services.vault.safe import CantOpen, Safe

KEY_BYTES = 32
TABLES = {"vault": ("person_secret", "organisation_key"), "access": ("root_key",)}

Rewrap = Callable[[Connection, bytes, bytes], int]


def rotate_wrapping_key(engine: Engine, key: Key, path: Path) -> int:
    """A new key in the place of `path`; how many keys it encrypts."""
    old = path.read_bytes()
    if len(old) != KEY_BYTES:
        raise Failure(f"{path} holds {len(old)} bytes instead of {KEY_BYTES}", "put the right file into its place")
    was_cut_off = next_of(path).exists()
    with engine.begin() as connection:
        _stand_still(connection, key.owner)
        new = begun(path, lambda: secrets.token_bytes(KEY_BYTES))
        failpoint("keys.begun")
        try:
            count = _rewrap_of(key.owner)(connection, old, new)
        except (CantOpen, access.CantOpen, keystore.CantOpen) as problem:
            if not was_cut_off:
                forgotten(path)
            raise Failure(
                f"{path} does not open what is in the database: {problem}", "find the right file"
            ) from problem
    failpoint("keys.done")
    ended(path)
    return count


def _stand_still(connection: Connection, owner: str) -> None:
    """Nobody writes these tables before the transaction's end, and no process of the owner has a connection."""
    connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = 0")
    for table in TABLES.get(owner, ("private_key",)):
        connection.exec_driver_sql(f'LOCK TABLE "{owner}"."{table}" IN ACCESS EXCLUSIVE MODE')
    running = connection.exec_driver_sql(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND datname = current_database() "
        "AND pid <> pg_backend_pid()",
        (role_of(owner),),
    ).scalar_one()
    if running:
        raise Failure(
            f"{owner} is running: {running} connections to the database", f"stop {owner}, then run this again"
        )


def _rewrap_of(owner: str) -> Rewrap:
    if owner == "vault":
        return lambda connection, old, new: vault.rewrap(connection, Safe(old), Safe(new))
    if owner == "access":
        return access.rewrap
    return lambda connection, old, new: keystore.rewrap(connection, owner, old, new)

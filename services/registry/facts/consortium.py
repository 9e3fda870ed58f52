"""What commands of a consortium need from tables: its number, and who of its members is in the register now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from kernel.service import Surroundings
from services.registry.domain.consortium import Consortium
from services.registry.facts.catalogue import number


def membership(connection: Connection, command: Any, state: Consortium, at: Surroundings) -> tuple[str, dict[str, str]]:
    """(the number `КО-<year>-000001` for a new one, {provider: status} of all who are or shall be members)."""
    named = [*getattr(command, "members", ()), *state.members, *(state.pending.members if state.pending else ())]
    ids = sorted({member.provider_id for member in named})
    found = connection.exec_driver_sql("SELECT id::text, status FROM provider WHERE id = ANY(%s::uuid[])", (ids,)).all()
    return "" if state.status else number(connection, "КО", "consortium", at), {row[0]: row[1] for row in found}

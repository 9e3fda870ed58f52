"""What a card says besides its fields; a document's bytes; licences that end."""

from __future__ import annotations

import base64
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import Connection

from kernel import documents
from kernel.ids import Id
from kernel.paging import List, page, rows
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings, query

EMPTY = {"staff": None, "volunteers": None, "staff_as_of": None, "experience": [], "flags": []}
OFFICIALS = ("registrar", "auditor")


class DocumentOf(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id
    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def dossier_of(connection: Connection, id: str, at: Surroundings) -> dict[str, Any]:
    """`{licences, inspections, documents, staff, volunteers, staff_as_of, experience, flags}` of a provider.

    Documents that aren't public are told to their provider and to officials.
    """
    said = rows(connection, "SELECT staff, volunteers, staff_as_of, experience, flags FROM dossier WHERE provider_id = %s",
                (id,))  # fmt: skip
    found = dict(said[0]) if said else dict(EMPTY)
    for name, sql in _LISTS.items():
        found[name] = rows(connection, sql, (id,))
    if not _sees_all(id, at):
        found["documents"] = [each for each in found["documents"] if each["public"]]
    return found


def _sees_all(id: str, at: Surroundings) -> bool:
    return at.actor.has(*OFFICIALS) or at.actor.organisation == id


_LISTS = {
    "licences": "SELECT licence_id, number, activity, issued_by, valid_from, valid_to, said FROM licence "
    "WHERE provider_id = %s ORDER BY number, licence_id",
    "inspections": "SELECT inspection_id, held_on, body, outcome, findings FROM inspection "
    "WHERE provider_id = %s ORDER BY held_on DESC, inspection_id LIMIT 100",
    "documents": "SELECT hash, kind, title, media_type, size, public, attached_at FROM attached "
    "WHERE provider_id = %s ORDER BY attached_at, hash",
}


@query(DocumentOf)
def document(connection: Connection, asked: DocumentOf, at: Surroundings) -> dict[str, Any]:
    """A document of a card: `{hash, title, media_type, content}`, the content in base64, the very bytes of the hash."""
    row = connection.exec_driver_sql(
        "SELECT title, public FROM attached WHERE provider_id = %s AND hash = %s", (asked.id, asked.hash)
    ).one_or_none()
    found = documents.find(connection, asked.hash) if row else None
    if row is None or found is None or not (row[1] or _sees_all(asked.id, at)):
        raise Refused(MISSING.having(what="document", id=asked.hash))
    content = base64.b64encode(found[1]).decode()
    return {"hash": asked.hash, "title": row[0], "media_type": found[0], "content": content}


@query(List, roles=set(OFFICIALS))
def licences_ending(connection: Connection, asked: List, at: Surroundings) -> dict[str, Any]:
    """Licences that were warned of or have ended, the earliest end first."""
    select = (
        "SELECT l.licence_id, l.provider_id, p.short_name, p.status, l.number, l.activity, l.valid_to, l.said "
        "FROM licence l JOIN provider p ON p.id = l.provider_id WHERE l.said <> '' AND p.status IN ('active', 'suspended')"
    )
    key = {"l.valid_to": str, "l.licence_id": UUID}
    return page(connection, select, {}, asked, key)

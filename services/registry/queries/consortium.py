"""What pages and the API ask of consortia."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, one, page, rows
from kernel.service import Surroundings, query

SHOWN = "id, version, number, name, status, lead_id, members, proposed, waiting, dissolved_because, formed_at"


class ConsortiaParams(List):
    provider_id: Id | None = None
    status: Annotated[str, Field(pattern="^(forming|standing|dissolved)$")] | None = None


class ConsortiumOf(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(ConsortiaParams)
def consortia(connection: Connection, asked: ConsortiaParams, at: Surroundings) -> dict[str, Any]:
    """Consortia, oldest first; with `provider_id` those that it is a member of."""
    member = orjson.dumps([{"provider_id": asked.provider_id}]).decode() if asked.provider_id else None
    filters = {"members @> %s::jsonb": member, "status = %s": asked.status}
    select = f"SELECT {SHOWN} FROM consortium_view WHERE true"
    return _named(connection, page(connection, select, filters, asked, {"formed_at": str, "id": UUID}))


@query(ConsortiumOf)
def consortium(connection: Connection, asked: ConsortiumOf, at: Surroundings) -> dict[str, Any]:
    """A consortium with its members' names."""
    found = one(connection, f"SELECT {SHOWN} FROM consortium_view WHERE id = %s", (asked.id,), "consortium", asked.id)
    return dict(_named(connection, {"items": [found]})["items"][0])


def _named(connection: Connection, found: dict[str, Any]) -> dict[str, Any]:
    """Each member with the name that the register has for it."""
    ids = sorted({member["provider_id"] for item in found["items"] for member in item["members"]})
    told = rows(connection, "SELECT id::text, short_name FROM provider WHERE id = ANY(%s::uuid[])", (ids,))
    names = {row["id"]: row["short_name"] for row in told}
    for item in found["items"]:
        item["members"] = [{**member, "name": names.get(member["provider_id"], "")} for member in item["members"]]
    return found

"""Names of heads that the law publishes (442-FZ art. 25 p. 3), for the public card of a provider in the register.

What everybody may read is no access to personal data, so it is no event. A head of an applicant, and one that was
replaced or erased, is not here.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.service import Surroundings, query
from services.vault.facts import open_person
from services.vault.safe import Safe


class Refs(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    person_refs: Annotated[tuple[Id, ...], Field(min_length=1, max_length=200)]


@query(Refs)
def published_names(connection: Connection, asked: Refs, at: Surroundings) -> dict[str, Any]:
    """{"names": {reference: {"full_name", "position"}}} of those that are published; the others are left out."""
    rows = connection.exec_driver_sql(
        "SELECT person_ref::text, keys, sealed FROM person_secret WHERE person_ref = ANY(%s::uuid[]) "
        "AND EXISTS (SELECT 1 FROM head WHERE head_ref = person_ref::text AND shown)",
        (list(asked.person_refs),),
    )
    key = Safe.at(at.keys)
    names = {}
    for ref, keys, sealed in rows:
        record = open_person(key, ref, bytes(keys), bytes(sealed))
        if record["purpose"] == "head":
            names[ref] = {field: record["person"][field] for field in ("full_name", "position")}
    return {"names": names}

"""Drafts of the actor's own organisation. A query, not a command: answers to commands are stored, this one never is."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.refusal import MISSING, NOT_YOURS, Refused
from kernel.service import Surroundings, query
from services.vault import safe
from services.vault.facts import about_draft, about_organisation
from services.vault.safe import Safe


class OfLot(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    lot_id: Id


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@query(OfLot, roles={"provider"})
def read_draft(connection: Connection, asked: OfLot, at: Surroundings) -> dict[str, Any]:
    """The own draft for a lot: `{"id", "competition_id", "lot_id", "content"}`."""
    organisation = _own(at)
    row = connection.exec_driver_sql(
        "SELECT d.draft_id::text, d.competition_id::text, d.sealed, k.key "
        "FROM draft_secret d JOIN organisation_key k USING (organisation) WHERE d.organisation = %s AND d.lot_id = %s",
        (organisation, asked.lot_id),
    ).one_or_none()
    if row is None:
        raise Refused(MISSING.having(what="draft", id=asked.lot_id))
    draft_id, competition_id, sealed, wrapped = row
    key = Safe.at(at.keys).unwrap(bytes(wrapped), about_organisation(organisation))
    contents = safe.unseal(key, bytes(sealed), about_draft(draft_id))
    return {
        "id": draft_id,
        "competition_id": competition_id,
        "lot_id": asked.lot_id,
        "content": contents["content"],
    }


@query(Nothing, roles={"provider"})
def drafts(connection: Connection, asked: Nothing, at: Surroundings) -> dict[str, Any]:
    """For which lots the own organisation has drafts (200 at most: one a lot, and they end with the bidding)."""
    rows = connection.exec_driver_sql(
        "SELECT draft_id::text AS id, competition_id::text, lot_id::text FROM draft_secret "
        "WHERE organisation = %s ORDER BY draft_id DESC LIMIT 200",
        (_own(at),),
    )
    return {"items": [dict(row) for row in rows.mappings()]}


def _own(at: Surroundings) -> str:
    if at.actor.organisation is None:
        raise Refused(NOT_YOURS)
    return at.actor.organisation

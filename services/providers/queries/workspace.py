"""A provider's own workspace, and the places of all providers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, one, page, rows
from kernel.refusal import NOT_YOURS, Refused
from kernel.service import Surroundings, query
from services.providers.domain.workspace import Form

SEES_ALL = ("officer", "registrar", "treasurer", "auditor", "administrator")
MAX_SHOWN = 200


class WorkspaceOf(BaseModel):
    """`id` is the provider's."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(WorkspaceOf, roles=("provider", *SEES_ALL))
def workspace(connection: Connection, params: WorkspaceOf, at: Surroundings) -> dict[str, Any]:
    """The provider, its places by form, who holds them, its agreements with what acts have claimed, its journal by
    month, and its acts that wait for somebody. A provider sees its own workspace only."""
    if not at.actor.has(*SEES_ALL) and at.actor.organisation != params.id:
        raise Refused(NOT_YOURS)
    card = one(connection, _CARD, (params.id,), "workspace", params.id)
    return {
        **card,
        "places": rows(connection, f"{_PLACES} ORDER BY form", (params.id,)),
        "reservations": rows(connection, _RESERVATIONS, (params.id, MAX_SHOWN)),
        "agreements": rows(connection, _AGREEMENTS, (params.id, MAX_SHOWN)),
        "delivered": rows(connection, _DELIVERED, (params.id, MAX_SHOWN)),
        "open_acts": rows(connection, _OPEN_ACTS, (params.id, MAX_SHOWN)),
    }


_CARD = """
SELECT w.provider_id, w.status, w.reason, p.number, p.short_name, p.kind, p.territory
FROM workspace_card w LEFT JOIN known_provider p USING (provider_id) WHERE w.provider_id = %s
"""
_PLACES = "SELECT form, maximum, funded, reserved, free FROM places WHERE provider_id = %s"
_RESERVATIONS = """
SELECT agreement_id, form, places, status, reason, at FROM reservation WHERE provider_id = %s
ORDER BY agreement_id DESC LIMIT %s
"""
_AGREEMENTS = """
SELECT agreement_id, body_id, year, service_code, form, unit, volume, unit_price_kopecks, starts, ends,
    coalesce(over, '') AS over, stopped_at, claimed, confirmed
FROM known_agreement WHERE provider_id = %s AND volume IS NOT NULL ORDER BY agreement_id DESC LIMIT %s
"""
_DELIVERED = """
SELECT month, agreement_id, service_code, quantity, amount_kopecks FROM delivery WHERE provider_id = %s
ORDER BY month DESC, agreement_id, service_code LIMIT %s
"""
_OPEN_ACTS = """
SELECT act_id, agreement_id, month, quantity, unit, amount_kopecks, status, reason FROM act_card
WHERE provider_id = %s AND living AND status <> 'confirmed' ORDER BY act_id DESC LIMIT %s
"""


class PlacesList(List):
    """`free`: only where at least so many places are free now. `provider_ids`: those of several providers at once."""

    provider_id: Id | None = None
    provider_ids: tuple[Id, ...] | None = Field(None, max_length=100)
    form: Form | None = None
    territory: str | None = None
    free: int | None = None


@query(PlacesList)
def places(connection: Connection, params: PlacesList, at: Surroundings) -> dict[str, Any]:
    """Places of every provider whose workspace is open, by provider and form: maximum, funded, reserved, free now."""
    filters = {
        "places.provider_id = %s": params.provider_id,
        "places.provider_id = ANY(%s::uuid[])": None if params.provider_ids is None else list(params.provider_ids),
        "places.form = %s": params.form,
        "p.territory = %s": params.territory,
        "places.free >= %s": params.free,
    }
    return page(connection, _ALL_PLACES, filters, params, {"places.provider_id": UUID, "places.form": str})


_ALL_PLACES = """
SELECT places.provider_id, p.number, p.short_name, p.kind, p.territory, places.form, places.maximum, places.funded,
    places.reserved, places.free
FROM places JOIN workspace_card w USING (provider_id) LEFT JOIN known_provider p USING (provider_id)
WHERE w.status = 'active'
"""

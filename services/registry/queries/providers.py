"""What pages and the API ask of the register."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, key_of, page_of, plain
from kernel.refusal import MISSING, require
from kernel.service import Surroundings, query
from services.registry.domain import names
from services.registry.domain.card import FormOfService, Kind, ServiceKind, Territory
from services.registry.queries.dossier import dossier_of

IN_REGISTER = ("active", "suspended")
LISTED = (
    "id, version, status, number, full_name, short_name, kind, inn, ogrn, territory, forms, service_kinds, included_on"
)
TERM = "term, term_until, missed"


class ProvidersParams(List):
    """`q`: a part of a name, or an INN, OGRN or register number. Without `status`: who is in the register now."""

    q: Annotated[str, Field(max_length=200)] = ""
    kind: Kind | None = None
    form: FormOfService | None = None
    service_kind: ServiceKind | None = None
    territory: Territory | None = None
    status: Annotated[str, Field(max_length=20)] | None = None


class One(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QueueParams(List):
    status: Annotated[str, Field(pattern="^(applied|returned|suspended)$")] = "applied"


@query(ProvidersParams)
def providers(connection: Connection, asked: ProvidersParams, at: Surroundings) -> dict[str, Any]:
    """Entries in the order of their short names."""
    where, values = _conditions(asked)
    after = key_of(asked.cursor, (str, str))
    if after:
        where.append("(name_key, id) > (%s, %s::uuid)")
        values += after
    sql = f"SELECT {LISTED}, name_key FROM provider WHERE {' AND '.join(where)} ORDER BY name_key, id LIMIT %s"
    rows = connection.exec_driver_sql(sql, (*values, asked.limit + 1)).mappings().all()
    page = page_of([plain(row) for row in rows], asked.limit, ("name_key", "id"))
    for item in page["items"]:
        del item["name_key"]
    return page


def _conditions(asked: ProvidersParams) -> tuple[list[str], list[Any]]:
    where: list[str] = ["status = ANY(%s)"]
    values: list[Any] = [[asked.status] if asked.status else list(IN_REGISTER)]
    equal = {"kind": asked.kind, "territory": asked.territory}
    for column, wanted in equal.items():
        if wanted is not None:
            where.append(f"{column} = %s")
            values.append(str(wanted))
    for column, member in {"forms": asked.form, "service_kinds": asked.service_kind}.items():
        if member is not None:
            where.append(f"{column} @> %s::text[]")
            values.append([str(member)])
    text = names.normalised(asked.q)
    if asked.q.strip() and not text:
        where.append("false")  # nothing but signs: no name holds that
    elif text.isdigit() and len(text) >= 10:
        where.append("(inn = %s OR ogrn = %s)")
        values += [text, text]
    elif asked.q.strip().upper().startswith("РП-"):
        where.append("number = %s")
        values.append(asked.q.strip().upper())
    elif text:
        # The pieces find rows by the index; LIKE then holds them in their order.
        where.append("grams @> %s::text[] AND search LIKE %s")
        values += [names.grams_wanted(text), f"%{text}%"]
    return where, values


@query(One)
def provider(connection: Connection, asked: One, at: Surroundings) -> dict[str, Any]:
    """A card with what it says besides its fields, and the history of its decisions.

    Who decided is told to registrars and auditors; documents that aren't public to them and to the provider's own staff.
    """
    row = connection.exec_driver_sql(f"SELECT {CARD} FROM provider WHERE id = %s", (asked.id,)).mappings().one_or_none()
    require(row is not None, MISSING, what="provider", id=asked.id)
    assert row is not None
    history = connection.exec_driver_sql(
        "SELECT version, event, at, actor, ground, details FROM decision WHERE provider_id = %s ORDER BY version",
        (asked.id,),
    ).mappings()
    inside = at.actor.has("registrar", "auditor")
    card = plain(row)
    if not inside:
        del card["applied_by"]
    return {**card, **dossier_of(connection, asked.id, at), "history": [_decision(one, inside) for one in history]}


CARD = (
    f"{LISTED}, {TERM}, legal_form, address, latitude, longitude, head_ref, contacts, origin, applied_at, applied_by, "
    "checked, changed_at"
)


def _decision(row: Any, inside: bool) -> dict[str, Any]:
    return {name: value for name, value in plain(row).items() if inside or name != "actor"}


@query(Nothing)
def figures(connection: Connection, asked: Nothing, at: Surroundings) -> dict[str, Any]:
    """How many entries there are by kind, territory and status."""
    rows = connection.exec_driver_sql(
        "SELECT kind, territory, status, count(*) AS providers FROM provider GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).mappings()
    return {"items": [dict(row) for row in rows]}


@query(QueueParams, roles={"registrar", "auditor"})
def applications(connection: Connection, asked: QueueParams, at: Surroundings) -> dict[str, Any]:
    """The registrar's queue, oldest first; `status`: applications, returned ones, or suspended entries.

    `yours`: you applied, so somebody else includes. `term`: what is waited for until `term_until` (a decision, a
    correction, a remedy, the decision on it); `missed`: the term that nobody kept.
    """
    after = key_of(asked.cursor, (str, str))
    rows = connection.exec_driver_sql(
        f"SELECT {LISTED}, {TERM}, origin, applied_at, checked, applied_by = %s AS yours FROM provider WHERE status = %s "
        "AND (%s::text IS NULL OR (applied_at, id) > (%s::timestamptz, %s::uuid)) ORDER BY applied_at, id LIMIT %s",
        (at.actor.id, asked.status, asked.cursor, *(after or (None, None)), asked.limit + 1),
    ).mappings()
    return page_of([plain(row) for row in rows], asked.limit, ("applied_at", "id"))

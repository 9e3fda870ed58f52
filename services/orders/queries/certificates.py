"""Certificates for those whom they concern, and for everybody their counts by order and the open list of providers.

Who takes which service how often is the beneficiary's own affair, also under a pseudonym: an officer sees the body's
certificates, a provider those that it was chosen for, a beneficiary their own, an auditor all; the public sees sums.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import List, one, page, rows
from kernel.service import Surroundings, query

Status = Literal[
    "requested", "funding", "issued", "provider_chosen", "in_use", "used", "expired", "annulled"
]  # fmt: skip
CONCERNED = ("officer", "provider", "beneficiary", "auditor")
_LISTED = (
    "certificate_id, number, status, order_id, body_id, year, beneficiary_id, programme_id, service_code, unit, volume, "
    "limit_price_kopecks, amount_kopecks, valid_until, requested_at, issued_at, changed_at, deadline, reason, "
    "provider_id, unit_price_kopecks, own_price_kopecks, redeemed_volume, returned_volume, "
    "volume - redeemed_volume - returned_volume AS left_volume, paid_kopecks, own_kopecks, returned_kopecks, "
    "closes_at, closes_explained, closed"
)


class Certificates(List):
    """Filters of the list; the newest come first."""

    number: str | None = Field(None, max_length=40)
    order_id: Id | None = None
    provider_id: Id | None = None
    beneficiary_id: Id | None = None
    service_code: str | None = Field(None, max_length=40)
    year: int | None = None
    status: Status | None = None


@query(Certificates, roles=CONCERNED)
def certificates(connection: Connection, asked: Certificates, at: Surroundings) -> dict[str, Any]:
    """A page of the certificates that concern who asks: `{"items": […], "next": cursor | None}`."""
    given = asked.model_dump(exclude={"cursor", "limit"})
    filters = {f"{name} = %s": value for name, value in given.items()} | _own(at)
    select = f"SELECT {_LISTED} FROM certificates WHERE true"
    return page(connection, select, filters, asked, {"number": str}, descending=True)


class OneCertificate(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id


@query(OneCertificate, roles=CONCERNED)
def certificate(connection: Connection, asked: OneCertificate, at: Surroundings) -> dict[str, Any]:
    """The certificate with its version, public key, `choices` and `redemptions`; of these a provider sees its own."""
    own = _own(at)
    conditions = "".join(f" AND {condition}" for condition in own)
    sql = f"SELECT {_LISTED}, public_key, s.version FROM certificates {_STATE} WHERE certificate_id = %s{conditions}"
    found = one(connection, sql, (asked.id, *own.values()), "certificate", asked.id)
    # A provider isn't told at which prices others were chosen, nor when they did what.
    mine = (at.actor.organisation,) if _as(at) == "provider" else ()
    only = " AND provider_id = %s" if mine else ""
    choices = rows(connection, _CHOICES.format(only), (asked.id, *mine))
    return {**found, "choices": choices, "redemptions": rows(connection, _REDEMPTIONS.format(only), (asked.id, *mine))}


def _as(at: Surroundings) -> str:
    """As whom the asker sees: the widest of their roles."""
    return next(role for role in ("auditor", "officer", "beneficiary", "provider") if at.actor.has(role))


def _own(at: Surroundings) -> dict[str, str]:
    """The condition that keeps to what concerns the asker. Without an organisation that is nothing."""
    organisation = at.actor.organisation or "00000000-0000-0000-0000-000000000000"
    return {
        "auditor": {},
        "officer": {"body_id = %s": organisation},
        "beneficiary": {"beneficiary_id = %s": organisation},
        "provider": {_CHOSEN: organisation},
    }[_as(at)]


_STATE = "JOIN certificate s ON s.id = certificate_id"
_CHOSEN = "certificate_id IN (SELECT certificate_id FROM certificate_choice WHERE provider_id = %s)"
_CHOICES = """
SELECT provider_id, unit_price_kopecks, budget_price_kopecks, own_price_kopecks, since
FROM certificate_choice WHERE certificate_id = %s{} ORDER BY version
"""
_REDEMPTIONS = """
SELECT provider_id, redemption_id, act_id, volume, unit_price_kopecks, amount_kopecks, own_kopecks, made_at, came_at, code
FROM redemption WHERE certificate_id = %s{} ORDER BY came_at, redemption_id
"""


# -- for everybody ----------------------------------------------------------------------------------------------------


class CertificateShares(List):
    """Filters of the orders; the newest come first."""

    body_id: Id | None = None
    service_code: str | None = Field(None, max_length=40)
    territory: str | None = Field(None, max_length=100)
    year: int | None = None


@query(CertificateShares)
def certificate_shares(connection: Connection, asked: CertificateShares, at: Surroundings) -> dict[str, Any]:
    """Orders with a share for certificates: what of it is issued, redeemed and given back, and how many certificates.

    `share` = `issued` + `free`; of what was ever issued `redeemed` units were delivered, for `paid_kopecks` of the budget
    and `own_kopecks` of the beneficiaries; `returned` came back. `living` certificates can still be used.
    """
    given = asked.model_dump(exclude={"cursor", "limit"})
    filters = {f"{name} = %s": value for name, value in given.items()}
    return page(connection, _SHARES, filters, asked, {"number": str}, descending=True)


_SHARES = """
SELECT o.order_id, o.number, o.body_id, o.body_name, o.year, o.territory, o.service_code, o.service_name, o.unit,
       o.cost_kopecks, s.volume AS share, s.issued_volume AS issued, s.volume - s.issued_volume AS free,
       c.certificates, c.living, c.redeemed, c.returned, c.paid_kopecks, c.own_kopecks
FROM social_orders o JOIN certificate_share s USING (order_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS certificates,
           count(*) FILTER (WHERE status IN ('issued', 'provider_chosen', 'in_use')) AS living,
           coalesce(sum(redeemed_volume), 0)::bigint AS redeemed,
           coalesce(sum(returned_volume), 0)::bigint AS returned,
           coalesce(sum(paid_kopecks), 0)::bigint AS paid_kopecks,
           coalesce(sum(own_kopecks), 0)::bigint AS own_kopecks
    FROM certificates WHERE certificates.order_id = o.order_id
) c
WHERE s.volume > 0
"""


class CertificateOffers(List):
    service_code: str | None = Field(None, max_length=40)
    provider_id: Id | None = None


@query(CertificateOffers)
def certificate_offers(connection: Connection, asked: CertificateOffers, at: Surroundings) -> dict[str, Any]:
    """The open list: who renders which service for certificates at what price; of a service the cheapest come first."""
    filters = {"f.service_code = %s": asked.service_code, "f.provider_id = %s": asked.provider_id}
    key = {"f.service_code": str, "f.unit_price_kopecks": int, "f.provider_id": UUID}
    return page(connection, _OFFERS, filters, asked, key)


_OFFERS = """
SELECT f.provider_id, p.short_name AS provider_name, p.number AS provider_number, p.kind, f.service_code,
       f.unit_price_kopecks, f.changed_at
FROM certificate_offers f JOIN provider p USING (provider_id) WHERE f.status = 'offered' AND p.status = 'active'
"""

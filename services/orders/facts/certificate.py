"""What commands on certificates need from tables.

Who issues locks the row of the order's share first and then reads the order in a new statement, so that a correction of
the order that moves the share is either seen or waits.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from kernel.counters import next_number
from kernel.refusal import MISSING, Refused
from kernel.service import Surroundings
from services.orders.domain.certificate.choosing import OfferNow
from services.orders.domain.certificate.issuing import ShareNow
from services.orders.domain.certificate.offer import OfferForCertificates
from services.orders.domain.certificate.state import Certificate, ChooseProvider, RequestCertificate


def share_now(connection: Connection, command: RequestCertificate, state: Certificate, at: Surroundings) -> ShareNow:
    """The order's figures with what its share has free (locked), and the certificate's number: `СС-2027-000001`."""
    key = (command.order_id,)
    share = connection.exec_driver_sql(_SHARE, key).one_or_none()
    order = connection.exec_driver_sql(_ORDER, key).mappings().one_or_none()
    if share is None or order is None:
        raise Refused(MISSING.having(what="social order", id=command.order_id))
    year = order["year"]
    known: dict[str, Any] = {**order, "body_id": str(order["body_id"])}
    number = f"СС-{year}-{next_number(connection, f'certificate-{year}'):06d}"
    return ShareNow(number=number, free=share[0] - share[1], **known)


def offer_chosen(connection: Connection, command: ChooseProvider, state: Certificate, at: Surroundings) -> OfferNow:
    """The chosen provider with its price for the certificate's service."""
    return _offer(connection, command.provider_id, state.service_code)


def offer_made(connection: Connection, command: OfferForCertificates, state: Any, at: Surroundings) -> OfferNow:
    return _offer(connection, command.provider_id, command.service_code)


def _offer(connection: Connection, provider_id: str, service_code: str) -> OfferNow:
    row = connection.exec_driver_sql(_OFFER, (service_code, provider_id)).one_or_none()
    return OfferNow() if row is None else OfferNow(row[0], row[1] == "active", row[2])


_SHARE = "SELECT volume, issued_volume FROM certificate_share WHERE order_id = %s FOR UPDATE"
_ORDER = "SELECT status, body_id, year, service_code, unit, cost_kopecks FROM social_orders WHERE order_id = %s"
_OFFER = """
SELECT p.kind, p.status, f.unit_price_kopecks
FROM provider p LEFT JOIN certificate_offers f
    ON f.provider_id = p.provider_id AND f.service_code = %s AND f.status = 'offered'
WHERE p.provider_id = %s
"""

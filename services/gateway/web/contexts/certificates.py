"""What the page of social certificates is given: sums by order, never one certificate or its holder."""

from typing import TypedDict

from services.gateway.web.contexts.common import Option
from services.gateway.web.contexts.orders import Unit
from services.gateway.web.text import Text


class ShareRow(TypedDict):
    """An order's share for certificates. Volumes in the service's unit: `share` = `issued` + `free`."""

    order_id: str
    number: str
    service: Text
    body: Text
    territory: Text
    unit: Unit
    share: int
    issued: int
    free: int
    certificates: int
    living: int  # that can be used now
    redeemed: int
    returned: int
    paid_kopecks: int  # by the budget
    own_kopecks: int  # by the beneficiaries


class CertificateFilters(TypedDict):
    territory: str
    service: str


class CertificatesPage(TypedDict):
    """Social certificates: ``certificates``."""

    filters: CertificateFilters
    territories: list[Option]
    services: list[Option]
    items: list[ShareRow]
    cursor: str | None
    next_cursor: str | None

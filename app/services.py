"""All services of the market, in one place: the only list of them."""

from __future__ import annotations

from kernel.service import Service
from services.access.service import service as access
from services.audit.service import service as audit
from services.billing.service import service as billing
from services.custodian.service import service as custodian
from services.opendata.service import service as opendata
from services.orders.service import service as orders
from services.providers.service import service as providers
from services.registry.service import service as registry
from services.vault.service import service as vault


def domain_services() -> list[Service]:
    """Every service with events of its own."""
    return [
        access(),
        vault(),
        registry(),
        orders(),
        providers(),
        billing(),
        custodian(1),
        custodian(2),
        custodian(3),
    ]


def all_services() -> list[Service]:
    """Every service, in the order in which they are set up."""
    return [*domain_services(), audit(), opendata()]

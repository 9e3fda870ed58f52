"""The whole API, area by area: one line per command or query that people and programs may give.

What is only for the market itself (contracts whose one role is `system`) has no line.
"""

from __future__ import annotations

from services.gateway.api import access, audit, billing, certificates, opendata, orders, providers, registry, vault
from services.gateway.api.route import Route

TABLE: tuple[Route, ...] = (
    *access.ROUTES,
    *registry.ROUTES,
    *orders.ROUTES,
    *certificates.ROUTES,
    *providers.ROUTES,
    *billing.ROUTES,
    *vault.ROUTES,
    *audit.CUSTODIANS,
    *audit.ROUTES,
    *opendata.ROUTES,
)

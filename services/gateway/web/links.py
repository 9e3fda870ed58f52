"""Addresses of the pages, in one table: templates and the gateway's routes take them from here.

``{id}`` and the like are path parameters, percent-encoded by `link`. Filters and cursors go into the query; an empty
value is left out, so that an address is as short as what it says and can be cited.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

ROUTES: dict[str, str] = {
    "landing": "/",
    "orders": "/orders",
    "order": "/orders/{id}",
    "order_calendar": "/orders/{id}/deadline.ics",
    "competition": "/competitions/{id}",
    "providers": "/providers",
    "provider": "/providers/{id}",
    "provider_document": "/providers/{id}/documents/{hash}",
    "catalogue": "/catalogue",
    "service": "/catalogue/{code}",
    "certificates": "/certificates",
    "premises": "/premises",
    "log": "/log",
    "log_entry": "/log/{source}/{sequence}",
    "problem": "/problems/{code}",
    "static": "/static/{name}",
    "api_docs": "/docs",
}


def link(route: str, query: Mapping[str, str | None] | None = None, **parameters: object) -> str:
    """Return the address of a page of ROUTES. KeyError for an unknown route or a missing parameter."""
    path = ROUTES[route].format_map({name: quote(str(value), safe="") for name, value in parameters.items()})
    return with_query(path, query or {})


def with_query(path: str, query: Mapping[str, str | None]) -> str:
    """Return the path with those parameters that have a value."""
    filled = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(filled)}" if filled else path

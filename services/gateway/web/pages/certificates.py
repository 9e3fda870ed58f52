"""The page of social certificates: what of each order's share is issued, redeemed and given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.web.contexts.certificates import CertificateFilters, CertificatesPage, ShareRow
from services.gateway.web.pages.frame import Frame, Region, chosen

Reply = Mapping[str, Any]

ROWS = 50


async def certificates(request: Request, frame: Frame) -> Response:
    """The orders with a share for certificates, the newest first."""
    filters = chosen(request, "territory", "service")
    cursor = request.query_params.get("cursor")
    given = {"territory": filters["territory"], "service_code": filters["service"][:40], "cursor": cursor}
    asked = {"limit": ROWS} | {name: value for name, value in given.items() if value}
    reply = await frame.calls.reply("orders.certificate_shares", asked, await frame.asker(request))
    return await frame.answer(request, "certificates", certificates_page(filters, reply, frame.region, cursor))


def certificates_page(filters: Mapping[str, str], reply: Reply, region: Region, cursor: str | None) -> CertificatesPage:
    """From `orders.certificate_shares`."""
    return {
        "filters": cast(CertificateFilters, dict(filters)),
        "territories": region.territory_options(),
        "services": region.service_options(),
        "items": [_row(item, region) for item in reply["items"]],
        "cursor": cursor,
        "next_cursor": reply["next"],
    }


def _row(item: Reply, region: Region) -> ShareRow:
    return {
        "order_id": item["order_id"],
        "number": item["number"],
        "service": region.service(item["service_code"], item["service_name"]),
        "body": item["body_name"],
        "territory": region.territory(item["territory"]),
        "unit": region.unit(item["unit"]),
        "share": item["share"],
        "issued": item["issued"],
        "free": item["free"],
        "certificates": item["certificates"],
        "living": item["living"],
        "redeemed": item["redeemed"],
        "returned": item["returned"],
        "paid_kopecks": item["paid_kopecks"],
        "own_kopecks": item["own_kopecks"],
    }

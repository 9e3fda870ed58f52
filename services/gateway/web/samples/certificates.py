"""Social certificates."""

from services.gateway.web.contexts.certificates import CertificatesPage, ShareRow
from services.gateway.web.samples.common import BUYER, SERVICE, TERRITORIES, TERRITORY_OPTIONS, UNIT


def share_row(number: int) -> ShareRow:
    return {
        "order_id": f"0190d2a4-order-{number}",
        "number": f"СЗ-2027-{number:06}",
        "service": SERVICE,
        "body": BUYER,
        "territory": TERRITORIES[number % 3],
        "unit": UNIT,
        "share": 2_000,
        "issued": 300 * (number % 3),
        "free": 2_000 - 300 * (number % 3),
        "certificates": 12 * (number % 3),
        "living": 5 * (number % 3),
        "redeemed": 180 * (number % 3),
        "returned": 40 * (number % 3),
        "paid_kopecks": 7_416_000 * (number % 3),
        "own_kopecks": 90_000 * (number % 2),
    }


def certificates(count: int = 4, **filters: str) -> CertificatesPage:
    return {
        "filters": {"territory": "", "service": "", **filters},  # type: ignore[typeddict-item]
        "territories": TERRITORY_OPTIONS,
        "services": [{"value": "DOM-01", "name": SERVICE}],
        "items": [share_row(number) for number in range(count)],
        "cursor": "c3RhcnQ" if count > 6 else None,
        "next_cursor": "bmV4dA" if count >= 6 else None,
    }

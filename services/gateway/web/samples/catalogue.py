"""The catalogue of services."""

from typing import Any

from services.gateway.web.contexts.catalogue import CataloguePage, ServicePage, ServiceRow
from services.gateway.web.samples.common import EMPTY_TRUST, TERRITORIES, TERRITORY_OPTIONS, both, trust

HOUR = both("час", "hour")


def service_row(number: int) -> ServiceRow:
    return {
        "code": f"DOM-{number:02}",
        "name": both("Покупка и доставка продуктов на дом", "Shopping and delivery of food"),
        "kind": ["domestic", "medical", "legal"][number % 3],
        "form": ["home", "semi_residential"][number % 2],
        "unit": {"code": "hour", "name": HOUR},
        "cost_kopecks": None if number % 4 == 3 else 41_200 + number,
    }


def catalogue(count: int = 4, **filters: str) -> CataloguePage:
    return {
        "filters": {"kind": "", "form": "", **filters},  # type: ignore[typeddict-item]
        "kinds": ["domestic", "medical", "legal"],
        "forms": ["home", "semi_residential", "residential", "urgent"],
        "items": [service_row(number) for number in range(count)],
        "cursor": "c3RhcnQ" if count > 6 else None,
        "next_cursor": "bmV4dA" if count >= 6 else None,
    }


def service(versions: int = 2, **changes: Any) -> ServicePage:
    """Return a service with a calculation."""
    base: ServicePage = {
        "code": "DOM-04",
        "name": both("Услуги сиделки на дому", "Care attendant at home"),
        "kind": "domestic",
        "form": "home",
        "unit": {"code": "hour", "name": HOUR},
        "status": "active",
        "closes_on": None,
        "proposal_id": "0190d2a4-proposal",
        "standards": [
            {
                "number": versions - number,
                "text": both("Сиделка с подготовкой не менее 72 часов.", "An attendant with at least 72 hours."),
                "indicators": [
                    {
                        "name": both("Довольны услугой", "Satisfied"),
                        "relation": "at_least",
                        "bound": "90",
                        "measure": both("% получателей", "% of recipients"),
                    }
                ],
                "valid_from": "2027-01-01",
                "valid_to": None,
                "holds": number == 0,
            }
            for number in range(versions)
        ],
        "costs": [
            {
                "number": versions - number,
                "cost_kopecks": 45_600,
                "coefficients": [{"name": TERRITORIES[0], "coefficient": "1.15"}] if number else [],
                "basis": "17-P",
                "valid_from": "2027-01-01",
                "valid_to": "2027-12-31" if number else None,
                "holds": number == 0,
            }
            for number in range(versions)
        ],
        "asked": {"territory": TERRITORY_OPTIONS[0]["value"], "category": "", "day": "2027-02-01", "units": "10"},
        "territories": TERRITORY_OPTIONS,
        "categories": [{"value": "bedridden", "name": both("не встают с постели", "bedridden")}],
        "calculation": {
            "day": "2027-02-01",
            "territory": TERRITORIES[0],
            "category": both("не встают с постели", "bedridden"),
            "units": 10,
            "cost_kopecks": 45_600,
            "territory_coefficient": "1.15",
            "category_coefficient": "1",
            "unit_kopecks": 52_440,
            "amount_kopecks": 524_400,
            "standard_version": 1,
            "cost_version": 2,
        },
        "refusal": None,
        "stream": "ListedService/0190d2a4",
        "trust": trust(9),
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def drafted_service() -> ServicePage:
    """Return a service without anything approved, asked in vain."""
    return service(
        0,
        status="drafted",
        closes_on="2027-06-01",
        proposal_id=None,
        calculation=None,
        refusal=both("На этот день ничего не действует.", "Nothing is in force on that day."),
        trust=EMPTY_TRUST,
    )

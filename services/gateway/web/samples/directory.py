"""Providers and premises."""

from typing import Any

from services.gateway.web.contexts.directory import PremisesPage, PremisesRow, ProviderPage, ProviderRow, ProvidersPage
from services.gateway.web.samples.common import EMPTY_TRUST, TERRITORIES, TERRITORY_OPTIONS, both, provider_ref, trust


def provider_row(number: int) -> ProviderRow:
    ref = provider_ref(number)
    return {
        "id": ref["id"],
        "number": f"51-{number:04}",
        "name": ref["name"],
        "kind": ref["kind"],
        "inn": "7707083893",
        "territory": TERRITORIES[number % 3],
        "forms": ["home", "semi_residential"][: 1 + number % 2],
        "status": "suspended" if number % 5 == 3 else "active",
        "free_places": [14, 0, None, 6][number % 4],
    }


def providers(count: int = 6, **filters: str) -> ProvidersPage:
    return {
        "filters": {"q": "", "kind": "", "form": "", "territory": "", **filters},  # type: ignore[typeddict-item]
        "kinds": ["npo", "budget_institution", "social_enterprise", "individual"],
        "forms": ["home", "semi_residential", "residential", "urgent"],
        "territories": TERRITORY_OPTIONS,
        "items": [provider_row(number) for number in range(count)],
        "total": count,
        "cursor": "c3RhcnQ" if count > 6 else None,
        "next_cursor": "bmV4dA" if count >= 6 else None,
    }


def provider(**changes: Any) -> ProviderPage:
    """Return the card of an NPO."""
    base: ProviderPage = {
        "id": "provider-0",
        "number": "51-0012",
        "name": both("АНО «Северный дом»", "Northern Home"),
        "full_name": both(
            "Автономная некоммерческая организация социальной поддержки населения «Северный дом»",
            "Autonomous non-profit organisation of social support «Northern Home»",
        ),
        "kind": "npo",
        "legal_form": both("Автономная некоммерческая организация", "Autonomous non-profit organisation"),
        "status": "active",
        "state": None,
        "inn": "7707083893",
        "ogrn": "1027700132195",
        "address": both("184040, Кандалакша, ул. Первомайская, 12", "12 Pervomayskaya st., Kandalaksha 184040"),
        "territories": list(TERRITORIES[:2]),
        "head": both("Петрова Анна Сергеевна", "Anna Petrova"),
        "phone": "+7 (815) 330-12-34",
        "email": "dom@sever.example",
        "website": "https://sever.example",
        "included_at": "2024-03-12T08:00:00Z",
        "flags": ["socially_oriented", "useful_services"],
        "experience_years": 12,
        "staff": 34,
        "volunteers": 120,
        "active_agreements": 3,
        "places": [
            {"form": "home", "maximum": 160, "funded": 120, "reserved": 106, "free": 14},
            {"form": "semi_residential", "maximum": 40, "funded": 30, "reserved": 30, "free": 0},
        ],
        "services": [
            {
                "name": both("Приготовление пищи", "Cooking"),
                "kind": "domestic",
                "tariff_kopecks": 24_350,
                "unit": both("услуга", "service"),
            },
            {
                "name": both("Сопровождение к врачу", "Accompaniment to the doctor"),
                "kind": "medical",
                "tariff_kopecks": 61_000,
                "unit": both("час", "hour"),
            },
            {
                "name": both("Помощь в получении юридических услуг", "Help in obtaining legal services"),
                "kind": "legal",
                "tariff_kopecks": None,
                "unit": both("услуга", "service"),
            },
        ],
        "licences": [
            {
                "number": "Л041-01172-51/00331",
                "activity": both("Доврачебная медицинская помощь", "First medical care"),
                "valid_until": None,
                "expired": False,
                "expiring": False,
            },
            {
                "number": "Л041-01172-51/00332",
                "activity": both("Сестринское дело", "Nursing"),
                "valid_until": "2027-01-31",
                "expired": False,
                "expiring": True,
            },
        ],
        "inspections": [
            {
                "day": "2026-04-20",
                "body": both("Министерство социальной политики", "Ministry of Social Policy"),
                "outcome": both("Нарушений нет", "No violations"),
            }
        ],
        "experience": [{"year": 2026 - number, "services": "02/26", "recipients": 140 + number} for number in range(5)],
        "consortia": [
            {
                "number": "12",
                "name": both("Тёплый дом", "Warm home"),
                "status": "standing",
                "members": [
                    {"id": "provider-0", "name": both("АНО «Дом»", "Home"), "share": "60", "role": "-", "lead": True},
                    {"id": "provider-1", "name": both("Фонд «Шаг»", "Step"), "share": "40", "role": "-", "lead": False},
                ],
            }
        ],
        "documents": [{"hash": "ab" * 32, "kind": "charter", "title": "Charter.pdf", "kilobytes": 412}],
        "decisions": [
            {
                "event": "ProviderIncluded",
                "day": "2024-03-12",
                "ground": both("Требования к поставщику выполнены", "The requirements for a provider are met"),
                "law": "442-FZ art. 25",
                "reasons": [],
                "term": None,
                "until": None,
                "explained": None,
                "in_time": True,
                "asked_by": "2024-03-15",
            },
        ],
        "trail": [
            {
                "time": "2024-03-12T08:00:00Z",
                "type": "market.registry.ProviderIncluded.v1",
                "actor": both("Регистратор", "Registrar"),
                "ground": "442-FZ art. 25",
                "entry": {"source": "registry", "sequence": 47},
            }
        ],
        "streams": ["RegisterEntry/provider-0"],
        "trust": trust(9),
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def suspended_provider() -> ProviderPage:
    """Return a card with almost nothing in it, suspended."""
    state = {
        "reason": both("Истекла лицензия.", "The licence has expired."),
        "ground": "442-FZ art. 25",
        "since": "2026-11-02T08:00:00Z",
    }
    return provider(
        status="suspended",
        state=state,
        territories=[],
        head=None,
        phone=None,
        email=None,
        website=None,
        included_at=None,
        flags=[],
        experience_years=None,
        staff=None,
        volunteers=None,
        active_agreements=None,
        places=[],
        services=[],
        licences=None,
        inspections=None,
        consortia=[],
        experience=[],
        documents=[],
        decisions=[
            {
                "event": "ProviderSuspended",
                "day": "2026-11-02",
                "ground": both("Действие лицензии закончилось", "A licence has ended"),
                "law": "99-FZ art. 20",
                "reasons": ["Истекла лицензия."],
                "term": "remedy",
                "until": "2026-12-14T20:59:59Z",
                "explained": both(
                    "30 рабочих дней после 02.11.2026: срок по 14.12.2026 включительно.",
                    "30 working days after 02.11.2026: until 14.12.2026.",
                ),
                "in_time": None,
                "asked_by": None,
            },
            {
                "event": "ProviderApplied",
                "day": "2024-03-01T08:00:00Z",
                "ground": None,
                "law": None,
                "reasons": [],
                "term": None,
                "until": None,
                "explained": None,
                "in_time": False,
                "asked_by": "2024-02-28",
            },
        ],
        trail=[],
        trust=EMPTY_TRUST,
    )


def premises_row(number: int) -> PremisesRow:
    lent = number % 3 == 2
    return {
        "id": f"premises-{number}",
        "kind": "ad_surface" if number % 4 == 3 else "room",
        "title": [
            both("Первый этаж бывшей библиотеки", "Ground floor of the former library"),
            both("Зал в доме культуры", "Hall in the house of culture"),
        ][number % 2],
        "address": both(f"Беломорск, ул. Ленинская, {number + 4}", f"{number + 4} Leninskaya st., Belomorsk"),
        "territory": TERRITORIES[2],
        "area": 120 if number % 2 else "64.5",
        "use": both("занятия с детьми, консультации", "classes for children, counselling"),
        "accessibility": both("пандус, широкие двери", "ramp, wide doors") if number % 2 == 0 else None,
        "status": "lent" if lent else "requested" if number % 3 else "free",
        "free_from": "2027-01-15" if number % 3 else None,
        "requests_until": "2026-12-20T15:00:00Z" if number % 3 == 1 else None,
        "loan": {"borrower": provider_ref(number), "until": "2029-06-30"} if lent else None,
    }


def premises(count: int = 4, **filters: str) -> PremisesPage:
    return {
        "filters": {"kind": "", "status": "", "territory": "", **filters},  # type: ignore[typeddict-item]
        "kinds": ["room", "ad_surface"],
        "statuses": ["free", "requested", "lent", "withdrawn"],
        "territories": TERRITORY_OPTIONS,
        "items": [premises_row(number) for number in range(count)],
        "total": count,
        "cursor": None,
        "next_cursor": None,
    }

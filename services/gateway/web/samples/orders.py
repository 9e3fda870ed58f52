"""An order in each of its states, and lists of orders."""

from datetime import timedelta
from typing import Any

from services.gateway.web.contexts.orders import Bid, Competition, Criterion, Lot, OrderPage, OrderRow, OrdersPage
from services.gateway.web.samples.common import (
    BUYER,
    EMPTY_TRUST,
    NOW,
    SERVICE,
    TERRITORIES,
    TERRITORY_OPTIONS,
    UNIT,
    both,
    provider_ref,
    trail,
    trust,
)

_CRITERIA: list[Criterion] = [
    {
        "key": "price",
        "name": both("Цена за получателя", "Price per recipient"),
        "weight": 30,
        "formula": "lowest_price",
    },
    {
        "key": "quality",
        "name": both("Качество программы", "Quality of the programme"),
        "weight": 40,
        "formula": "expert_mean",
    },
    {"key": "experience", "name": both("Опыт, лет", "Experience, years"), "weight": 20, "formula": "linear"},
    {"key": "reach", "name": both("Охват района", "Reach in the district"), "weight": 10, "formula": "scale"},
]

COUNTED = both(
    "15 рабочих дней после 12.11.2026: срок по 04.12.2026 включительно. Не считаются выходные.",
    "15 working days after 12.11.2026: until 04.12.2026. Weekends are not counted.",
)


def _bid(
    number: int, price: int, years: int, scores: tuple[str, str, str, str], total: str, rank: int, volume: int | None
) -> Bid:
    offers: list[Any] = [
        {"kopecks": price},
        {},
        {"number": years},
        {"words": both("весь район", "whole district")},
    ]
    return {
        "provider": provider_ref(number),
        "status": "admitted",
        "reason": None,
        "flags": [],
        "cells": [
            {"criterion": criterion["key"], "offer": offer, "score": score}
            for criterion, offer, score in zip(_CRITERIA, offers, scores, strict=True)
        ],
        "total": total,
        "rank": rank,
        "awarded_volume": volume,
    }


def _bids() -> list[Bid]:
    rejected: Bid = {
        **_bid(3, 530_000, 1, ("0", "0", "0", "0"), "0", 0, None),
        "status": "rejected",
        "reason": both(
            "Нет лицензии на медицинскую помощь (требование 3)", "No licence for medical care (requirement 3)"
        ),
        "total": None,
        "rank": None,
    }
    rejected["cells"] = [{**cell, "score": None} for cell in rejected["cells"]]
    institution = _bid(2, 412_000, 14, ("39800/412", "239/3", "100", "70"), "53951/618", 2, 30)
    institution["flags"] = ["second_look"]
    cheap = _bid(1, 398_000, 5, ("100", "71", "40", "70"), "367/5", 3, None)
    cheap["flags"] = ["abnormally_low"]
    return [_bid(0, 405_000, 12, ("39800/405", "277/3", "85", "100"), "7489/81", 1, 90), institution, cheap, rejected]


_BEST: dict[str, Any] = {
    "best": [
        {"criterion": "price", "score": "100"},
        {"criterion": "quality", "score": "277/3"},
        {"criterion": "experience", "score": "100"},
        {"criterion": "reach", "score": "100"},
    ],
    "best_total": "7489/81",
}


def _lot(number: int, **changes: Any) -> Lot:
    base: Lot = {
        "id": f"lot-{number}",
        "number": number,
        "title": both("Уход за пожилыми людьми на дому", "Home care for older people"),
        "volume": 120,
        "unit": {"code": "visit", "name": "visit"} if number % 2 else UNIT,
        "limit_kopecks": 51_600_000,
        "unit_limit_kopecks": 430_000,
        "status": "open",
        "reason": None,
        "bids": None,
        "best": [],
        "best_total": None,
        "cursor": None,
        "next_cursor": None,
        "awards": [],
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def _competition(**changes: Any) -> Competition:
    base: Competition = {
        "step": "submission",
        "finished": False,
        "stopped": None,
        "deadline": {"step": "submission", "at": "2026-12-04T15:00:00Z", "calendar": True, "explained": COUNTED},
        "moves": [],
        "amendments": [],
        "sealed": True,
        "stopped_days": None,
        "opening": None,
        "questions_until": "2026-12-01T15:00:00Z",
        "requirements": [
            {
                "name": both(
                    "Действующая запись в реестре поставщиков", "An active entry in the register of providers"
                ),
                "text": None,
            },
            {
                "name": both("Опыт ухода на дому не меньше года", "At least one year of home care"),
                "text": both(
                    "Подтверждается отчётами за последние пять лет.", "Shown by the reports of the last five years."
                ),
            },
            {
                "name": both("Лицензия на доврачебную медицинскую помощь", "A licence for first medical care"),
                "text": None,
            },
        ],
        "criteria": _CRITERIA,
        "formulas_hash": "sha256:9f1c4be27a90d35c",
        "questions": [
            {
                "asked_at": "2026-11-20T09:10:00Z",
                "text": both("Можно ли оказывать услуги по выходным?", "May services be given at weekends?"),
                "answered_at": "2026-11-23T08:00:00Z",
                "answer": both(
                    "Да, если это согласовано в индивидуальной программе получателя.",
                    "Yes, if the recipient's individual programme says so.",
                ),
            },
            {
                "asked_at": "2026-11-30T12:40:00Z",
                "text": both(
                    "Учитывается ли опыт партнёра по консорциуму?", "Does the experience of a consortium partner count?"
                ),
                "answered_at": None,
                "answer": None,
            },
        ],
        "protocols": [],
        "complaints": [],
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def order(**changes: Any) -> OrderPage:
    """Return an order that accepts bids."""
    base: OrderPage = {
        "id": "order-17",
        "number": "СЗ-2026-000017",
        "title": both(
            "Социальное обслуживание на дому пожилых людей и людей с инвалидностью",
            "Social services at home for older and disabled people",
        ),
        "body": both(
            "Помощь в быту, сопровождение к врачу, доврачебная помощь. "
            "Услуги оказываются каждую неделю по индивидуальной программе получателя.",
            "Help with the household, accompaniment to the doctor, first medical care. "
            "Services are given every week by the recipient's individual programme.",
        ),
        "buyer": BUYER,
        "territory": TERRITORIES[0],
        "service": SERVICE,
        "year": 2027,
        "unit": UNIT,
        "volume": 300,
        "limit_kopecks": 51_600_000,
        "status": "open",
        "ways": [
            {"way": "state_assignment", "volume": 120},
            {"way": "competition", "volume": 120},
            {"way": "certificate", "volume": 60},
        ],
        "corrections": [
            {
                "time": "2026-11-10T08:00:00Z",
                "reason": both("Больше получателей выбрали сертификат.", "More recipients chose a certificate."),
                "moved": [
                    {"way": "competition", "before": 140, "after": 120},
                    {"way": "certificate", "before": 40, "after": 60},
                ],
            }
        ],
        "lots": [_lot(1)],
        "competition": _competition(),
        "outcome": None,
        "trail": trail(),
        "streams": ["SocialOrder/order-17", "Competition/competition-17"],
        "trust": trust(),
    }
    return {**base, **changes}  # type: ignore[typeddict-item]


def decided_order() -> OrderPage:
    """Return an order after its evaluation, in the period of complaints, with awards."""
    awards: list[Any] = [
        {
            "provider": provider_ref(0),
            "volume": 90,
            "unit_price_kopecks": 405_000,
            "total_kopecks": 36_450_000,
            "agreement": {"number": "С-2026-000031", "status": "sent"},
        },
        {
            "provider": provider_ref(2),
            "volume": 30,
            "unit_price_kopecks": 412_000,
            "total_kopecks": 12_360_000,
            "agreement": None,
        },
    ]
    return order(
        status="standstill",
        lots=[
            _lot(1, status="awarded", bids=_bids(), **_BEST, awards=awards),
            _lot(2, status="unsuccessful", reason=both("Не подано ни одной заявки.", "No bid was submitted."), bids=[]),
        ],
        outcome={"awards": 2, "total_kopecks": 48_810_000, "below_limit_kopecks": 2_790_000},
        competition=_competition(
            step="complaints",
            sealed=False,
            deadline={"step": "complaints", "at": "2026-12-04T15:00:00Z", "calendar": True, "explained": COUNTED},
            moves=[
                {
                    "before": "2026-11-20T15:00:00Z",
                    "after": "2026-11-24T15:00:00Z",
                    "reason": both("Вопрос участника оставался без ответа.", "A participant's question had no answer."),
                }
            ],
            amendments=[
                {
                    "number": 1,
                    "time": "2026-11-16T08:20:00Z",
                    "reason": both(
                        "Уточнён опыт, который требуется от участника.",
                        "The experience asked of a participant is clearer.",
                    ),
                    "parts": ["requirements", "criteria"],
                    "confirm_until": "2026-11-23T20:59:59Z",
                }
            ],
            protocols=[{"url": "/orders/order-17/protocol", "time": "2026-11-30T14:00:00Z"}],
            complaints=[
                {
                    "number": "Ж-2026-000004",
                    "filed_at": "2026-12-01T07:12:00Z",
                    "status": "accepted",
                    "who": provider_ref(1)["name"],
                    "term": "2026-12-08T20:59:59Z",
                    "remedy": None,
                    "subject": both(
                        "Участник не согласен с оценкой опыта.", "A participant disputes the score for experience."
                    ),
                }
            ],
        ),
    )


def evaluated_order() -> OrderPage:
    """Return an order whose bids are open and whose scores are not yet decided."""
    bids = [bid for bid in _bids() if bid["status"] == "admitted"]
    for bid in bids:
        bid["total"] = bid["rank"] = bid["awarded_volume"] = None
        bid["flags"] = []
        bid["cells"] = [{**cell, "score": None} for cell in bid["cells"]]
    return order(
        status="evaluation",
        lots=[_lot(1, status="evaluation", bids=bids)],
        competition=_competition(
            step="evaluation",
            sealed=False,
            deadline={"step": "evaluation", "at": "2026-11-30T15:00:00Z", "calendar": False, "explained": None},
        ),
    )


def opening_order() -> OrderPage:
    """Return an order between its deadline and the opening: two of three custodians are needed, one has opened."""
    custodians: list[Any] = [
        {"name": both("Министерство", "The ministry"), "released_at": "2026-12-01T10:50:00Z"},
        {"name": both("Контрольно-счётная палата", "The audit chamber"), "released_at": None},
        {"name": both("Ассоциация исполнителей", "The providers' association"), "released_at": None},
    ]
    return order(
        status="closed",
        competition=_competition(step="opening", deadline=None, opening={"needed": 2, "custodians": custodians}),
    )


def unsuccessful_order() -> OrderPage:
    """Return an order without bids."""
    stopped = {
        "step": "submission",
        "reason": both("Не подано ни одной заявки.", "No bid was submitted."),
        "ground": both("189-ФЗ, ст. 17", "189-FZ art. 17"),
        "time": "2026-11-24T15:00:10Z",
    }
    return order(
        status="unsuccessful",
        lots=[_lot(1, status="unsuccessful", bids=[])],
        competition=_competition(stopped=stopped, sealed=False),
    )


def empty_order() -> OrderPage:
    """Return a draft with nothing in it."""
    nothing = _competition(
        step=None,
        deadline=None,
        sealed=False,
        questions_until=None,
        requirements=[],
        criteria=[],
        formulas_hash=None,
        questions=[],
    )
    return order(
        status="draft",
        body=None,
        limit_kopecks=None,
        ways=[],
        corrections=[],
        lots=[],
        competition=nothing,
        trail=[],
        trust=EMPTY_TRUST,
    )


def large_order() -> OrderPage:
    """Return a finished order with many lots and many bids."""
    lots = [_lot(number, status="agreed", bids=_bids() * 3, **_BEST, next_cursor="WzMsM10") for number in range(1, 13)]
    return order(
        status="agreed",
        lots=lots,
        competition=_competition(step="contract", finished=True, sealed=False),
        trail=trail(40),
    )


def order_row(number: int = 17) -> OrderRow:
    statuses = ["open", "evaluation", "standstill", "agreed", "unsuccessful", "closed"]
    titles = [
        both("Социальное обслуживание на дому пожилых людей", "Social services at home for older people"),
        both(
            "Ранняя помощь детям с нарушениями развития и их семьям",
            "Early help for children with developmental disorders and their families",
        ),
        both("Сопровождаемое проживание", "Supported living"),
    ]
    return {
        "id": f"order-{number}",
        "number": f"СЗ-2026-{number:06}",
        "title": titles[number % 3],
        "buyer": BUYER,
        "territory": TERRITORIES[number % 3],
        "service": SERVICE,
        "status": statuses[(number - 17) % 6],
        "lots": 1 + number % 4,
        "limit_kopecks": 51_600_000 + number * 1_234_500,
        "bids_until": NOW + timedelta(days=number - 14, hours=4, minutes=5),
    }


def orders(count: int = 5, **filters: str) -> OrdersPage:
    return {
        "filters": {"status": "", "territory": "", "service": "", **filters},  # type: ignore[typeddict-item]
        "statuses": ["open", "closed", "evaluation", "standstill", "awarded", "agreed", "unsuccessful", "cancelled"],
        "territories": TERRITORY_OPTIONS,
        "services": [{"value": "home", "name": SERVICE}],
        "items": [order_row(17 + i) for i in range(count)],
        "total": count,
        "cursor": None,
        "next_cursor": "b3JkZXItMjI" if count >= 5 else None,
    }

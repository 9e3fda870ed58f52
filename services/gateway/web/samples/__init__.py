"""A filled example of every page's context, in several sizes.

They document `contexts` by example, feed the tests and `preview`. Names and figures are invented.
"""

from typing import Any

from services.gateway.web.contexts.landing import ErrorPage, LandingPage, ProblemPage
from services.gateway.web.samples.catalogue import catalogue, drafted_service, service
from services.gateway.web.samples.certificates import certificates
from services.gateway.web.samples.common import EMPTY_TRUST, TERRITORIES, both, page, site, trail, trust
from services.gateway.web.samples.directory import premises, provider, providers, suspended_provider
from services.gateway.web.samples.log import CONTENT, closed_entry, early_entry, entry, log
from services.gateway.web.samples.orders import (
    decided_order,
    empty_order,
    evaluated_order,
    large_order,
    opening_order,
    order,
    order_row,
    orders,
    unsuccessful_order,
)

__all__ = ["SAMPLES", "page", "site"]


def landing(count: int = 3) -> LandingPage:
    return {
        "figures": {
            "open_orders": count,
            "providers": 46 if count else 0,
            "agreed_kopecks": 1_284_650_000 if count else 0,
            "entries": 18432 if count else 0,
        },
        "closing_soon": [{**order_row(17 + 6 * i), "status": "open"} for i in range(count)],
        "trust": trust(18432) if count else EMPTY_TRUST,
    }


def error(status: int = 404, **changes: Any) -> ErrorPage:
    base: ErrorPage = {"status": status, "refusal": None, "retry_after_s": None}
    return {**base, **changes}  # type: ignore[typeddict-item]


def refused() -> ErrorPage:
    """Return a refusal of a service, as an error page shows it."""
    return error(
        409,
        retry_after_s=90,
        refusal={
            "code": "bid.too_late",
            "sentence": both(
                "Срок приёма заявок истёк 4 декабря 2026 в 18:00.",
                "The deadline for bids passed on 4 December 2026 at 18:00.",
            ),
            "rule": "189-FZ art. 15",
        },
    )


def problem(cases: int = 1) -> ProblemPage:
    sentence = both(
        "Срок приёма заявок истёк {deadline}; заявка пришла {received_at}.",
        "The deadline for bids was {deadline}; the bid came at {received_at}.",
    )
    return {"code": "bid_late", "status": 409, "cases": [{"sentence": sentence, "rule": "189-FZ art. 15"}] * cases}


SAMPLES: dict[str, dict[str, Any]] = {
    "landing": {"usual": landing(), "empty": landing(0), "large": landing(5)},
    "orders": {"usual": orders(), "empty": orders(0), "none_found": orders(0, status="open"), "large": orders(60)},
    "order": {
        "usual": decided_order(),
        "open": order(),
        "evaluation": evaluated_order(),
        "opening": opening_order(),
        "unsuccessful": unsuccessful_order(),
        "empty": empty_order(),
        "large": large_order(),
    },
    "providers": {
        "usual": providers(),
        "empty": providers(0),
        "none_found": providers(0, q="Забота"),
        "large": providers(60),
    },
    "provider": {
        "usual": provider(),
        "empty": suspended_provider(),
        "large": provider(trail=trail(40), territories=TERRITORIES * 10),
    },
    "catalogue": {
        "usual": catalogue(),
        "empty": catalogue(0),
        "none_found": catalogue(0, kind="legal"),
        "large": catalogue(60),
    },
    "service": {"usual": service(), "empty": drafted_service(), "large": service(30)},
    "certificates": {
        "usual": certificates(),
        "empty": certificates(0),
        "none_found": certificates(0, territory="kem"),
        "large": certificates(60),
    },
    "premises": {
        "usual": premises(),
        "empty": premises(0),
        "none_found": premises(0, kind="ad_surface"),
        "large": premises(60),
    },
    "log": {"usual": log(), "empty": log(0), "none_found": log(0, subject="x"), "large": log(100)},
    "log_entry": {"usual": entry(), "empty": early_entry(), "large": entry(content=CONTENT * 40)},
    "log_closed": {"usual": closed_entry(), "empty": closed_entry(previous=None, next=None)},
    "problem": {"usual": problem(), "large": problem(9)},
    "error": {
        "usual": error(),
        "refused": refused(),
        **{str(status): error(status) for status in (400, 403, 409, 429, 500, 503)},
    },
}
"""Page → size → the value of its own key."""

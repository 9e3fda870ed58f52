"""Bids, from the closing on: before it nobody but a bidder sees who bids or how many, before the opening no price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.opendata.mapping.book import At, Change, Json, on
from services.opendata.mapping.tender import of, tender
from services.opendata.mapping.words import money, provider, reference


@on("orders", "BiddingClosed")
def closed(at: At) -> Iterator[Change]:
    lines = at.data["standing"]
    count = at.data.get("count")
    return _standing(at, lines, len(lines) if count is None else count)


@on("orders", "StandingBidsListed")
def listed(at: At) -> Iterator[Change]:
    """The closing's list goes on."""
    return _standing(at, at.data["standing"], None)


def _standing(at: At, lines: list[Json], count: int | None) -> Iterator[Change]:
    ocid, competition = of(at)
    parties = {line["provider_id"]: provider(at, ocid, line["provider_id"], "tenderer") for line in lines}
    details = []
    for line in lines:
        tenderers = [reference(parties[line["provider_id"]])]
        details.append(
            {"id": line["bid_id"], "status": "pending", "tenderers": tenderers, "relatedLots": [line["lot_id"]]}
        )
    seen = [*competition.get("tenderers", []), *(id for id in parties if id not in competition.get("tenderers", []))]
    at.note("competition", at.data["competition_id"], tenderers=seen)
    body: Json = tender(
        competition, tenderers=[reference(each) for each in parties.values()], numberOfTenderers=len(seen)
    )
    body |= {"parties": list(parties.values()), "bids": {"details": details}}
    if count is not None:
        body["bids"]["statistics"] = [_statistic(at, "bids", count)]
    if not details:  # an empty list says nothing, and a statistic of nought says all
        body = tender(competition, numberOfTenderers=0) | {"bids": {"statistics": [_statistic(at, "bids", 0)]}}
    yield Change(ocid, "tenderUpdate", body)


@on("orders", "BidsOpened")
def opened(at: At) -> Iterator[Change]:
    """Prices and volumes are public from here on. What couldn't be opened is no offer."""
    ocid, _ = of(at)
    details = [
        {
            "id": bid["bid_id"],
            "value": money(at, bid["price_kopecks"] * bid["volume"]),
            "unitPrice": money(at, bid["price_kopecks"]),
            "volume": bid["volume"],
        }
        for bid in at.data["bids"]
    ]
    details += [
        {"id": bid["bid_id"], "status": "disqualified", "statusDetails": bid["code"]} for bid in at.data["failed"]
    ]
    yield Change(ocid, "tenderUpdate", {"bids": {"details": details}})


@on("orders", "BidAdmitted")
def admitted(at: At) -> Iterator[Change]:
    return _told(at, at.data["bid_id"], status="valid", statusDetails=None)


@on("orders", "BidRejected")
def rejected(at: At) -> Iterator[Change]:
    """With a reason for each requirement that isn't met."""
    return _told(at, at.data["bid_id"], status="disqualified", statusDetails=_unmet(at))


@on("orders", "CorrectionAsked")
def correction_asked(at: At) -> Iterator[Change]:
    """Nothing but deficiencies that may be corrected, once, until an hour that is named."""
    return _told(at, at.data["bid_id"], statusDetails=f"correction until {at.data['until']}: {_unmet(at)}")


@on("orders", "CorrectionLapsed")
def correction_lapsed(at: At) -> Iterator[Change]:
    return _told(at, at.data["bid_id"], status="disqualified", statusDetails="nothing was corrected in time")


@on("orders", "JustificationAsked")
def justification_asked(at: At) -> Iterator[Change]:
    """Abnormally low prices are asked to be justified; none is rejected for being low alone."""
    ocid, _ = of(at)
    details = [
        {
            "id": price["bid_id"],
            "statusDetails": f"abnormally low ({', '.join(price['reasons'])}), to be justified until {at.data['until']}",
        }
        for price in at.data["prices"]
    ]
    yield Change(ocid, "tenderUpdate", {"bids": {"details": details}})


@on("orders", "LowPriceAccepted")
def low_price_accepted(at: At) -> Iterator[Change]:
    return _told(at, at.data["bid_id"], statusDetails=f"low price justified: {at.data['reason']}")


@on("orders", "LowPriceRejected")
def low_price_rejected(at: At) -> Iterator[Change]:
    details = f"low price not justified: {at.data['reason']}"
    return _told(at, at.data["bid_id"], status="disqualified", statusDetails=details)


def _told(at: At, bid_id: str, **fields: Any) -> Iterator[Change]:
    ocid, _ = of(at)
    yield Change(ocid, "tenderUpdate", {"bids": {"details": [{"id": bid_id, **fields}]}})


def _unmet(at: At) -> str:
    return "; ".join(f"{check['requirement']}: {check['reason']}" for check in at.data["checks"] if not check["met"])


def _statistic(at: At, measure: str, value: int) -> Json:
    return {"id": measure, "measure": measure, "date": at.time, "value": value}

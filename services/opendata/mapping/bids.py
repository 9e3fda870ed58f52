"""Bids, from the closing on: before it nobody but a bidder sees who bids or how many, before the opening no price."""

from __future__ import annotations

from collections.abc import Iterator

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
        at.book.put("bid", line["bid_id"], {"lot_id": line["lot_id"], "provider_id": line["provider_id"]})
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
    ocid, _ = of(at)
    at.note("bid", at.data["bid_id"], valid=True)
    detail = {"id": at.data["bid_id"], "status": "valid", "statusDetails": None}
    yield Change(ocid, "tenderUpdate", {"bids": {"details": [detail]}})


@on("orders", "BidRejected")
def rejected(at: At) -> Iterator[Change]:
    """With a reason for each requirement that isn't met."""
    ocid, _ = of(at)
    reasons = "; ".join(f"{c['requirement']}: {c['reason']}" for c in at.data["checks"] if not c["met"])
    detail = {"id": at.data["bid_id"], "status": "disqualified", "statusDetails": reasons}
    yield Change(ocid, "tenderUpdate", {"bids": {"details": [detail]}})


def _statistic(at: At, measure: str, value: int) -> Json:
    return {"id": measure, "measure": measure, "date": at.time, "value": value}

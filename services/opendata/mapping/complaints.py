"""Complaints about a result, by our own extension: who complains, to whom, about which lot, what came of it.

The standard has had no way to say it since its issue 205 of 2015. The clock of the standstill is `tender.awardPeriod`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.opendata.mapping.book import At, Change, Json, on
from services.opendata.mapping.tender import of, tender
from services.opendata.mapping.words import party, provider, reference


def _told(at: At, **fields: Any) -> Iterator[Change]:
    """A change of a complaint."""
    ocid, _ = of(at)
    yield Change(ocid, "tenderUpdate", {"complaints": [{"id": at.data["complaint_id"], **fields}]})


@on("orders", "ComplaintFiled")
def filed(at: At) -> Iterator[Change]:
    ocid, _ = of(at)
    data = at.data
    complainant = provider(at, ocid, data["provider_id"], "complainant")
    name = at.rules.bodies.get(data["body_id"], data["body_id"])
    body = party(at, ocid, data["body_id"], "reviewBody", name=name)
    complaint: Json = {
        "id": data["complaint_id"],
        "number": data["number"],
        "status": "pending",
        "date": at.time,
        "complainant": reference(complainant),
        "reviewBody": reference(body),
        "description": data["text"],
        "dueDate": data["accept_by"],
        "relatedLots": [data["lot_id"]],
    }
    yield Change(ocid, "tenderUpdate", {"parties": [complainant, body], "complaints": [complaint]})


@on("orders", "ComplaintAccepted")
def accepted(at: At) -> Iterator[Change]:
    return _told(at, status="accepted", dateAccepted=at.time, dueDate=at.data["decide_by"])


@on("orders", "ComplaintDeclined")
def declined(at: At) -> Iterator[Change]:
    return _told(at, status="declined", dateDecided=at.time, decision=at.data["reason"], dueDate=None)


@on("orders", "ComplaintSatisfied")
def satisfied(at: At) -> Iterator[Change]:
    data = at.data
    return _told(
        at, status="satisfied", dateDecided=at.time, decision=data["decision"], remedy=data["remedy"], dueDate=None
    )


@on("orders", "ComplaintResolved")
def resolved(at: At) -> Iterator[Change]:
    return _told(at, status="resolved", dateResolved=at.time)


@on("orders", "ComplaintWithdrawn")
def withdrawn(at: At) -> Iterator[Change]:
    return _told(at, status="withdrawn", statusDetails=at.data["reason"], dueDate=None)


@on("orders", "StandstillStopped")
def standstill_stopped(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    details = f"standstill stopped, {at.data['left_days']} working days are left"
    yield Change(ocid, "tenderUpdate", tender(competition, statusDetails=details, awardPeriod={"endDate": None}))


@on("orders", "StandstillResumed")
def standstill_resumed(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    period = {"endDate": at.data["until"]}
    yield Change(ocid, "tenderUpdate", tender(competition, statusDetails=None, awardPeriod=period))


@on("orders", "CheckReopened")
def check_reopened(at: At) -> Iterator[Change]:
    """The bids are checked again, the rankings are void."""
    ocid, competition = of(at)
    details = [{"id": bid_id, "status": "pending", "statusDetails": "checked again"} for bid_id in at.data["bids"]]
    body = _void(at, competition)
    if details:
        body["bids"] = {"details": details}
    if body:
        yield Change(ocid, "tenderUpdate", body)


@on("orders", "EvaluationReopened")
def evaluation_reopened(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    body = _void(at, competition)
    if body:
        yield Change(ocid, "tenderUpdate", body)


def _void(at: At, competition: Json) -> Json:
    """The protocols of the lots whose rankings are void say so."""
    protocols = competition.get("protocols", {})
    void = [protocols[lot_id] for lot_id in at.data["lots"] if lot_id in protocols]
    left = {lot_id: hash for lot_id, hash in protocols.items() if lot_id not in at.data["lots"]}
    at.note("competition", at.data["competition_id"], protocols=left)
    documents = [{"id": hash, "description": "Отменён: результат пересматривается по жалобе"} for hash in void]
    return tender(competition, documents=documents) if documents else {}

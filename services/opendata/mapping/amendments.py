"""Amendments of an announcement: what takes its new form, and the amendment itself, which names the release before."""

from __future__ import annotations

from collections.abc import Iterator

from services.opendata.mapping.book import At, Change, Json, on
from services.opendata.mapping.tender import criteria_in_words, eligibility, lot_now, of, tender
from services.opendata.mapping.words import item, money

PARTS = {"title": "название", "lots": "лоты", "requirements": "требования", "criteria": "критерии"}


@on("orders", "CompetitionAmended")
def amended(at: At) -> Iterator[Change]:
    """The whole announcement as it is from now on. Its new deadline has an event of its own."""
    ocid, before = of(at)
    data = at.data
    service = {name: before["lots"][0][name] for name in ("service_code", "service_name")}
    lots = [{**lot, **service} for lot in data["lots"]]
    now = at.note(
        "competition",
        data["competition_id"],
        title=data["title"],
        lots=lots,
        requirements=data["requirements"],
        criteria=data["criteria"],
    )
    for lot in lots:
        at.book.put("lot", lot["lot_id"], {"ocid": ocid, "title": lot["title"]})
    status = "active" if now.get("open") else "planned"
    change = {
        "id": at.entry.event_id,
        "date": at.time,
        "rationale": data["reason"],
        "description": f"Изменение № {data['amendment']}: "
        + ", ".join(PARTS.get(part, part) for part in data["parts"]),
    }
    told: list[Json] = [lot_now(at, lot, status) for lot in lots]
    told += [{"id": lot_id, "status": "withdrawn"} for lot_id in data["taken_out"]]
    body = tender(
        now,
        title=data["title"],
        value=money(at, sum(lot["volume"] * lot["limit_price_kopecks"] for lot in lots)),
        lots=told,
        items=[item(at, lot, lot["volume"], lot["limit_price_kopecks"]) for lot in lots],
        eligibilityCriteria=eligibility(now),
        awardCriteriaDetails=criteria_in_words(now, data["formulas_hash"]),
        enquiryPeriod={"endDate": data["questions_until"]},
        amendments=[change],
    )
    yield Change(ocid, "tenderAmendment", body)

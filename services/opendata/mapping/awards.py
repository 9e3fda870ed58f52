"""The result: protocols, awards down the ranking, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator

from services.opendata.mapping.book import At, Change, Json, on
from services.opendata.mapping.tender import of, tender
from services.opendata.mapping.words import item, money, provider, reference

OUTCOMES = {"active": ("active", "awardUpdate")}
DECLINED = ("cancelled", "awardCancellation")


@on("orders", "RankingDecided")
def ranked(at: At) -> Iterator[Change]:
    """The protocol, by the hash of its bytes."""
    ocid, competition = of(at)
    lot = _lot(competition, at.data["lot_id"])
    protocols = {**competition.get("protocols", {}), at.data["lot_id"]: at.data["protocol_hash"]}
    at.note("competition", at.data["competition_id"], protocols=protocols)
    protocol = {
        "id": at.data["protocol_hash"],
        "documentType": "evaluationReports",
        "title": f"Протокол: {lot['title']}",
        "description": f"SHA-256 протокола: {at.data['protocol_hash']}",
        "datePublished": at.data["decided_at"],
        "format": "text/html",
        "language": "ru",
        "relatedLots": [at.data["lot_id"]],
    }
    yield Change(ocid, "tenderUpdate", tender(competition, documents=[protocol]))


@on("orders", "CompetitionAwarded")
def awarded(at: At) -> Iterator[Change]:
    ocid, competition = of(at)
    if not at.data["awards"]:
        return  # nobody was left who could take it: the lot's own event says what becomes of it
    parties: dict[str, Json] = {}
    awards = []
    for award in at.data["awards"]:
        lot = _lot(competition, award["lot_id"])
        winner = parties[award["provider_id"]] = provider(at, ocid, award["provider_id"], "supplier")
        awards.append(
            {
                "id": award["award_id"],
                "title": lot["title"],
                "status": "pending",
                "date": at.time,
                "value": money(at, award["volume"] * award["unit_price_kopecks"]),
                "suppliers": [reference(winner)],
                "items": [item(at, lot, award["volume"], award["unit_price_kopecks"])],
                "relatedLots": [award["lot_id"]],
                "relatedBid": award["bid_id"],
            }
        )
    yield Change(ocid, "award", {"parties": list(parties.values()), "awards": awards})


@on("orders", "AwardSettled")
def settled(at: At) -> Iterator[Change]:
    """The winner's agreement is in force, or it declined, or the agreement came to nothing."""
    ocid, _ = of(at)
    status, tag = OUTCOMES.get(at.data["outcome"], DECLINED)
    award: Json = {"id": at.data["award_id"], "status": status}
    if status != "active":
        award["statusDetails"] = at.data["outcome"]
    yield Change(ocid, tag, {"awards": [award]})


def _lot(competition: Json, lot_id: str) -> Json:
    return next(lot for lot in competition["lots"] if lot["lot_id"] == lot_id)

"""Amendments, corrections, low prices and complaints, as releases tell of them."""

from __future__ import annotations

from typing import Any

from kernel.ids import derived_id
from kernel.settings import PROJECT
from services.opendata.fold import Fold
from services.opendata.mapping import BookInMemory
from services.opendata.merging import compiled
from services.opendata.rules import load_rules
from tests import opendata_story as story

RULES = load_rules(PROJECT / "region")
CHAMBER = derived_id("body", "audit_chamber")
COMPLAINT = derived_id("story", "complaint")
UNTIL = "2027-03-20T20:59:59.000000Z"


def releases(*events: dict[str, Any]) -> list[dict[str, Any]]:
    fold = Fold(BookInMemory(), RULES)
    before = [*story.providers(), *story.announcement(), *story.closing(), *story.opening()]
    found = [fold.take(story.entry_of("orders" if "Register" not in e["subject"] else "registry", e), story.SEALED)
             for e in [*before, *events]]  # fmt: skip
    return [release.body for some in found for release in some]


def bid(*events: dict[str, Any]) -> dict[str, Any]:
    (found,) = [b for b in compiled(releases(*events))["bids"]["details"] if b["id"] == story.BIDS[story.NPO]]
    return dict(found)


def of_bid(name: str, **data: Any) -> dict[str, Any]:
    return story.of_competition(name, bid_id=story.BIDS[story.NPO], **data)


def of_complaint(name: str, **data: Any) -> dict[str, Any]:
    return story.of_competition(name, complaint_id=COMPLAINT, **data)


def filed() -> dict[str, Any]:
    return of_complaint(
        "ComplaintFiled", number=1, lot_id=story.LOT, provider_id=story.PERSON, text="Оценки не обоснованы",
        body_id=CHAMBER, accept_by=UNTIL,
    )  # fmt: skip


def ranked() -> dict[str, Any]:
    return story.of_competition("RankingDecided", lot_id=story.LOT, protocol_hash="a" * 64, decided_at=story.SEALED)


def test_an_amendment_gives_the_announcement_its_new_form() -> None:
    other = derived_id("story", "another lot")
    lot = {"lot_id": other, "title": "Другой лот", "volume": 7, "unit": "visit", "limit_price_kopecks": 60_000}
    amended = story.of_competition(
        "CompetitionAmended", amendment=1, reason="Опечатка", parts=["lots", "title"], title="Новое название", lots=[lot],
        taken_out=[story.LOT], requirements=[{"code": "a", "text": "Опыт"}], criteria=[], formulas_hash="1" * 64,
        questions_until=UNTIL,
    )  # fmt: skip
    last = releases(amended)[-1]
    assert last["tag"] == ["tenderAmendment"] and last["tender"]["amendments"][0]["rationale"] == "Опечатка"
    made = compiled(releases(amended))["tender"]
    assert {one["id"]: one["status"] for one in made["lots"]} == {story.LOT: "withdrawn", other: "active"}
    assert (made["title"], made["eligibilityCriteria"], made["value"]["amount"]) == ("Новое название", "Опыт", 4_200)


def test_a_deficiency_is_corrected_or_the_bid_falls() -> None:
    check = {"requirement": "taxes", "met": False, "reason": "нет справки"}
    asked = of_bid("CorrectionAsked", bidder="№ 1", checks=[check], hours=24, until=UNTIL)
    assert "нет справки" in bid(asked)["statusDetails"] and bid(asked)["status"] == "pending"
    assert bid(asked, of_bid("CorrectionLapsed"))["status"] == "disqualified"
    admitted = bid(asked, of_bid("BidAdmitted", bidder="№ 1", checks=[]))
    assert admitted["status"] == "valid" and "statusDetails" not in admitted


def test_a_low_price_is_asked_about_and_decided() -> None:
    price = {"bid_id": story.BIDS[story.NPO], "price_kopecks": 1, "reasons": ["below_mean"]}
    asked = story.of_competition("JustificationAsked", lot_id=story.LOT, prices=[price], until=UNTIL)
    assert "below_mean" in bid(asked)["statusDetails"] and bid(asked)["status"] == "pending"
    assert bid(asked, of_bid("LowPriceRejected", reason="расчёта нет"))["status"] == "disqualified"
    assert "волонтёры" in bid(asked, of_bid("LowPriceAccepted", reason="волонтёры"))["statusDetails"]


def test_a_complaint_from_its_filing_to_its_remedy() -> None:
    steps = [
        filed(),
        of_complaint("ComplaintAccepted", decide_by=UNTIL),
        of_complaint("ComplaintSatisfied", decision="Жалоба обоснована", remedy="rescore"),
        of_complaint("EvaluationReopened", lot_id=story.LOT, lots=[story.LOT]),
        of_complaint("ComplaintResolved"),
    ]
    told = [compiled(releases(ranked(), *steps[: n + 1]))["complaints"][0]["status"] for n in range(len(steps))]
    assert told == ["pending", "accepted", "satisfied", "satisfied", "resolved"]
    made = compiled(releases(ranked(), *steps))
    (complaint,) = made["complaints"]
    assert complaint["reviewBody"]["name"] == "Контрольно-счётная палата Беломорского края"
    assert complaint["remedy"] == "rescore" and complaint["relatedLots"] == [story.LOT] and "dueDate" not in complaint
    roles = {party["id"]: party["roles"] for party in made["parties"]}
    assert roles[CHAMBER] == ["reviewBody"] and roles[story.PERSON] == ["tenderer", "complainant"]
    assert made["tender"]["documents"][0]["description"].startswith("Отменён")


def test_declined_and_withdrawn_complaints_end() -> None:
    for name, status in (("ComplaintDeclined", "declined"), ("ComplaintWithdrawn", "withdrawn")):
        (complaint,) = compiled(releases(filed(), of_complaint(name, reason="пропущен срок")))["complaints"]
        assert complaint["status"] == status and "dueDate" not in complaint


def test_bids_are_checked_again_and_the_clock_stands_meanwhile() -> None:
    began = story.of_competition("StandstillBegan", until=UNTIL)
    stopped = story.of_competition("StandstillStopped", stopped_at=UNTIL, left_days=3)
    again = of_complaint("CheckReopened", lot_id=story.LOT, lots=[story.LOT], bids=[story.BIDS[story.NPO]])
    resumed = story.of_competition("StandstillResumed", until=UNTIL)
    admitted = of_bid("BidAdmitted", bidder="№ 1", checks=[])
    assert bid(admitted, again)["status"] == "pending"
    while_stopped = compiled(releases(began, stopped))["tender"]
    assert "endDate" not in while_stopped["awardPeriod"] and "3 working days" in while_stopped["statusDetails"]
    going_on = compiled(releases(began, stopped, resumed))["tender"]
    assert going_on["awardPeriod"]["endDate"] == UNTIL and "statusDetails" not in going_on

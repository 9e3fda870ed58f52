"""One correction of a listed deficiency within the region's hours (DOMAIN §2(b)), and what it may not be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kernel.identity import Actor
from kernel.ids import new_id
from services.orders.domain.competition import admission, correction
from services.orders.domain.competition.closing import GRACE
from services.orders.domain.competition.state import Requirement
from tests.unit.orders.competition_walk import OFFICER, SealedBid, Walk, actor, calendar, content, rules

PAPERS = Requirement(code="papers", text="Приложены все справки", correctable=True)
DEBTS = Requirement(code="no_debts", text="Нет задолженности по налогам")


def opened(*plain: bytes) -> tuple[Walk, list[SealedBid]]:
    walk = Walk(requirements=(PAPERS, DEBTS)).open()
    bids = [walk.bid(each) for each in plain or (content(),)]
    walk.opened(*bids)
    walk.now = datetime(2027, 3, 1, 9, tzinfo=UTC)  # a Monday
    return walk, bids


def bidder_of(bid: SealedBid) -> Actor:
    return actor("provider", bid.line.provider_id)


def correct(walk: Walk, bid: SealedBid) -> correction.CorrectBid:
    return correction.CorrectBid(id=walk.id, bid_id=bid.bid_id, text="Справка приложена, номер 14 от 03.03.2027")


def test_a_listed_deficiency_is_corrected_once_and_checked_again() -> None:
    walk, [bid] = opened()
    [asked] = walk.checked(bid, papers=False)
    assert isinstance(asked, correction.CorrectionAsked)
    assert asked.hours == 24 and asked.until == walk.now + timedelta(hours=24) and asked.explanation is None
    assert [check.requirement for check in asked.checks if not check.met] == ["papers"]
    assert walk.state.bid(bid.bid_id).status == "correcting"
    assert walk.refused(admission.BeginEvaluation(id=walk.id), OFFICER) == "corrections_awaited"
    walk.do(correct(walk, bid), bidder_of(bid))
    assert walk.refused(correct(walk, bid), bidder_of(bid)) == "correction_not_asked"
    assert walk.refused(admission.BeginEvaluation(id=walk.id), OFFICER) == "bids_unchecked"
    [admitted] = walk.checked(bid)
    assert isinstance(admitted, admission.BidAdmitted) and walk.state.bid(bid.bid_id).reasons == ()
    lapse = correction.LapseCorrection(id=walk.id, bid_id=bid.bid_id)
    assert walk.do(lapse, now=asked.until + GRACE) == (), "its time is over, but it was corrected"


def test_there_is_no_second_correction() -> None:
    walk, [bid] = opened()
    walk.checked(bid, papers=False)
    walk.do(correct(walk, bid), bidder_of(bid))
    [rejected] = walk.checked(bid, papers=False)
    assert isinstance(rejected, admission.BidRejected)
    [again] = walk.checked(bid, papers=False)
    assert isinstance(again, admission.BidRejected), "whoever is checked again isn't asked again"


@pytest.mark.parametrize("unmet", [{"no_debts": False}, {"no_debts": False, "papers": False}])
def test_what_is_not_listed_rejects_at_once(unmet: dict[str, bool]) -> None:
    walk, [bid] = opened()
    [event] = walk.checked(bid, **unmet)
    assert isinstance(event, admission.BidRejected)


def test_what_a_machine_finds_is_not_corrected() -> None:
    walk, [bid] = opened(content(price=60_000))
    [event] = walk.checked(bid, papers=False)
    assert isinstance(event, admission.BidRejected), "a price above the limit stays what it is"


def test_nothing_said_in_time_rejects_for_what_was_found() -> None:
    walk, [bid, other] = opened(content(), content(41_000))
    walk.checked(other)
    [asked] = walk.checked(bid, papers=False)
    assert isinstance(asked, correction.CorrectionAsked)
    at, lapse = walk.dues[-1]
    assert at == asked.until + GRACE and isinstance(lapse, correction.LapseCorrection)
    late = correct(walk, bid)
    assert walk.refused(late, bidder_of(bid), received_at=asked.until + timedelta(seconds=1)) == "corrected_late"
    [lapsed] = walk.do(lapse, now=at)
    assert isinstance(lapsed, correction.CorrectionLapsed)
    assert walk.state.bid(bid.bid_id).status == "rejected" and walk.state.bid(bid.bid_id).reasons == (
        "papers: проверено",
    )
    walk.do(admission.BeginEvaluation(id=walk.id), OFFICER)
    assert walk.status == "evaluation"


def test_only_its_bidder_corrects_a_bid() -> None:
    walk, [bid] = opened()
    assert walk.refused(correct(walk, bid), bidder_of(bid)) == "correction_not_asked"
    walk.checked(bid, papers=False)
    assert walk.refused(correct(walk, bid), actor("provider", new_id())) == "not_yours"


def test_a_term_that_ends_on_a_day_off_ends_with_the_next_working_day() -> None:
    """Civil Code art. 193: 26 February 2027 is a Friday, so 24 hours later is a Saturday."""
    friday = datetime(2027, 2, 26, 9, tzinfo=UTC)
    until, explanation = correction.correction_term(friday, 24, rules())
    assert until == calendar().add_working_days(friday, 1, "Europe/Moscow").at
    assert explanation is not None and explanation["days"] == 0 and explanation["counted_from"] == "2027-02-27"
    assert [day["day"] for day in explanation["skipped"]] == ["2027-02-27", "2027-02-28"]
